//! Tool definitions as text, in the form that OpenAI's models are believed to see them in: TypeScript.
//!
//! OpenAI does not publish the form. This one is the community's, by which counts have agreed with what
//! OpenAI bills (<https://community.openai.com/t/266327>).

use std::fmt::Write;

use antiphon_core::Map;
use serde_json::Value;

/// The definitions of `tools`, each in OpenAI's form or in Anthropic's.
pub(super) fn definitions(tools: &[Value]) -> String {
    let mut text = "namespace functions {\n\n".to_owned();
    for function in tools.iter().filter_map(Value::as_object) {
        let function = function.get("function").and_then(Value::as_object).unwrap_or(function);
        definition(&mut text, function);
    }
    text + "} // namespace functions"
}

fn definition(text: &mut String, function: &Map) {
    let Some(name) = function.get("name").and_then(Value::as_str) else { return };
    comment(text, "", function.get("description"));
    let parameters = function.get("parameters").or_else(|| function.get("input_schema"));
    match parameters.map(|parameters| fields(parameters, 0)).filter(|fields| !fields.is_empty()) {
        Some(fields) => _ = write!(text, "type {name} = (_: {{\n{fields}\n}}) => any;\n\n"),
        None => _ = write!(text, "type {name} = () => any;\n\n"),
    }
}

fn comment(text: &mut String, margin: &str, description: Option<&Value>) {
    if let Some(description) = description.and_then(Value::as_str).filter(|words| !words.is_empty()) {
        _ = writeln!(text, "{margin}// {description}");
    }
}

/// The lines of an object's fields; the brace that ends one which is an object itself is not indented.
fn fields(schema: &Value, indent: usize) -> String {
    let Some(properties) = schema["properties"].as_object() else { return String::new() };
    let is_required =
        |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|n| n == name));
    let margin = " ".repeat(indent);
    let mut text = String::new();
    for (name, property) in properties {
        comment(&mut text, &margin, property.get("description"));
        let mark = if is_required(name) { "" } else { "?" };
        _ = writeln!(text, "{margin}{name}{mark}: {},", kind(property, indent));
    }
    text.truncate(text.trim_end().len());
    text
}

fn kind(schema: &Value, indent: usize) -> String {
    if let Some(values) = schema["enum"].as_array() {
        let values = values.iter().map(|value| match value {
            Value::String(text) => format!("\"{text}\""),
            other => format!("\"{other}\""),
        });
        return values.collect::<Vec<_>>().join(" | ");
    }
    match schema["type"].as_str() {
        Some("integer" | "number") => "number".to_owned(),
        Some(name @ ("string" | "boolean" | "null")) => name.to_owned(),
        Some("array") => format!("{}[]", kind(&schema["items"], indent)),
        Some("object") => format!("{{\n{}\n}}", fields(schema, indent + 2)),
        _ => "any".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn definitions_are_type_script() {
        let tools = [
            json!({"type": "function", "function": {
                "name": "weather", "description": "Tells the weather",
                "parameters": {"type": "object", "required": ["city"], "properties": {
                    "city": {"type": "string", "description": "Where"},
                    "unit": {"type": "string", "enum": ["C", "F"]},
                    "days": {"type": "array", "items": {"type": "integer"}},
                    "place": {"type": "object", "properties": {"at": {"type": "object", "properties": {
                        "lat": {"type": "number", "description": "North"},
                    }}}},
                }},
            }}),
            json!({"name": "now", "input_schema": {"type": "object", "properties": {}}}),
        ];
        let expected = "namespace functions {\n\n// Tells the weather\ntype weather = (_: {\n// Where\ncity: string,\n\
            unit?: \"C\" | \"F\",\ndays?: number[],\nplace?: {\n  at?: {\n    // North\n    \
            lat?: number,\n},\n},\n}) => any;\n\n\
            type now = () => any;\n\n} // namespace functions";
        assert_eq!(definitions(&tools), expected);
    }
}
