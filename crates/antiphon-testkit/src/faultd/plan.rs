//! A reply, prepared: what is written when, with neighbouring writes joined into one.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::script::{Cut, Framing, Reply, Step};

/// One thing to do, with nothing left to compute.
#[derive(Debug, Clone)]
pub(super) enum Action {
    Write(Bytes),
    Sleep(Duration),
    /// Writes and then waits, so often or for ever.
    Repeat(Bytes, Duration, Option<u64>),
    Cut(Cut),
    Hang,
    GoAway(u32),
    ResetStream(u32),
    Tunnel(String),
}

/// A reply with its actions for either protocol.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) reply: Reply,
    /// The whole answer, head and framing included.
    pub(super) http1: Vec<Action>,
    /// The body alone.
    pub(super) http2: Vec<Action>,
}

impl Plan {
    pub(super) fn new(reply: Reply) -> Self {
        Self { http1: http1(&reply), http2: actions(&reply.steps, Framing::None), reply }
    }
}

fn http1(reply: &Reply) -> Vec<Action> {
    let framing = if reply.status.is_some() && !says_length(reply) { reply.framing } else { Framing::None };
    let mut plan = Vec::new();
    push_sleep(&mut plan, reply.delay_ms);
    if !reply.before.is_empty() {
        push_write(&mut plan, reply.before.0.clone());
    }
    if let Some(status) = reply.status {
        push_write(&mut plan, head(status, reply, framing).into());
    }
    for action in actions(&reply.steps, framing) {
        match action {
            Action::Write(bytes) => push_write(&mut plan, bytes),
            other => plan.push(other),
        }
    }
    if framing == Framing::Chunked {
        push_write(&mut plan, Bytes::from_static(b"0\r\n\r\n"));
    }
    plan
}

/// Whether the headers tell the length themselves, or the status says that there is no body.
fn says_length(reply: &Reply) -> bool {
    let bodiless = reply.status.is_some_and(|status| status < 200 || status == 204 || status == 304);
    let tells = |name: &str| {
        name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("transfer-encoding")
    };
    bodiless || reply.headers.iter().any(|(name, _)| tells(name))
}

fn head(status: u16, reply: &Reply, framing: Framing) -> Vec<u8> {
    let reason = reply.reason.as_deref().unwrap_or_else(|| {
        http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("")
    });
    let mut head = format!("HTTP/1.1 {status} {reason}\r\n").into_bytes();
    for (name, value) in &reply.headers {
        head.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    match framing {
        Framing::Length => {
            let length: u64 = reply.steps.iter().map(length).sum();
            head.extend_from_slice(format!("content-length: {length}\r\n").as_bytes());
        }
        Framing::Chunked => head.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Framing::None => {}
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// How much a step writes. What repeats for ever has no length: a reply with it should be chunked.
fn length(step: &Step) -> u64 {
    match step {
        Step::Send(bytes) | Step::Drip { bytes, .. } => bytes.len() as u64,
        Step::Repeat { bytes, times, .. } => {
            (bytes.len() as u64).saturating_mul(times.unwrap_or(u32::MAX.into()))
        }
        _ => 0,
    }
}

/// The steps as actions; where they are chunked, each write is a chunk of its own.
pub(super) fn actions(steps: &[Step], framing: Framing) -> Vec<Action> {
    let framed = |bytes: &Bytes| if framing == Framing::Chunked { chunk(bytes) } else { bytes.clone() };
    let mut plan = Vec::new();
    for step in steps {
        match step {
            Step::Send(data) => push_write(&mut plan, framed(&data.0)),
            Step::Sleep(ms) => push_sleep(&mut plan, *ms),
            Step::Drip { bytes, n, every_ms } => {
                let mut rest = bytes.0.clone();
                while !rest.is_empty() {
                    let piece = rest.split_to((*n).clamp(1, rest.len()));
                    push_write(&mut plan, framed(&piece));
                    push_sleep(&mut plan, if rest.is_empty() { 0 } else { *every_ms });
                }
            }
            Step::Repeat { bytes, every_ms, times } => {
                plan.push(Action::Repeat(framed(&bytes.0), Duration::from_millis(*every_ms), *times));
            }
            Step::Cut(how) => plan.push(Action::Cut(*how)),
            Step::Hang => plan.push(Action::Hang),
            Step::GoAway(code) => plan.push(Action::GoAway(*code)),
            Step::ResetStream(code) => plan.push(Action::ResetStream(*code)),
            Step::Tunnel(address) => plan.push(Action::Tunnel(address.clone())),
        }
    }
    plan
}

fn chunk(bytes: &Bytes) -> Bytes {
    // An empty chunk would be the last one.
    if bytes.is_empty() {
        return Bytes::new();
    }
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat().into()
}

fn push_write(plan: &mut Vec<Action>, bytes: Bytes) {
    match plan.last_mut() {
        Some(Action::Write(before)) => {
            let joined = std::mem::take(before).try_into_mut();
            let mut joined = joined.unwrap_or_else(|shared| BytesMut::from(&shared[..]));
            joined.extend_from_slice(&bytes);
            *before = joined.freeze();
        }
        _ => plan.push(Action::Write(bytes)),
    }
}

fn push_sleep(plan: &mut Vec<Action>, ms: u64) {
    if ms > 0 {
        plan.push(Action::Sleep(Duration::from_millis(ms)));
    }
}
