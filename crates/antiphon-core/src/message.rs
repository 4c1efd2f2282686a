//! Messages: who said what, in parts.
//!
//! The rules of a message (which role needs which field) are checked where it is parsed, so that a
//! [`Message`] made by [`Message::from_json`] is always one that can be sent. Fields that are not known
//! here are kept in `extra` and travel on.

use std::fmt::Display;

use serde_json::Value;

use crate::json::{self, put, take, take_string};
use crate::{Error, Map, Result};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Role {
    /// Sets the assistant's context.
    System,
    /// The same, in the words of OpenAI's newer models.
    Developer,
    /// The end user.
    #[default]
    User,
    /// The model.
    Assistant,
    /// The result of a tool call; needs `tool_call_id`.
    Tool,
    /// The result of a function call in the older form; needs `name`.
    Function,
}

impl Role {
    /// Every one.
    pub const ALL: [Role; 6] =
        [Role::System, Role::Developer, Role::User, Role::Assistant, Role::Tool, Role::Function];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::Developer => "developer",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
            Role::Function => "function",
        }
    }

    /// The role of that name.
    pub fn parse(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Content {
    /// Nothing, as in an assistant's message that only calls tools.
    #[default]
    Null,
    /// Plain text.
    Text(String),
    /// Text, images, audio and files in order.
    Parts(Vec<Part>),
}

impl Content {
    /// The text of it, parts joined; what is no text is left out.
    pub fn text(&self) -> String {
        match self {
            Content::Null => String::new(),
            Content::Text(text) => text.clone(),
            Content::Parts(parts) => parts
                .iter()
                .filter_map(|part| match &part.kind {
                    PartKind::Text { text } => Some(text.as_str()),
                    _ => None,
                })
                .collect(),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_null(&self) -> bool {
        matches!(self, Content::Null)
    }

    /// The text, where it is plain text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Content::Text(text)
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Content::Text(text.to_owned())
    }
}

/// One part of a message's content.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// Fields beside the known ones (`cache_control`, …).
    pub extra: Map,
}

/// What a part is.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum PartKind {
    /// Text.
    Text {
        /// The text itself.
        text: String,
    },
    /// An image, by address or as a `data:` URL.
    Image {
        /// `https:` or `data:` URL.
        url: String,
        /// `low`, `high` or `auto`.
        detail: Option<String>,
        /// MIME type, where the URL does not say it.
        format: Option<String>,
    },
    /// Recorded sound.
    InputAudio {
        /// Base64.
        data: String,
        /// `wav` or `mp3`.
        format: String,
    },
    /// A document, by id or as data.
    File {
        /// Id of an uploaded file.
        file_id: Option<String>,
        /// `data:` URL or base64.
        file_data: Option<String>,
        /// Name to show.
        filename: Option<String>,
        /// MIME type, where the data does not say it.
        format: Option<String>,
    },
    /// What an assistant refused to do, given back to it.
    Refusal {
        /// Its words.
        refusal: String,
    },
    /// A kind not known here; sent on as it came. Holds its `type`.
    Other(String),
}

