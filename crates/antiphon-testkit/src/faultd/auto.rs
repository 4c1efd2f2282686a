//! Answers by the request: in its path's tongue, streamed where its body asks for it.
//!
//! This is also the upstream of benchmarks, so the answers are prepared once, and one write each unless they
//! are paced.

use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::script::Reply;
use super::{anthropic, openai};

/// What every request is answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auto {
    /// Whose answers.
    pub tongue: Tongue,
    /// Their text.
    pub text: String,
    /// In how many pieces a stream has it.
    pub chunks: usize,
    /// Milliseconds before each answer.
    pub delay_ms: u64,
    /// Milliseconds between two events of a stream.
    pub chunk_delay_ms: u64,
}

/// A dialect that replies come in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tongue {
    /// OpenAI's chat completions.
    Openai,
    /// Anthropic's messages.
    Anthropic,
    /// Anthropic's where the path ends in `/messages`, else OpenAI's.
    #[default]
    Auto,
}

impl Default for Auto {
    fn default() -> Self {
        Self {
            tongue: Tongue::Auto,
            text: "Hello from faultd.".into(),
            chunks: 3,
            delay_ms: 0,
            chunk_delay_ms: 0,
        }
    }
}

impl Auto {
    /// Answers with this text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// The text in as many pieces of about the same length; characters stay whole.
    fn pieces(&self) -> Vec<String> {
        let chars: Vec<char> = self.text.chars().collect();
        let count = self.chunks.clamp(1, chars.len().max(1));
        (0..count)
            .map(|at| chars[at * chars.len() / count..(at + 1) * chars.len() / count].iter().collect())
            .collect()
    }
}

/// The prepared answers.
pub(super) struct Plans {
    tongue: Tongue,
    openai: [Plan; 2],
    anthropic: [Plan; 2],
}

impl Plans {
    /// All that `reply` says else, such as further headers or a cut, holds for each answer.
    pub(super) fn new(reply: &Reply, auto: &Auto) -> Self {
        let pieces = auto.pieces();
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let plan = |answer: Reply| {
            let answer = if auto.chunk_delay_ms > 0 { answer.every(auto.chunk_delay_ms) } else { answer };
            Plan::new(Reply {
                status: answer.status,
                headers: answer.headers.into_iter().chain(reply.headers.clone()).collect(),
                framing: answer.framing,
                steps: answer.steps,
                delay_ms: reply.delay_ms + auto.delay_ms,
                ..reply.clone()
            })
        };
        Self {
            tongue: auto.tongue,
            openai: [plan(openai::text(&auto.text)), plan(openai::stream(&pieces))],
            anthropic: [plan(anthropic::text(&auto.text)), plan(anthropic::stream(&pieces))],
        }
    }

    pub(super) fn plan(&self, target: &str, body: &[u8]) -> &Plan {
        let path = target.split('?').next().unwrap_or_default();
        let plans = match self.tongue {
            Tongue::Openai => &self.openai,
            Tongue::Anthropic => &self.anthropic,
            Tongue::Auto if path.ends_with("/messages") => &self.anthropic,
            Tongue::Auto => &self.openai,
        };
        &plans[usize::from(asks_for_stream(body))]
    }
}

/// Whether the body has `"stream": true`, found without parsing it: inside a text its quotes would be
/// escaped.
fn asks_for_stream(body: &[u8]) -> bool {
    const NAME: &[u8] = b"\"stream\"";
    body.windows(NAME.len()).enumerate().filter(|(_, window)| *window == NAME).any(|(at, _)| {
        let value = body[at + NAME.len()..].trim_ascii_start().strip_prefix(b":");
        value.is_some_and(|value| value.trim_ascii_start().starts_with(b"true"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_asked_for_by_the_field_alone() {
        for (body, asks) in [
            (r#"{"stream":true}"#, true),
            (r#"{"model":"m","stream" : true,"n":1}"#, true),
            (r#"{"stream":false}"#, false),
            (r#"{"content":"\"stream\":true"}"#, false),
            (r#"{"content":"\"stream\":true","stream":true}"#, true),
            ("", false),
        ] {
            assert_eq!(asks_for_stream(body.as_bytes()), asks, "{body}");
        }
    }

    #[test]
    fn pieces_make_the_text() {
        for chunks in 0..9 {
            let auto = Auto { chunks, ..Auto::text("größer") };
            assert_eq!(auto.pieces().concat(), "größer");
            assert_eq!(auto.pieces().len(), chunks.clamp(1, 6));
        }
    }
}
