//! Several prompts for a model that is asked with one at a time: each is a call of its own, and their answers
//! are told as one. Choice `i` of prompt `p` is choice `p * n + i`.

use std::sync::{Arc, Mutex, PoisonError};

use antiphon_core::event::Path;
use antiphon_core::{Event, EventStream, Request, Result, Task, TextTask, Usage};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::Begun;
use crate::call::Options;
use crate::client::Client;
use crate::resolve::Target;
use crate::text_by_chat;

/// How many of them are under way at once.
const AT_ONCE: usize = 16;

/// The requests of one prompt each; `None` where the model takes the whole.
pub(crate) fn parts(client: &Client, request: &Request, options: &Options) -> Result<Option<Vec<Request>>> {
    let Task::Complete(task) = &request.task else { return Ok(None) };
    if task.prompts.len() < 2 {
        return Ok(None);
    }
    let takes_one = match client.resolve(&request.model, options)? {
        Target::Hosted(hosted) => {
            !hosted.provider.quirks.prompt_lists || text_by_chat::is_needed(request, &hosted)
        }
        Target::Local(_) => true,
    };
    if !takes_one {
        return Ok(None);
    }
    let part = |prompt: &antiphon_core::Input| {
        let task = TextTask { prompts: vec![prompt.clone()], ..(**task).clone() };
        Request { task: Task::Complete(Box::new(task)), ..request.clone() }
    };
    Ok(Some(task.prompts.iter().map(part).collect()))
}

/// The answers to all of them. Each is asked by `ask`; where none is streamed, each is read to its end before
/// more are begun.
pub(super) async fn answer<F>(parts: Vec<Request>, ask: impl Fn(Request) -> F) -> Result<Begun>
where
    F: Future<Output = Result<Begun>>,
{
    let choices = parts.first().and_then(|part| part.params.n).unwrap_or(1).max(1);
    let is_stream = parts.first().is_some_and(|part| part.stream);
    let counted = Arc::new(Mutex::new(Some(Usage::default())));
    let at_once = if is_stream { parts.len() } else { AT_ONCE };
    let begun: Vec<Begun> = stream::iter(parts)
        .map(|part| async {
            let begun = ask(part).await?;
            if is_stream { Ok(begun) } else { whole(begun).await }
        })
        .buffered(at_once)
        .try_collect()
        .await?;
    let mut head = Vec::new();
    let mut rests: Vec<EventStream> = Vec::new();
    for (place, begun) in (0..).zip(begun) {
        let part = Part { first: place * choices, is_first: place == 0, counted: counted.clone() };
        head.extend(part.events(begun.head));
        rests.push(begun.rest.map_ok(move |events| part.events(events)).boxed());
    }
    let total = stream::once(async move {
        let counted = counted.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(counted.map(|usage| Event::set("usage", serde_json::json!(usage))).into_iter().collect())
    });
    Ok(Begun { head, rest: stream::select_all(rests).chain(total).boxed() })
}

async fn whole(begun: Begun) -> Result<Begun> {
    let Begun { mut head, mut rest } = begun;
    while let Some(batch) = rest.next().await {
        head.extend(batch?);
    }
    Ok(Begun { head, rest: stream::empty().boxed() })
}

/// One prompt's place in the whole answer.
struct Part {
    /// Index of its first choice.
    first: u32,
    /// Whether what is said once is said by this one.
    is_first: bool,
    /// What all of them cost; `None` where one does not say it.
    counted: Arc<Mutex<Option<Usage>>>,
}

impl Part {
    fn events(&self, events: Vec<Event>) -> Vec<Event> {
        events.into_iter().filter_map(|event| self.event(event)).collect()
    }

    fn event(&self, event: Event) -> Option<Event> {
        let shifted = |choice: u32| choice + self.first;
        Some(match event {
            Event::Text { choice, text } => Event::Text { choice: shifted(choice), text },
            Event::Reasoning { choice, text } => Event::Reasoning { choice: shifted(choice), text },
            Event::Refusal { choice, text } => Event::Refusal { choice: shifted(choice), text },
            Event::TextLogprobs { choice, logprobs } => {
                Event::TextLogprobs { choice: shifted(choice), logprobs }
            }
            Event::Set { path: Path::Choice(choice, name), value } => {
                Event::Set { path: Path::Choice(shifted(choice), name), value }
            }
            Event::Set { path: Path::Message(choice, name), value } => {
                Event::Set { path: Path::Message(shifted(choice), name), value }
            }
            Event::Set { path: Path::Response(name), value } if name == "usage" => {
                self.count(serde_json::from_value(value).ok());
                return None;
            }
            event @ Event::Set { path: Path::Response(_), .. } if self.is_first => event,
            _ => return None,
        })
    }

    fn count(&self, usage: Option<Usage>) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        *counted = counted.take().zip(usage).map(|(sofar, usage): (Usage, Usage)| {
            let prompt = sofar.prompt_tokens + usage.prompt_tokens;
            Usage::new(prompt, sofar.completion_tokens + usage.completion_tokens)
        });
    }
}
