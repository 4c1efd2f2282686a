//! Counts of tokens as OpenAI counts them, whoever counted.
//!
//! What a server says is kept; what it says elsewhere, or counts otherwise, is said again in OpenAI's place,
//! because prices are worked out from there.

use serde_json::{Value, json};

/// Where the prompt's cached tokens stand at the top: DeepSeek's name, then Moonshot's.
const CACHED: [&str; 2] = ["prompt_cache_hit_tokens", "cached_tokens"];

/// The counts, in OpenAI's places.
pub(super) fn normalized(mut usage: Value) -> Value {
    cached(&mut usage);
    reasoning(&mut usage);
    usage
}

fn cached(usage: &mut Value) {
    let Some(cached) = CACHED.iter().find_map(|name| usage.get(name)).and_then(Value::as_u64) else { return };
    if usage["prompt_tokens_details"].is_null() {
        usage["prompt_tokens_details"] = json!({});
    }
    if let Value::Object(details) = &mut usage["prompt_tokens_details"] {
        details.entry("cached_tokens").or_insert_with(|| cached.into());
    }
}

/// xAI leaves the reasoning out of `completion_tokens`, and has it in the total all the same.
fn reasoning(usage: &mut Value) {
    let count = |value: &Value| value.as_u64().unwrap_or_default();
    let (prompt, completion) = (count(&usage["prompt_tokens"]), count(&usage["completion_tokens"]));
    let reasoning =
        usage.get("completion_tokens_details").map_or(0, |details| count(&details["reasoning_tokens"]));
    let answer = completion.saturating_add(reasoning);
    if reasoning > 0 && count(&usage["total_tokens"]) == prompt.saturating_add(answer) {
        usage["completion_tokens"] = answer.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: Value, expected: Value) {
        assert_eq!(normalized(given), expected);
    }

    #[test]
    fn cached_tokens_are_where_openai_has_them() {
        check(
            json!({"prompt_tokens": 9, "prompt_cache_hit_tokens": 4}),
            json!({"prompt_tokens": 9, "prompt_cache_hit_tokens": 4, "prompt_tokens_details": {"cached_tokens": 4}}),
        );
        check(
            json!({"cached_tokens": 4, "prompt_tokens_details": null}),
            json!({"cached_tokens": 4, "prompt_tokens_details": {"cached_tokens": 4}}),
        );
        let both = json!({"cached_tokens": 4, "prompt_tokens_details": {"cached_tokens": 3}});
        check(both.clone(), both);
    }

    #[test]
    fn reasoning_is_part_of_the_answer() {
        let usage = |completion: u64, total: u64| {
            json!({
                "prompt_tokens": 10,
                "completion_tokens": completion,
                "total_tokens": total,
                "completion_tokens_details": {"reasoning_tokens": 5},
            })
        };
        check(usage(2, 17), usage(7, 17));
        check(usage(7, 17), usage(7, 17));
        check(json!(null), json!(null));
        check(json!("many"), json!("many"));
    }
}