impl Part {
    /// A part of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { kind: PartKind::Text { text: text.into() }, extra: Map::new() }
    }

    /// Reads a part; `path` names it in errors.
    pub fn from_json(path: impl Display + Copy, value: Value) -> Result<Self> {
        if let Value::String(text) = value {
            return Ok(Part::text(text));
        }
        let mut map = json::object(path, value)?;
        let kind = json::require_string(&mut map, "type", path)?;
        let kind = match kind.as_str() {
            "text" => PartKind::Text { text: json::require_string(&mut map, "text", path)? },
            "image_url" => image(&mut map, path)?,
            "input_audio" => {
                let path = format_args!("{path}.input_audio");
                let mut audio = inner(&mut map, "input_audio", path)?;
                PartKind::InputAudio {
                    data: json::require_string(&mut audio, "data", path)?,
                    format: json::require_string(&mut audio, "format", path)?,
                }
            }
            "file" => {
                let path = format_args!("{path}.file");
                let mut file = inner(&mut map, "file", path)?;
                let kind = PartKind::File {
                    file_id: take_string(&mut file, "file_id", path)?,
                    file_data: take_string(&mut file, "file_data", path)?,
                    filename: take_string(&mut file, "filename", path)?,
                    format: take_string(&mut file, "format", path)?,
                };
                if matches!(&kind, PartKind::File { file_id: None, file_data: None, .. }) {
                    return Err(Error::invalid(path, "needs file_id or file_data"));
                }
                kind
            }
            "refusal" => PartKind::Refusal { refusal: json::require_string(&mut map, "refusal", path)? },
            _ => PartKind::Other(kind),
        };
        Ok(Self { kind, extra: map })
    }

    /// The part as JSON, as OpenAI writes it.
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        let mut object = |kind: &str, fields: Option<Map>| {
            map.insert("type".into(), kind.into());
            if let Some(fields) = fields {
                map.insert(kind.into(), Value::Object(fields));
            }
        };
        match &self.kind {
            PartKind::Text { text } => {
                object("text", None);
                map.insert("text".into(), text.as_str().into());
            }
            PartKind::Image { url, detail, format } => {
                let mut image = Map::new();
                image.insert("url".into(), url.as_str().into());
                put(&mut image, "detail", detail.as_deref());
                put(&mut image, "format", format.as_deref());
                object("image_url", Some(image));
            }
            PartKind::InputAudio { data, format } => {
                let mut audio = Map::new();
                audio.insert("data".into(), data.as_str().into());
                audio.insert("format".into(), format.as_str().into());
                object("input_audio", Some(audio));
            }
            PartKind::File { file_id, file_data, filename, format } => {
                let mut file = Map::new();
                put(&mut file, "file_id", file_id.as_deref());
                put(&mut file, "file_data", file_data.as_deref());
                put(&mut file, "filename", filename.as_deref());
                put(&mut file, "format", format.as_deref());
                object("file", Some(file));
            }
            PartKind::Refusal { refusal } => {
                object("refusal", None);
                map.insert("refusal".into(), refusal.as_str().into());
            }
            PartKind::Other(kind) => object(kind, None),
        }
        map.extend(self.extra.clone());
        Value::Object(map)
    }
}

fn inner(map: &mut Map, key: &str, path: impl Display + Copy) -> Result<Map> {
    let value = take(map, key).ok_or_else(|| Error::invalid(path, "is required"))?;
    json::object(path, value)
}

/// `image_url` is an object by the reference, and a bare string in many programs.
fn image(map: &mut Map, path: impl Display + Copy) -> Result<PartKind> {
    let path = format_args!("{path}.image_url");
    if let Some(Value::String(url)) = map.get("image_url") {
        let url = url.clone();
        map.shift_remove("image_url");
        return Ok(PartKind::Image { url, detail: None, format: None });
    }
    let mut image = inner(map, "image_url", path)?;
    Ok(PartKind::Image {
        url: json::require_string(&mut image, "url", path)?,
        detail: take_string(&mut image, "detail", path)?,
        format: take_string(&mut image, "format", path)?,
    })
}

/// A call that the model wants made.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ToolCall {
    /// Id that the tool's result refers to.
    pub id: String,
    /// Name and arguments.
    pub function: FunctionCall,
    /// `true` for OpenAI's custom tools, whose argument is free text under `custom.input`.
    pub custom: bool,
    /// Fields beside the known ones.
    pub extra: Map,
}

/// Name and arguments of a function to call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FunctionCall {
    /// Name of the function.
    pub name: String,
    /// JSON text, as the model wrote it; it may not be valid.
    pub arguments: String,
}

impl FunctionCall {
    /// Reads `{"name", "arguments"}`; arguments given as an object become their JSON text.
    pub fn from_json(path: impl Display + Copy, value: Value) -> Result<Self> {
        let mut map = json::object(path, value)?;
        let name = json::require_string(&mut map, "name", path)?;
        let arguments = match take(&mut map, "arguments") {
            None => String::new(),
            Some(Value::String(text)) => text,
            Some(value @ Value::Object(_)) => value.to_string(),
            Some(other) => {
                return Err(json::wrong_type(
                    format_args!("{path}.arguments"),
                    "a string or an object",
                    &other,
                ));
            }
        };
        Ok(Self { name, arguments })
    }

    /// The call as JSON.
    pub fn to_json(&self) -> Value {
        serde_json::json!({"name": self.name, "arguments": self.arguments})
    }
}

