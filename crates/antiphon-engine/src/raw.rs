//! A raw prompt as a request that the engine answers.

use antiphon_core::{Error, Input, Kind, Request, Result, Task};

use crate::vocabulary::Vocabulary;

/// OpenAI's default, and vLLM's: a model that was given no turn to end may never end.
const DEFAULT_LIMIT: u64 = 16;

/// A prompt that no template is put around.
#[derive(Debug, Clone)]
pub(crate) struct Raw {
    pub(crate) prompt: Input,
    /// Whether the answer begins with it.
    pub(crate) echo: bool,
}

/// The prompt of a text completion, and the request without it.
pub(crate) fn take(mut request: Request) -> Result<(Request, Raw)> {
    let Task::Complete(task) = std::mem::take(&mut request.task) else {
        return Err(Error::new(Kind::Internal, "the request has no raw prompt"));
    };
    let Ok([prompt]) = <[Input; 1]>::try_from(task.prompts) else {
        return Err(Error::invalid("prompt", "must be one: each prompt is a request of its own here"));
    };
    let echo = task.echo == Some(true);
    let refused = [
        ("suffix", task.suffix.is_some()),
        ("best_of", task.best_of.is_some_and(|best_of| best_of != request.params.n.unwrap_or(1))),
    ];
    if let Some((name, _)) = refused.iter().find(|(_, given)| *given) {
        return Err(unsupported(name, "local models cannot take this parameter"));
    }
    if echo && task.logprobs.is_some() {
        return Err(unsupported(
            "echo",
            "local models know no probabilities of the prompt: leave out logprobs",
        ));
    }
    if let Some(top) = task.logprobs {
        request.params.logprobs = Some(true);
        request.params.top_logprobs = Some(top);
    }
    if request.params.output_limit().is_none() {
        request.params.max_tokens = Some(DEFAULT_LIMIT);
    }
    Ok((request, Raw { prompt, echo }))
}

fn unsupported(name: &str, why: &str) -> Error {
    Error::new(Kind::UnsupportedParams, format!("{name}: {why}")).param(name)
}

/// Tokens that a caller gave, checked against the vocabulary.
pub(crate) fn known(tokens: &[u32], vocabulary: &Vocabulary, field: &str) -> Result<Vec<i32>> {
    let size = vocabulary.size();
    match tokens.iter().find(|token| **token >= size) {
        Some(token) => {
            let message = format_args!("token {token} is not in the vocabulary of {size} tokens");
            Err(Error::invalid(field, message))
        }
        None => Ok(tokens.iter().map(|token| token.cast_signed()).collect()),
    }
}
