//! What a call took, in OpenAI's words.

use serde_json::{Value, json};

use crate::Map;

/// Counts that come in the stream's first event and, some of them grown, in its last: what is said last
/// holds, and what is not said again stays.
pub(super) fn merge(known: &mut Map, new: Map) {
    known.extend(new.into_iter().filter(|(_, value)| !value.is_null()));
}

/// Anthropic's `input_tokens` are those that no cache was asked for; OpenAI's prompt has all. What has no
/// name at OpenAI's keeps its own.
pub(super) fn usage(native: &Map) -> Value {
    let mut rest = native.clone();
    let count = |name: &str| native.get(name).and_then(Value::as_u64);
    let (created, read) = (count("cache_creation_input_tokens"), count("cache_read_input_tokens"));
    let prompt = [count("input_tokens"), created, read].into_iter().flatten().fold(0, u64::saturating_add);
    let completion = count("output_tokens").unwrap_or_default();
    rest.shift_remove("input_tokens");
    rest.shift_remove("output_tokens");
    let mut usage = Map::new();
    usage.insert("completion_tokens".into(), completion.into());
    usage.insert("prompt_tokens".into(), prompt.into());
    usage.insert("total_tokens".into(), prompt.saturating_add(completion).into());
    if let Some(Value::Object(mut details)) = rest.shift_remove("output_tokens_details") {
        if let Some(thinking) = details.shift_remove("thinking_tokens") {
            details.insert("reasoning_tokens".into(), thinking);
        }
        usage.insert("completion_tokens_details".into(), Value::Object(details));
    }
    if let Some(read) = read {
        usage.insert("prompt_tokens_details".into(), json!({"cached_tokens": read}));
    }
    for (name, count) in [("cache_creation_input_tokens", created), ("cache_read_input_tokens", read)] {
        rest.shift_remove(name);
        crate::json::put(&mut usage, name, count);
    }
    usage.extend(rest);
    Value::Object(usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map {
        let Value::Object(map) = value else { panic!("usage is an object") };
        map
    }

    #[test]
    fn the_last_word_holds() {
        let mut known = object(json!({"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1}));
        merge(&mut known, object(json!({"output_tokens": 7, "input_tokens": null})));
        assert_eq!(
            usage(&known),
            json!({
                "completion_tokens": 7, "prompt_tokens": 15, "total_tokens": 22,
                "prompt_tokens_details": {"cached_tokens": 5}, "cache_read_input_tokens": 5,
            })
        );
    }

    #[test]
    fn what_is_not_said_is_not_known() {
        let counts = json!({"completion_tokens": 1, "prompt_tokens": 2, "total_tokens": 3});
        assert_eq!(usage(&object(json!({"input_tokens": 2, "output_tokens": 1}))), counts);
    }
}
