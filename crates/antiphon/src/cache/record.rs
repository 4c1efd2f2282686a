//! An answer as bytes: JSON, so that another version can read it, and a digest, so that nothing damaged is.

use antiphon_core::{Map, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Key;
use crate::wire;

/// How many bytes of the digest are kept.
const DIGEST: usize = 16;

/// The bytes of an answer.
pub(super) fn write(key: &Key, response: &Response) -> Vec<u8> {
    let meta = &response.meta;
    let body = json!({
        "response": response.to_json(),
        "warnings": response.warnings,
        "provider": meta.provider,
        "model": meta.model,
        "request_id": meta.request_id,
        "structured_output": meta.structured_output,
    });
    let mut bytes = body.to_string().into_bytes();
    let digest = digest(key, &bytes);
    bytes.extend(digest);
    bytes
}

/// The answer of those bytes; `None` where they are not what was written under that key.
pub(super) fn read(key: &Key, bytes: &[u8]) -> Option<Response> {
    let (body, found) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST)?)?;
    if digest(key, body) != found {
        return None;
    }
    let mut body: Map = serde_json::from_slice(body).ok()?;
    let mut response = wire::response_of(body.get("response")?).ok()?;
    let mut text = |name: &str| match body.shift_remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    response.meta.provider = text("provider");
    response.meta.model = text("model");
    response.meta.request_id = text("request_id");
    response.meta.structured_output = text("structured_output");
    let warnings = body.shift_remove("warnings").and_then(|value| serde_json::from_value(value).ok());
    response.warnings = warnings.unwrap_or_default();
    Some(response)
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
        let mut response = wire::response_of(&body).unwrap();
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
