//! How many tokens a call took.

use serde::{Deserialize, Serialize};

use serde_json::Value;

use crate::Map;

/// Token counts of a call. `prompt_tokens` includes cached ones. Absent details are unknown, never zero.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the answer, reasoning included.
    #[serde(default)]
    pub completion_tokens: u64,
    /// Tokens of the prompt, cached ones included.
    #[serde(default)]
    pub prompt_tokens: u64,
    /// The sum of both.
    #[serde(default)]
    pub total_tokens: u64,
    /// What the answer's tokens were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_tokens_details: Option<CompletionTokensDetails>,
    /// What the prompt's tokens were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_tokens_details: Option<PromptTokensDetails>,
    /// Fields beside the known ones (`cache_creation_input_tokens`, `cost`, …).
    #[serde(flatten)]
    pub extra: Map,
}

/// What the tokens of an answer were.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CompletionTokensDetails {
    /// Accepted from a prediction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_prediction_tokens: Option<u64>,
    /// Sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_tokens: Option<u64>,
    /// Reasoning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u64>,
    /// Rejected from a prediction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected_prediction_tokens: Option<u64>,
    /// Fields beside the known ones.
    #[serde(flatten)]
    pub extra: Map,
}

/// What the tokens of a prompt were.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PromptTokensDetails {
    /// Sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_tokens: Option<u64>,
    /// Read from a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_tokens: Option<u64>,
    /// Text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_tokens: Option<u64>,
    /// Images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_tokens: Option<u64>,
    /// Fields beside the known ones.
    #[serde(flatten)]
    pub extra: Map,
}

impl Usage {
    /// Usage of a call whose two counts are known.
    pub fn new(prompt_tokens: u64, completion_tokens: u64) -> Self {
        Self {
            completion_tokens,
            prompt_tokens,
            total_tokens: prompt_tokens + completion_tokens,
            ..Self::default()
        }
    }

    /// Adds what another call took. Fields beside the known ones are added where both are counts; else they
    /// stay as they are.
    pub fn add(&mut self, other: &Usage) {
        self.completion_tokens += other.completion_tokens;
        self.prompt_tokens += other.prompt_tokens;
        self.total_tokens += other.total_tokens;
        if let Some(theirs) = &other.completion_tokens_details {
            let ours = self.completion_tokens_details.get_or_insert_default();
            add(&mut ours.accepted_prediction_tokens, theirs.accepted_prediction_tokens);
            add(&mut ours.audio_tokens, theirs.audio_tokens);
            add(&mut ours.reasoning_tokens, theirs.reasoning_tokens);
            add(&mut ours.rejected_prediction_tokens, theirs.rejected_prediction_tokens);
        }
        if let Some(theirs) = &other.prompt_tokens_details {
            let ours = self.prompt_tokens_details.get_or_insert_default();
            add(&mut ours.audio_tokens, theirs.audio_tokens);
            add(&mut ours.cached_tokens, theirs.cached_tokens);
            add(&mut ours.text_tokens, theirs.text_tokens);
            add(&mut ours.image_tokens, theirs.image_tokens);
        }
        for (name, value) in &other.extra {
            match (self.extra.get(name).and_then(Value::as_u64), value.as_u64()) {
                (Some(ours), Some(theirs)) => drop(self.extra.insert(name.clone(), (ours + theirs).into())),
                (None, Some(theirs)) if !self.extra.contains_key(name) => {
                    self.extra.insert(name.clone(), theirs.into());
                }
                _ => {}
            }
        }
    }
}

fn add(ours: &mut Option<u64>, theirs: Option<u64>) {
    if let Some(theirs) = theirs {
        *ours = Some(ours.unwrap_or_default() + theirs);
    }
}
