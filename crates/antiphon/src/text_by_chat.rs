//! A raw prompt for a model that only answers chats: it is asked as one message of the user, and the answer
//! is told as a text completion's ([`antiphon_core::TextAnswer`]).

use antiphon_core::{Error, Input, Kind, Message, Operation, Request, Result, Task};
use serde_json::Value;

use crate::call::Options;
use crate::resolve::Hosted;

/// Whether a chat stands in.
pub(crate) fn is_needed(request: &Request, hosted: &Hosted) -> bool {
    let operation = request.task.operation();
    operation == Operation::TextCompletion && hosted.provider.dialect_of(operation, &hosted.model).is_none()
}

/// The chat that stands in for the request, which has one prompt; and what had to be dropped for it.
pub(crate) fn chat(mut request: Request, options: &Options) -> Result<(Request, Vec<String>)> {
    let Task::Complete(task) = std::mem::take(&mut request.task) else { return Ok((request, Vec::new())) };
    let prompt = match task.prompts.into_iter().next() {
        Some(Input::Text(text)) => text,
        _ => {
            let message = "prompt: tokens cannot be sent to a model that only answers chats";
            return Err(Error::new(Kind::UnsupportedParams, message).param("prompt").hint("give the text"));
        }
    };
    let choices = request.params.n.unwrap_or(1);
    let lost = [
        ("suffix", task.suffix.is_some()),
        ("echo", task.echo == Some(true)),
        ("best_of", task.best_of.is_some_and(|best_of| best_of != choices)),
    ];
    let lost: Vec<String> =
        lost.into_iter().filter(|(_, given)| *given).map(|(name, _)| name.to_owned()).collect();
    if let Some(name) = lost.first().filter(|_| !options.drop_params) {
        let message = format!("{name}: the model only answers chats, which have no such parameter");
        return Err(Error::new(Kind::UnsupportedParams, message).param(name));
    }
    if let Some(top) = task.logprobs {
        request.set("logprobs", Value::Bool(true))?;
        request.params.top_logprobs = Some(top).filter(|top| *top > 0);
    }
    request.messages = vec![Message::user(prompt)];
    Ok((request, lost))
}