impl ToolCall {
    /// Reads a tool call of an assistant's message.
    pub fn from_json(path: impl Display + Copy, value: Value) -> Result<Self> {
        let mut map = json::object(path, value)?;
        let id = take_string(&mut map, "id", path)?.unwrap_or_default();
        let kind = take_string(&mut map, "type", path)?;
        if kind.as_deref() == Some("custom") {
            let path = format_args!("{path}.custom");
            let mut custom = inner(&mut map, "custom", path)?;
            let function = FunctionCall {
                name: json::require_string(&mut custom, "name", path)?,
                arguments: take_string(&mut custom, "input", path)?.unwrap_or_default(),
            };
            return Ok(Self { id, function, custom: true, extra: map });
        }
        let function = take(&mut map, "function").ok_or_else(|| json::missing(path, "function"))?;
        let function = FunctionCall::from_json(format_args!("{path}.function"), function)?;
        // A type not known here is kept, and wins over ours when written.
        if let Some(kind) = kind.filter(|kind| kind != "function" && !kind.is_empty()) {
            map.insert("type".into(), kind.into());
        }
        Ok(Self { id, function, custom: false, extra: map })
    }

    /// The call as JSON, as OpenAI writes it.
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("id".into(), self.id.as_str().into());
        if self.custom {
            map.insert("type".into(), "custom".into());
            let custom = serde_json::json!({"name": self.function.name, "input": self.function.arguments});
            map.insert("custom".into(), custom);
        } else {
            map.insert("type".into(), "function".into());
            map.insert("function".into(), self.function.to_json());
        }
        map.extend(self.extra.clone());
        Value::Object(map)
    }
}

/// One message of a conversation, sent or received.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: Content,
    /// Name of the speaker, or of the function whose result this is.
    pub name: Option<String>,
    /// Calls that the assistant wants made.
    pub tool_calls: Vec<ToolCall>,
    /// The older form of one call.
    pub function_call: Option<FunctionCall>,
    /// The call that a tool's message answers.
    pub tool_call_id: Option<String>,
    /// What the assistant says in place of an answer it refuses.
    pub refusal: Option<String>,
    /// The assistant's reasoning, where the provider shows it.
    pub reasoning_content: Option<String>,
    /// Fields beside the known ones (`annotations`, `audio`, `thinking_blocks`, `cache_control`, …).
    pub extra: Map,
}

/// OpenAI's limit for the name of a message and of a function.
pub const MAX_NAME_LENGTH: usize = 64;

impl Message {
    /// The text of a message that is nothing but a role and a text.
    pub fn plain_text(&self) -> Option<&str> {
        let is_plain = self.name.is_none()
            && self.tool_calls.is_empty()
            && self.function_call.is_none()
            && self.tool_call_id.is_none()
            && self.refusal.is_none()
            && self.reasoning_content.is_none()
            && self.extra.is_empty();
        self.content.as_text().filter(|_| is_plain)
    }

