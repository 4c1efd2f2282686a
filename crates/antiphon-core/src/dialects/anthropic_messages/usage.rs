//! What a call took, in OpenAI's words.

use serde_json::{Value, json};

use crate::{Map, Usage};

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

/// The counts as this API tells them. What it has no name for goes along under its own.
pub(super) fn native(usage: &Usage) -> Map {
    let mut rest = usage.extra.clone();
    let mut count = |name: &str| rest.shift_remove(name).and_then(|count| count.as_u64());
    let created = count("cache_creation_input_tokens");
    let cached = usage.prompt_tokens_details.as_ref().and_then(|details| details.cached_tokens);
    let read = count("cache_read_input_tokens").or(cached);
    let input =
        [created, read].into_iter().flatten().fold(usage.prompt_tokens, |sum, part| sum.saturating_sub(part));
    let mut native = Map::new();
    native.insert("input_tokens".into(), input.into());
    crate::json::put(&mut native, "cache_creation_input_tokens", created);
    crate::json::put(&mut native, "cache_read_input_tokens", read);
    native.insert("output_tokens".into(), usage.completion_tokens.into());
    if let Some(Value::Object(mut details)) = usage.completion_tokens_details.as_ref().map(|it| json!(it)) {
        if let Some(reasoning) = details.shift_remove("reasoning_tokens") {
            details.insert("thinking_tokens".into(), reasoning);
        }
        native.insert("output_tokens_details".into(), Value::Object(details));
    }
    native.extend(rest);
    native
}

/// The counts of an answer that says none: the API's types have no word for not knowing.
pub(super) fn unknown() -> Map {
    native(&Usage::default())
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

    #[test]
    fn counts_come_back_as_they_were_told() {
        let told = json!({
            "input_tokens": 10, "cache_creation_input_tokens": 3, "cache_read_input_tokens": 5,
            "output_tokens": 7, "output_tokens_details": {"thinking_tokens": 4}, "service_tier": "standard",
        });
        let ours: Usage = serde_json::from_value(usage(&object(told.clone()))).unwrap();
        assert_eq!((ours.prompt_tokens, ours.completion_tokens), (18, 7));
        assert_eq!(Value::Object(native(&ours)), told);
    }

    #[test]
    fn cached_tokens_of_others_are_told_apart() {
        let openai: Usage = serde_json::from_value(json!({
            "prompt_tokens": 20, "completion_tokens": 2, "total_tokens": 22,
            "prompt_tokens_details": {"cached_tokens": 16},
        }))
        .unwrap();
        let told = json!({"input_tokens": 4, "cache_read_input_tokens": 16, "output_tokens": 2});
        assert_eq!(Value::Object(native(&openai)), told);
    }
}
