//! JSON that is still being written.

use jiter::{JsonArray, JsonObject, JsonValue, PartialMode};
use serde_json::{Map, Number, Value};

/// What a text says so far: strings, lists and objects as far as they have come. A number at the very end may
/// still grow, and half a word is left out. `None` while there is nothing, and where it is no JSON.
pub(crate) fn partial(text: &str) -> Option<Value> {
    let text = text.trim_start();
    // A model may open with a code block.
    let text = match text.strip_prefix("```") {
        Some(block) => block.split_once('\n')?.1,
        None => text,
    };
    let value = JsonValue::parse_with_config(text.as_bytes(), false, PartialMode::TrailingStrings).ok()?;
    value_of(&value)
}

fn value_of(value: &JsonValue<'_>) -> Option<Value> {
    Some(match value {
        JsonValue::Null => Value::Null,
        JsonValue::Bool(value) => (*value).into(),
        JsonValue::Int(number) => (*number).into(),
        JsonValue::Float(number) => Number::from_f64(*number)?.into(),
        JsonValue::Str(text) => text.as_ref().into(),
        JsonValue::Array(items) => list(items)?,
        JsonValue::Object(fields) => object(fields)?,
    })
}

fn list(items: &JsonArray<'_>) -> Option<Value> {
    items.iter().map(value_of).collect::<Option<Vec<_>>>().map(Value::Array)
}

fn object(fields: &JsonObject<'_>) -> Option<Value> {
    let fields = fields.iter().map(|(name, value)| Some((name.to_string(), value_of(value)?)));
    fields.collect::<Option<Map<_, _>>>().map(Value::Object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_grow() {
        let cases = [
            ("", None),
            ("Sure", None),
            ("{", Some(json!({}))),
            ("{\"na", Some(json!({}))),
            ("{\"name\": ", Some(json!({}))),
            ("{\"name\": \"Pan", Some(json!({"name": "Pan"}))),
            ("{\"name\": \"Pan\\", Some(json!({"name": "Pan"}))),
            ("{\"name\": \"Pan\", \"steps\": [\"Mix", Some(json!({"name": "Pan", "steps": ["Mix"]}))),
            ("{\"done\": tru", Some(json!({}))),
            ("{\"done\": true, \"n\": 1", Some(json!({"done": true, "n": 1}))),
            ("{\"n\": 12, ", Some(json!({"n": 12}))),
            ("```json\n{\"n\": 12}", Some(json!({"n": 12}))),
            ("{\"n\": 1.5}", Some(json!({"n": 1.5}))),
        ];
        for (text, expected) in cases {
            assert_eq!(partial(text), expected, "{text}");
        }
    }
}
