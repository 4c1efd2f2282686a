//! How many tokens a conversation is: its texts, and what OpenAI's chat format puts around them.
//!
//! The overheads are those of OpenAI's cookbook
//! (<https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken>): three tokens for each message, one
//! for a name, three that open the answer.

use antiphon_core::{Error, Map, Result};
use serde_json::Value;

use super::{images, tools};

const EACH_MESSAGE: u64 = 3;
const EACH_NAME: u64 = 1;
const ANSWER: u64 = 3;
/// What stands around all tool definitions; of these, four that a system message has already.
const ALL_TOOLS: u64 = 9;
const SHARED_WITH_SYSTEM: u64 = 4;
const CHOICE_OF_NONE: u64 = 1;
const CHOICE_OF_ONE: u64 = 7;

/// A conversation, in OpenAI's JSON.
#[derive(Debug, Clone, Default)]
pub struct Chat<'a> {
    /// The messages.
    pub messages: &'a [Value],
    /// The tools.
    pub tools: &'a [Value],
    /// Which of them is to be called.
    pub tool_choice: Option<&'a Value>,
    /// The messages are answers: nothing is added for tools and for an answer to come.
    pub is_answer: bool,
    /// What each image counts, in place of what its size says.
    pub each_image: Option<u64>,
    /// What the parts of a message count of which one has no known count (sound, video); else they are an error.
    pub each_unknown: Option<u64>,
}

/// Counts the tokens of a text.
pub type Count<'a> = dyn FnMut(&str) -> Result<u64> + 'a;

impl Chat<'_> {
    /// How many tokens it is, for the model of that name.
    pub fn tokens(&self, model: &str, count: &mut Count<'_>) -> Result<u64> {
        let mut total = 0;
        for (at, message) in self.messages.iter().enumerate() {
            let path = format!("messages[{at}]");
            let Value::Object(message) = message else {
                return Err(Error::invalid(path, "must be an object"));
            };
            total += self.message(model, &path, message, count)?;
        }
        if self.is_answer {
            return Ok(total);
        }
        Ok(total + ANSWER + self.tools(count)? + self.choice(count)?)
    }

    fn message(&self, model: &str, path: &str, message: &Map, count: &mut Count<'_>) -> Result<u64> {
        let mut total = EACH_MESSAGE;
        for (name, value) in message {
            total += match (name.as_str(), value) {
                ("name", Value::String(text)) => EACH_NAME + count(text)?,
                (_, Value::String(text)) => count(text)?,
                ("content", Value::Array(parts)) => match self.parts(model, path, parts, count) {
                    Err(_) if self.each_unknown.is_some() => self.each_unknown.unwrap_or_default(),
                    tokens => tokens?,
                },
                ("tool_calls", Value::Array(calls)) => {
                    calls.iter().try_fold(0, |sum, call| Ok(sum + arguments(&call["function"], count)?))?
                }
                ("function_call", call) => arguments(call, count)?,
                _ => 0,
            };
        }
        Ok(total)
    }

    fn parts(&self, model: &str, path: &str, parts: &[Value], count: &mut Count<'_>) -> Result<u64> {
        let mut total = 0;
        for (at, part) in parts.iter().enumerate() {
            total += self.part(model, &format!("{path}.content[{at}]"), part, count)?;
        }
        Ok(total)
    }

    fn part(&self, model: &str, path: &str, part: &Value, count: &mut Count<'_>) -> Result<u64> {
        if let Value::String(text) = part {
            return count(text);
        }
        match part["type"].as_str().unwrap_or_default() {
            "text" => text(&part["text"], count),
            "refusal" => text(&part["refusal"], count),
            "thinking" => text(&part["thinking"], count),
            "image_url" => self.image(model, path, &part["image_url"]),
            "image" => {
                let source = &part["source"];
                let data = source["data"].as_str().map(|data| format!("data:image;base64,{data}"));
                self.image(model, path, &data.map_or_else(|| source["url"].clone(), Value::from))
            }
            "tool_use" => Ok(text(&part["name"], count)? + count(&part["input"].to_string())?),
            "tool_result" => match &part["content"] {
                Value::Array(parts) => self.parts(model, path, parts, count),
                content => text(content, count),
            },
            "document" if part["source"]["type"] == "text" => {
                Ok(text(&part["title"], count)? + text(&part["source"]["data"], count)?)
            }
            kind => Err(Error::invalid(path, format_args!("how many tokens {kind:?} is, is not known"))
                .hint("leave it out, or say what to count for it with default_token_count")),
        }
    }

    fn image(&self, model: &str, path: &str, image: &Value) -> Result<u64> {
        if let Some(tokens) = self.each_image {
            return Ok(tokens);
        }
        let Some(url) = image.as_str().or_else(|| image["url"].as_str()).filter(|url| !url.trim().is_empty())
        else {
            return Err(Error::invalid(path, "has an image without an address"));
        };
        let detail = image["detail"].as_str().unwrap_or("auto");
        images::tokens(model, url, detail).ok_or_else(|| {
            Error::invalid(format_args!("{path}.image_url.detail"), "must be \"low\", \"high\" or \"auto\"")
        })
    }

    fn tools(&self, count: &mut Count<'_>) -> Result<u64> {
        if self.tools.is_empty() {
            return Ok(0);
        }
        let has_system = self.messages.iter().any(|message| message["role"] == "system");
        let shared = if has_system { SHARED_WITH_SYSTEM } else { 0 };
        Ok(count(&tools::definitions(self.tools))? + ALL_TOOLS - shared)
    }

    fn choice(&self, count: &mut Count<'_>) -> Result<u64> {
        match self.tool_choice {
            Some(choice) if choice == "none" || choice["type"] == "none" => Ok(CHOICE_OF_NONE),
            Some(choice) => {
                let name = choice["function"]["name"].as_str().or_else(|| choice["name"].as_str());
                name.map_or(Ok(0), |name| Ok(CHOICE_OF_ONE + count(name)?))
            }
            None => Ok(0),
        }
    }
}

fn text(value: &Value, count: &mut Count<'_>) -> Result<u64> {
    value.as_str().map_or(Ok(0), count)
}

/// The arguments of a call; its name and id count nothing, as in LiteLLM.
fn arguments(function: &Value, count: &mut Count<'_>) -> Result<u64> {
    text(&function["arguments"], count)
}
