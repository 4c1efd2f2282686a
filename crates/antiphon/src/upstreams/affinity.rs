//! Which requests belong together, and on which server they do.
//!
//! Weighted rendezvous hashing: each server draws a number for the session, and the highest has it. A server that
//! goes takes only its own sessions along, and every process that has the same servers chooses the same one.

use antiphon_core::{Input, Request, Role};
use sha2::{Digest, Sha256};

use super::Affinity;

/// What a conversation begins with is told by no more bytes than these.
const PREFIX: usize = 16 << 10;

/// Raw prompts have no first turn: so many bytes stand for the beginning.
const RAW_PREFIX: usize = 512;

/// What a request shares with those that belong to it; `None` where it belongs to none.
pub(super) fn session(affinity: Affinity, request: &Request) -> Option<u64> {
    match affinity {
        Affinity::None => None,
        Affinity::User => user(request).map(|user| number(&[user.as_bytes()])),
        Affinity::Prefix => prefix(request),
    }
}

fn user(request: &Request) -> Option<&str> {
    let params = &request.params;
    let of_metadata = || params.metadata.as_ref()?.get("session_id")?.as_str();
    request
        .extra
        .get("session_id")
        .and_then(|id| id.as_str())
        .or_else(of_metadata)
        .or(params.user.as_deref())
        .or(params.prompt_cache_key.as_deref())
        .or(params.safety_identifier.as_deref())
        .filter(|user| !user.is_empty())
}

/// All up to the first message of the user, which every later turn of the conversation begins with, too.
fn prefix(request: &Request) -> Option<u64> {
    let mut digest = Sha256::new();
    let mut room = PREFIX;
    for message in &request.messages {
        let text = message.content.text();
        let piece = &text.as_bytes()[..text.len().min(room)];
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(piece);
        room -= piece.len();
        if message.role == Role::User || room == 0 {
            return Some(first(digest));
        }
    }
    match request.task.inputs().first() {
        Some(Input::Text(text)) => Some(number(&[&text.as_bytes()[..text.len().min(RAW_PREFIX)]])),
        Some(Input::Tokens(tokens)) => {
            let bytes: Vec<u8> =
                tokens.iter().take(RAW_PREFIX / 4).flat_map(|token| token.to_le_bytes()).collect();
            Some(number(&[&bytes]))
        }
        None if request.messages.is_empty() => None,
        None => Some(first(digest)),
    }
}

/// A number that the same bytes have in every process.
pub(super) fn number(pieces: &[&[u8]]) -> u64 {
    let mut digest = Sha256::new();
    for piece in pieces {
        digest.update((piece.len() as u64).to_le_bytes());
        digest.update(piece);
    }
    first(digest)
}

fn first(digest: Sha256) -> u64 {
    let bytes: [u8; 32] = digest.finalize().into();
    u64::from_le_bytes(bytes[..8].try_into().unwrap_or_default())
}

/// What a server draws for a session.
pub(super) fn draw(session: u64, server: u64, weight: u32) -> f64 {
    // splitmix64's last steps: every bit of both numbers shows in every bit of the draw.
    let mut mixed = session ^ server.rotate_left(32);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    let unit = (mixed >> 11) as f64 / (1_u64 << 53) as f64 + f64::EPSILON;
    -f64::from(weight) / unit.ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use antiphon_core::Message;

    fn chat(messages: &[(Role, &str)]) -> Request {
        let mut request = Request::new("m", "");
        let message = |(role, text): &(Role, &str)| Message { role: *role, ..Message::user(*text) };
        request.messages = messages.iter().map(message).collect();
        request
    }

    #[test]
    fn a_conversation_keeps_its_beginning() {
        let of = |messages: &[(Role, &str)]| session(Affinity::Prefix, &chat(messages));
        let begun = [(Role::System, "be kind"), (Role::User, "hi")];
        let longer = [begun[0], begun[1], (Role::Assistant, "hello"), (Role::User, "what is new?")];
        assert_eq!(of(&begun), of(&longer));
        assert_ne!(of(&begun), of(&[(Role::System, "be kind"), (Role::User, "ho")]));
        assert_ne!(
            of(&[(Role::System, "ab"), (Role::User, "c")]),
            of(&[(Role::System, "a"), (Role::User, "bc")])
        );
        assert_eq!(session(Affinity::None, &chat(&begun)), None);
    }

    #[test]
    fn who_asks_is_told_by_what_is_given() {
        let mut request = chat(&[(Role::User, "hi")]);
        assert_eq!(session(Affinity::User, &request), None);
        request.params.user = Some("ann".into());
        let ann = session(Affinity::User, &request);
        assert!(ann.is_some());
        request.extra.insert("session_id".into(), "s1".into());
        assert_ne!(session(Affinity::User, &request), ann);
    }

    #[test]
    fn draws_are_shared_by_weight_and_stay_when_another_goes() {
        let servers = [(11_u64, 1), (22, 1), (33, 2)];
        let best = |session: u64, servers: &[(u64, u32)]| {
            let draws = servers.iter().map(|(id, weight)| (draw(session, *id, *weight), *id));
            draws.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, id)| id)
        };
        let mut counts = [0; 3];
        for session in 0..4000_u64 {
            let session = number(&[&session.to_le_bytes()]);
            let chosen = best(session, &servers).unwrap();
            counts[servers.iter().position(|(id, _)| *id == chosen).unwrap()] += 1;
            if chosen != 22 {
                assert_eq!(best(session, &[servers[0], servers[2]]), Some(chosen));
            }
        }
        // Five standard deviations around 1000, 1000 and 2000.
        assert!((counts[0] - 1000_i32).abs() < 140 && (counts[1] - 1000_i32).abs() < 140, "{counts:?}");
        assert!((counts[2] - 2000_i32).abs() < 160, "{counts:?}");
    }
}
