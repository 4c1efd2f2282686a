//! Why a model stopped, in Anthropic's words and in OpenAI's.

use serde_json::Value;

use crate::event::Event;
use crate::{Choice, FinishReason};

/// A reason in both words, and whether OpenAI's says all of it. A reason that is not here (`pause_turn`) is
/// kept as it is. Of several with one word of OpenAI's, the first is what that word alone stands for.
const REASONS: &[(&str, &str, bool)] = &[
    ("end_turn", "stop", true),
    ("stop_sequence", "stop", false),
    ("max_tokens", "length", true),
    ("model_context_window_exceeded", "length", false),
    ("tool_use", "tool_calls", true),
    ("refusal", "content_filter", false),
];

/// Tells why the model stopped.
pub(super) fn finish_reason(native: &str, out: &mut Vec<Event>) {
    let row = REASONS.iter().find(|(name, ..)| *name == native);
    let (reason, says_all) = row.map_or((native, true), |(_, reason, says_all)| (*reason, *says_all));
    out.push(Event::set_choice(0, "finish_reason", reason));
    if !says_all {
        out.push(Event::set_choice(0, "native_finish_reason", native));
    }
}

/// The stop sequence that was met, where the provider says it. vLLM calls it the reason.
pub(super) fn sequence(choice: &Choice) -> Option<&str> {
    let fields = ["stop_sequence", "stop_reason"];
    let text = fields.iter().find_map(|name| choice.extra.get(*name)?.as_str());
    text.filter(|_| choice.finish_reason == Some(FinishReason::Stop))
}

/// The reason in Anthropic's word; null while there is none. `calls` and `refused` say what the answer is:
/// some providers call a tool or refuse and then say `stop`, and clients of this API go by the reason.
pub(super) fn stop_reason(choice: &Choice, calls: bool, refused: bool) -> Value {
    let Some(reason) = &choice.finish_reason else { return Value::Null };
    let native = choice.extra.get("native_finish_reason").and_then(Value::as_str);
    let fits = |(name, word, _): &&(&str, &str, bool)| Some(*name) == native && *word == reason.as_str();
    if let Some((name, ..)) = REASONS.iter().find(fits) {
        return (*name).into();
    }
    match reason {
        FinishReason::Stop if calls => "tool_use".into(),
        FinishReason::Stop if refused => "refusal".into(),
        FinishReason::Stop if sequence(choice).is_some() => "stop_sequence".into(),
        FinishReason::FunctionCall => "tool_use".into(),
        reason => {
            let row = REASONS.iter().find(|(_, word, _)| *word == reason.as_str());
            row.map_or(reason.as_str(), |(name, ..)| *name).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(reason: &str, extra: Value, calls: bool, expected: &str) {
        let Value::Object(extra) = extra else { panic!("extra fields are an object") };
        let choice = Choice { finish_reason: Some(FinishReason::parse(reason)), extra, ..Choice::default() };
        assert_eq!(stop_reason(&choice, calls, false), expected);
    }

    #[test]
    fn a_reason_is_told_in_this_apis_words() {
        check("stop", json!({}), false, "end_turn");
        check("stop", json!({}), true, "tool_use");
        check("stop", json!({"stop_reason": "END"}), false, "stop_sequence");
        check("stop", json!({"stop_reason": 2}), false, "end_turn");
        check("stop", json!({"native_finish_reason": "stop_sequence"}), false, "stop_sequence");
        check("stop", json!({"native_finish_reason": "STOP"}), false, "end_turn");
        check("length", json!({"native_finish_reason": "stop_sequence"}), false, "max_tokens");
        check("function_call", json!({}), true, "tool_use");
        check("content_filter", json!({}), false, "refusal");
        check("pause_turn", json!({}), false, "pause_turn");
        assert_eq!(stop_reason(&Choice::default(), true, true), Value::Null);
    }
}
