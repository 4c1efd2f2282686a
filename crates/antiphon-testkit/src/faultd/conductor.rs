//! Which reply answers which request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::auto;
use super::http1::Head;
use super::plan::Plan;
use super::script::{OnConnect, Read, Reply, Script, Then, When};

/// A script that is being played. It is replaced while requests come.
pub(super) struct Conductor {
    state: Mutex<State>,
}

struct State {
    script: Script,
    parts: Vec<Part>,
    /// Requests and connections since the script was set.
    requests: u64,
    connections: usize,
}

struct Part {
    plans: Arc<Plans>,
    /// How often it may still answer; `None`: for ever.
    left: Option<u32>,
}

/// A reply's plan, or its plans for each kind of request.
pub(super) enum Plans {
    One(Box<Plan>),
    Auto(Box<auto::Plans>),
}

/// What answers a request.
pub(super) struct Picked {
    pub(super) plans: Arc<Plans>,
    /// No reply is left after it, and then nobody shall listen.
    pub(super) last: bool,
}

impl Plans {
    fn new(reply: &Reply) -> Self {
        match &reply.auto {
            Some(auto) => Self::Auto(Box::new(auto::Plans::new(reply, auto))),
            None => Self::One(Box::new(Plan::new(reply.clone()))),
        }
    }

    pub(super) fn plan(&self, target: &str, body: &[u8]) -> &Plan {
        match self {
            Self::One(plan) => plan,
            Self::Auto(plans) => plans.plan(target, body),
        }
    }

    pub(super) fn read(&self) -> Read {
        match self {
            Self::One(plan) => plan.reply.read,
            Self::Auto(_) => Read::Whole,
        }
    }
}

impl Conductor {
    pub(super) fn new(script: Script) -> Self {
        Self { state: Mutex::new(State::new(script)) }
    }

    pub(super) fn set(&self, script: Script) {
        *self.state() = State::new(script);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn connect(&self) -> OnConnect {
        let mut state = self.state();
        let at = state.connections.min(state.script.on_connect.len().saturating_sub(1));
        state.connections += 1;
        state.script.on_connect.get(at).cloned().unwrap_or(OnConnect::Serve)
    }

    /// The next reply, where it wants to read nothing of the request.
    pub(super) fn pick_unread(&self, reused: bool) -> Option<Picked> {
        let mut state = self.state();
        let nth = state.requests + 1;
        let at =
            state.find(|when| when.path.is_none() && when.method.is_none() && when.other(nth, reused))?;
        if state.parts[at].plans.read() != Read::Nothing {
            return None;
        }
        Some(state.take(at))
    }

    /// The reply to a request; none where the script has ended in a refusal.
    pub(super) fn pick(&self, head: &Head, reused: bool) -> Option<Picked> {
        let mut state = self.state();
        let nth = state.requests + 1;
        match state.find(|when| when.head(head) && when.other(nth, reused)) {
            Some(at) => Some(state.take(at)),
            None if state.script.then == Then::Refuse => None,
            None => {
                state.requests += 1;
                Some(Picked { plans: Arc::new(Plans::new(&unscripted())), last: false })
            }
        }
    }
}

fn unscripted() -> Reply {
    let message = "faultd: the script has no reply to this request";
    Reply::json(404, serde_json::json!({"error": {"message": message, "type": "not_found_error"}}))
}

impl State {
    fn new(script: Script) -> Self {
        let part = |reply: &Reply| Part { plans: Arc::new(Plans::new(reply)), left: reply.times };
        Self { parts: script.replies.iter().map(part).collect(), script, requests: 0, connections: 0 }
    }

    fn find(&self, matches: impl Fn(&When) -> bool) -> Option<usize> {
        let matching = |at: &usize| matches(&self.script.replies[*at].when);
        let unused = |at: &usize| self.parts[*at].left != Some(0);
        let all = 0..self.parts.len();
        all.clone().filter(matching).find(unused).or_else(|| match self.script.then {
            Then::Repeat => all.rev().find(matching),
            Then::Refuse => None,
        })
    }

    fn take(&mut self, at: usize) -> Picked {
        self.requests += 1;
        let part = &mut self.parts[at];
        part.left = part.left.map(|left| left.saturating_sub(1));
        let plans = part.plans.clone();
        let used_up = || self.parts.iter().all(|part| part.left == Some(0));
        Picked { plans, last: self.script.then == Then::Refuse && used_up() }
    }
}

impl When {
    fn head(&self, head: &Head) -> bool {
        self.path.as_ref().is_none_or(|path| head.target.starts_with(path.as_str()))
            && self.method.as_ref().is_none_or(|method| *method == head.method)
    }

    fn other(&self, nth: u64, reused: bool) -> bool {
        self.nth.is_none_or(|wanted| wanted == nth) && self.reused.is_none_or(|wanted| wanted == reused)
    }
}
