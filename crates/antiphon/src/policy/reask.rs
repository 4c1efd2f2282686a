//! Asking once more for an answer that has the form that was asked for.
//!
//! Only what nobody has seen yet can be asked for again: a stream is checked as it goes by, and a misfit is the
//! error at its end.

use std::sync::Arc;

use antiphon_core::{Event, Fold, Message, Request, Response, Result, Role, Usage};
use futures_util::StreamExt;
use tokio::time::Instant;

use super::trail::Trail;
use super::{Begun, ask as ask_once};
use crate::call::Options;
use crate::client::Client;
use crate::structured::{Checker, Misfit, checked};

/// How often to ask again where the call does not say. Each answer is paid for.
const MAX_REASKS: u32 = 1;

/// Asks one model until its answer has the form.
pub(super) async fn ask(
    checker: &Arc<Checker>,
    client: &Client,
    request: Box<Request>,
    options: &Options,
    trail: &Arc<Trail>,
    latest: Instant,
) -> Result<Begun> {
    if request.stream {
        let Begun { head, rest } = ask_once(client, request, options, trail, latest).await?;
        let events = futures_util::stream::once(std::future::ready(Ok(head))).chain(rest).boxed();
        return Ok(Begun { head: Vec::new(), rest: checked(checker.clone(), events) });
    }
    ask_whole(checker, client, request, options, trail, latest).await
}

async fn ask_whole(
    checker: &Checker,
    client: &Client,
    mut request: Box<Request>,
    options: &Options,
    trail: &Arc<Trail>,
    latest: Instant,
) -> Result<Begun> {
    let mut earlier = Earlier::default();
    loop {
        let begun = ask_once(client, request.clone(), options, trail, latest).await?;
        let events = begun.whole().await?;
        let mut response = folded(&events);
        let given = response.clone();
        let outcome = checker.check(&mut response);
        earlier.add_to(&mut response);
        let misfit = match outcome {
            // What is as it came goes on as it came.
            Ok(()) if given == response => return Ok(whole(events)),
            Ok(()) => return Ok(whole(response.to_events())),
            Err(misfit) => misfit,
        };
        let may_ask = misfit.may_heal
            && response.choices.len() == 1
            && (earlier.warnings.len() as u32) < options.max_reasks.unwrap_or(MAX_REASKS)
            && Instant::now() < latest;
        if !may_ask {
            return Err(misfit.error(response));
        }
        tracing::debug!(faults = misfit.warning(), "asking again");
        request.messages.extend(correction(&misfit));
        earlier = Earlier::of(response, &misfit, earlier);
    }
}

fn folded(events: &[Event]) -> Response {
    let mut fold = Fold::new();
    fold.extend(events.iter().cloned());
    fold.finish()
}

fn whole(events: Vec<Event>) -> Begun {
    Begun { head: events, rest: futures_util::stream::empty().boxed() }
}

/// What the model said, and what is wrong with it.
fn correction(misfit: &Misfit) -> [Message; 2] {
    let said = Message { role: Role::Assistant, ..Message::user(misfit.text.as_str()) };
    [said, Message::user(misfit.request())]
}

/// What was paid for before the answer that fits.
#[derive(Default)]
struct Earlier {
    usage: Option<Usage>,
    warnings: Vec<String>,
}

impl Earlier {
    /// That of a response, which has that of those before it already.
    fn of(response: Response, misfit: &Misfit, mut earlier: Earlier) -> Self {
        earlier.warnings.push(misfit.warning());
        Self { usage: response.usage, warnings: earlier.warnings }
    }

    /// Adds it to the answer's own: the caller pays for all of them.
    fn add_to(&self, response: &mut Response) {
        response.warnings.extend(self.warnings.iter().cloned());
        if let (Some(usage), Some(earlier)) = (&mut response.usage, &self.usage) {
            usage.add(earlier);
        }
    }
}
