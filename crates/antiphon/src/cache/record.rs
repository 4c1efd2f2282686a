//! An answer as bytes: JSON, so that another version can read it, and a digest, so that nothing damaged is.
//!
//! A line says how the answer came about, and the rest is the answer, as OpenAI writes it.

use antiphon_core::{EncodingFormat, Operation, Response, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Key;
use crate::wire;

/// How many bytes of the digest are kept.
const DIGEST: usize = 16;

/// What is known of an answer beside itself.
#[derive(Serialize, Deserialize)]
struct Head {
    warnings: Vec<String>,
    provider: Option<String>,
    model: Option<String>,
    request_id: Option<String>,
    structured_output: Option<String>,
    /// What kind of answer it is, where that is no chat's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
}

/// The bytes of an answer.
pub(super) fn write(key: &Key, response: &Response) -> Vec<u8> {
    let meta = response.meta.clone();
    let head = Head {
        warnings: response.warnings.clone(),
        provider: meta.provider,
        model: meta.model,
        request_id: meta.request_id,
        structured_output: meta.structured_output,
        operation: (response.operation != Operation::Chat).then(|| response.operation.as_str().to_owned()),
    };
    let mut bytes = serde_json::json!(head).to_string().into_bytes();
    bytes.push(b'\n');
    bytes.extend(response.to_json_as(EncodingFormat::Base64).to_string().into_bytes());
    let digest = digest(key, &bytes);
    bytes.extend(digest);
    bytes
}

/// The answer of those bytes; `None` where they are not what was written under that key.
pub(super) fn read(key: &Key, bytes: &[u8]) -> Option<Response> {
    let (written, found) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST)?)?;
    if digest(key, written) != found {
        return None;
    }
    parse(written).ok()
}

fn parse(written: &[u8]) -> Result<Response> {
    let end = written.iter().position(|byte| *byte == b'\n').unwrap_or(written.len());
    let head: Head = serde_json::from_slice(&written[..end])
        .map_err(|error| antiphon_core::Error::new(antiphon_core::Kind::Internal, error.to_string()))?;
    let operation = head.operation.as_deref().and_then(Operation::parse).unwrap_or_default();
    let mut response = wire::response_of(operation, written.get(end + 1..).unwrap_or_default())?;
    response.warnings = head.warnings;
    response.meta.provider = head.provider;
    response.meta.model = head.model;
    response.meta.request_id = head.request_id;
    response.meta.structured_output = head.structured_output;
    Ok(response)
}

/// Over the key as well: an answer in another's row is none.
fn digest(key: &Key, body: &[u8]) -> [u8; DIGEST] {
    let whole = Sha256::new().chain_update(key).chain_update(body).finalize();
    let mut digest = [0; DIGEST];
    digest.copy_from_slice(&whole[..DIGEST]);
    digest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn response() -> Response {
        let body = json!({
            "id": "a", "object": "chat.completion", "created": 5, "model": "m",
            "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
                "role": "assistant", "content": "Grüße", "reasoning_content": "hm",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            }}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
            "service_tier": "default",
        });
        let mut response = wire::response_of(Operation::Chat, body.to_string().as_bytes()).unwrap();
        response.warnings.push("top_k was dropped".into());
        response.meta.provider = Some("openai".into());
        response
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = write(&[1; 32], &response());
        assert_eq!(read(&[1; 32], &bytes), Some(response()));
        assert_eq!(read(&[2; 32], &bytes), None);
    }

    #[test]
    fn other_kinds_of_answers_are_kept_without_loss() {
        let logprobs =
            json!({"tokens": ["a"], "token_logprobs": [null], "top_logprobs": [null], "text_offset": [0]});
        let text = json!({
            "id": "cmpl-1", "object": "text_completion", "created": 5, "model": "m",
            "choices": [{"text": "a", "index": 0, "finish_reason": "stop", "logprobs": logprobs}],
        });
        let vectors = json!({
            "object": "list", "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1},
            "data": [{"object": "embedding", "index": 0, "embedding": [0.1, -1e-30, 3]}],
        });
        for (operation, body) in [(Operation::TextCompletion, text), (Operation::Embeddings, vectors)] {
            let response = wire::response_of(operation, body.to_string().as_bytes()).unwrap();
            assert_eq!(read(&[1; 32], &write(&[1; 32], &response)), Some(response), "{body}");
        }
    }

    #[test]
    fn no_damage_is_read_as_an_answer() {
        let bytes = write(&[1; 32], &response());
        for at in 0..bytes.len() {
            assert_eq!(read(&[1; 32], &bytes[..at]), None, "cut at {at}");
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                assert_eq!(read(&[1; 32], &damaged), None, "bit {bit} of byte {at}");
            }
        }
    }
}
