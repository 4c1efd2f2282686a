//! The shape of an answer: that of a whole one in every release, and of an event of a streamed one.

use serde_json::Value;

use crate::TextLogprobs;
use crate::dialects::answer::malformed;
use crate::dialects::wire::{Text, object};
use crate::{Result, json};

object! {
    /// A `CompletionSyncV1Response` or a `CompletionStreamV1Response`.
    Answer {
        "request_id" => request_id: Text<'a>,
        "output" => output: Option<Output<'a>>,
        "outputs" => outputs: Option<Vec<Output<'a>>>,
        "error" => error: Option<Value>,
        "status" => status: Text<'a>,
        "traceback" => traceback: Text<'a>,
    }
}

object! {
    /// A `CompletionOutput` or a `CompletionStreamOutput`.
    Output {
        "text" => text: Text<'a>,
        "finished" => finished: Option<Value>,
        "num_prompt_tokens" => num_prompt_tokens: Option<Value>,
        "num_completion_tokens" => num_completion_tokens: Option<Value>,
        "token" => token: Option<Value>,
        "tokens" => tokens: Option<Vec<Value>>,
    }
}

/// How many tokens there were, as far as it is said.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Counts {
    pub(super) prompt: Option<u64>,
    pub(super) completion: Option<u64>,
}

impl Output<'_> {
    pub(super) fn counts(&self) -> Counts {
        let count = |value: &Option<Value>| value.as_ref().and_then(Value::as_u64);
        Counts { prompt: count(&self.num_prompt_tokens), completion: count(&self.num_completion_tokens) }
    }
}

/// `TokenOutput`s as probabilities.
pub(super) fn logprobs(tokens: Vec<Value>, path: &str) -> Result<Box<TextLogprobs>> {
    let mut texts = Vec::with_capacity(tokens.len());
    let mut numbers = Vec::with_capacity(tokens.len());
    for token in tokens {
        let text = token.get("token").and_then(Value::as_str);
        let Some(text) = text else {
            return Err(malformed(format!("{path} must have a token, got {}", json::kind_of(&token))));
        };
        texts.push(text.to_owned());
        numbers.push(token.get("log_prob").and_then(Value::as_f64));
    }
    Ok(Box::new(TextLogprobs {
        tokens: Some(texts),
        token_logprobs: Some(numbers),
        ..TextLogprobs::default()
    }))
}