    /// A message of plain text.
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self { role, content: Content::Text(text.into()), ..Self::default() }
    }

    /// A system message.
    pub fn system(text: impl Into<String>) -> Self {
        Self::new(Role::System, text)
    }

    /// A user's message.
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(Role::User, text)
    }

    /// An assistant's message.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::new(Role::Assistant, text)
    }

    /// Reads and checks a message; `path` (such as `messages[2]`) names it in errors.
    pub fn from_json(path: impl Display + Copy, value: Value) -> Result<Self> {
        let mut map = json::object(path, value)?;
        let role = json::require_string(&mut map, "role", path)?;
        let role = Role::parse(&role).ok_or_else(|| {
            let known = Role::ALL.map(Role::as_str).join(", ");
            Error::invalid(format!("{path}.role"), format_args!("must be one of {known}, got {role:?}"))
        })?;
        let message = Self {
            role,
            content: content(&mut map, path)?,
            name: take_string(&mut map, "name", path)?,
            tool_calls: tool_calls(&mut map, path)?,
            function_call: take(&mut map, "function_call")
                .map(|value| FunctionCall::from_json(format_args!("{path}.function_call"), value))
                .transpose()?,
            tool_call_id: take_string(&mut map, "tool_call_id", path)?,
            refusal: take_string(&mut map, "refusal", path)?,
            reasoning_content: take_string(&mut map, "reasoning_content", path)?,
            extra: without_nulls(map),
        };
        message.check(path)?;
        Ok(message)
    }

    /// Checks what the role asks for; `path` names the message in errors.
    pub fn check(&self, path: impl Display + Copy) -> Result<()> {
        if let Some(name) = &self.name {
            check_name(format_args!("{path}.name"), name)?;
        }
        match self.role {
            Role::Function if self.name.is_none() => {
                return Err(Error::invalid(format!("{path}.name"), "is required for the role \"function\""));
            }
            Role::Tool if self.tool_call_id.is_none() => {
                let field = format!("{path}.tool_call_id");
                return Err(Error::invalid(field, "is required for the role \"tool\"")
                    .hint("give the id of the assistant's tool call that this message answers"));
            }
            _ => {}
        }
        let may_be_null = self.role == Role::Assistant && self.says_something_else();
        if self.content.is_null() && !may_be_null {
            let field = format!("{path}.content");
            return Err(Error::invalid(field, "may be null only in an assistant's message with calls"));
        }
        if let Content::Parts(parts) = &self.content
            && parts.is_empty()
        {
            return Err(Error::invalid(format!("{path}.content"), "is an empty list"));
        }
        Ok(())
    }

    /// Whether an assistant's message means something without content.
    fn says_something_else(&self) -> bool {
        !self.tool_calls.is_empty()
            || self.function_call.is_some()
            || self.refusal.is_some()
            || self.extra.contains_key("audio")
            || self.extra.contains_key("thinking_blocks")
    }

    /// The message as JSON, as OpenAI writes it in a request.
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("role".into(), self.role.as_str().into());
        map.insert("content".into(), content_json(&self.content));
        put(&mut map, "name", self.name.as_deref());
        if !self.tool_calls.is_empty() {
            let calls = self.tool_calls.iter().map(ToolCall::to_json).collect::<Vec<_>>();
            map.insert("tool_calls".into(), calls.into());
        }
        put(&mut map, "function_call", self.function_call.as_ref().map(FunctionCall::to_json));
        put(&mut map, "tool_call_id", self.tool_call_id.as_deref());
        put(&mut map, "refusal", self.refusal.as_deref());
        put(&mut map, "reasoning_content", self.reasoning_content.as_deref());
        map.extend(self.extra.clone());
        Value::Object(map)
    }
}

fn content_json(content: &Content) -> Value {
    match content {
        Content::Null => Value::Null,
        Content::Text(text) => text.as_str().into(),
        Content::Parts(parts) => parts.iter().map(Part::to_json).collect::<Vec<_>>().into(),
    }
}

fn content(map: &mut Map, path: impl Display + Copy) -> Result<Content> {
    let path = format_args!("{path}.content");
    match map.shift_remove("content") {
        None | Some(Value::Null) => Ok(Content::Null),
        Some(Value::String(text)) => Ok(Content::Text(text)),
        Some(Value::Array(parts)) => parts
            .into_iter()
            .enumerate()
            .map(|(i, part)| Part::from_json(format_args!("{path}[{i}]"), part))
            .collect::<Result<_>>()
            .map(Content::Parts),
        Some(other) => Err(json::wrong_type(path, "a string, a list of parts or null", &other)),
    }
}

fn tool_calls(map: &mut Map, path: impl Display + Copy) -> Result<Vec<ToolCall>> {
    let Some(value) = take(map, "tool_calls") else { return Ok(Vec::new()) };
    let path = format_args!("{path}.tool_calls");
    json::list(path, value)?
        .into_iter()
        .enumerate()
        .map(|(i, call)| ToolCall::from_json(format_args!("{path}[{i}]"), call))
        .collect()
}

/// Without the fields that say no more than absent ones do.
pub(crate) fn without_nulls(map: Map) -> Map {
    map.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

/// At most 64 letters, digits, `_` or `-`.
pub(crate) fn check_name(path: impl Display + Copy, name: &str) -> Result<()> {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.chars().count() > MAX_NAME_LENGTH || !name.chars().all(legal) {
        let rule =
            format_args!("must be 1 to {MAX_NAME_LENGTH} letters, digits, \"_\" or \"-\", got {name:?}");
        return Err(Error::invalid(path, rule));
    }
    Ok(())
}
