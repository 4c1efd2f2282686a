//! The form of an answer: how it is asked for, and whether the answer has it.
//!
//! The rungs of the ladder by which it is asked for: the provider's own schema, a tool that must be called, a line
//! of the prompt. The tool's arguments become the content of the answer, so that a caller sees no difference.

mod check;
mod guided;
mod partial;
mod tool;

use antiphon_core::{Map, Message, Request, ResponseFormat, Role, Strict, Tool, ToolChoice};
use serde_json::json;

pub(crate) use self::check::{Checker, Misfit, checked};
pub(crate) use self::guided::{Spelling, spell};
pub(crate) use self::partial::partial;
pub(crate) use self::tool::ToolAsText;

/// Name of the tool that stands in for a form.
const TOOL: &str = "json_response";

/// How a provider is asked for the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rung {
    /// By its own parameter.
    Native,
    /// By a tool.
    Tool,
    /// In words.
    Prompt,
}

impl Rung {
    /// The word for it in a response.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Rung::Native => "native",
            Rung::Tool => "tool",
            Rung::Prompt => "prompt",
        }
    }
}

/// The first rung of a request that asks for a form.
pub(crate) fn asked(request: &Request) -> Option<Rung> {
    let asks = matches!(
        request.response_format,
        Some(ResponseFormat::JsonSchema { .. } | ResponseFormat::JsonObject | ResponseFormat::Other(_))
    );
    asks.then_some(Rung::Native)
}

/// Has the form asked for by a tool. Where there are other tools, the model may call those instead.
pub(crate) fn as_tool(request: &mut Request) {
    let (description, schema, strict) = match request.response_format.take() {
        Some(ResponseFormat::JsonSchema { description, schema, strict, .. }) => (description, schema, strict),
        _ => (None, json!({"type": "object", "additionalProperties": true}), Strict::Unsaid),
    };
    let description =
        description.unwrap_or_else(|| "Gives the answer in the form that was asked for.".to_owned());
    let choice =
        if request.tools.is_empty() { ToolChoice::Function(TOOL.to_owned()) } else { ToolChoice::Required };
    request.tool_choice = Some(choice);
    request.tools.push(Tool::Function {
        name: TOOL.to_owned(),
        description: Some(description),
        parameters: Some(schema),
        strict: strict.as_bool(),
        extra: Map::new(),
    });
}

/// Has the form asked for in words, after the system's own. What the provider knows of JSON without a schema
/// (`json_object`) helps; a dialect that has no word for that says so when it encodes.
pub(crate) fn as_prompt(request: &mut Request) {
    let words = match request.response_format.take() {
        Some(ResponseFormat::JsonSchema { schema, .. }) => {
            format!("Answer with JSON that fits this JSON schema, and with nothing else:\n{schema}")
        }
        _ => "Answer with a JSON object, and with nothing else.".to_owned(),
    };
    let is_system = |message: &Message| matches!(message.role, Role::System | Role::Developer);
    let at =
        request.messages.iter().position(|message| !is_system(message)).unwrap_or(request.messages.len());
    request.messages.insert(at, Message::system(words));
    request.response_format = Some(ResponseFormat::JsonObject);
}
