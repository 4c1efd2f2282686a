//! Chat templates: messages and tools become the text that the model was trained on.
//!
//! A model's own template (`tokenizer.chat_template`) is Jinja, rendered as the Python library does that the
//! field trains with. Models without one get ChatML where their vocabulary has it, else plain lines; those
//! with an encoder the texts alone.

use antiphon_core::{Content, Error, Kind, Message, PartKind, Request, Result, Role};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Rest, Serde, Value as Jinja, ValueKind, from_args};
use minijinja::{Environment, ErrorKind, State, context};
use minijinja_contrib::pycompat;
use serde_json::{Map, Value, json};

use crate::clock;

/// A model's template and the texts it may ask for.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    source: String,
    /// The one for requests with tools, where the model has two.
    with_tools: Option<String>,
    bos: String,
    eos: String,
    /// Whether it came with the model.
    own: bool,
    /// Whether nothing is known of what the model was trained on.
    guessed: bool,
}

const CHATML: &str = include_str!("templates/chatml.jinja");
const PLAIN: &str = include_str!("templates/plain.jinja");
const TEXT: &str = include_str!("templates/text.jinja");

/// Where a model that goes on with a conversation in plain lines begins to write the next question.
pub(crate) const NEXT_QUESTION: &str = "\nUser:";

/// What stands for the template of a model that has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fallback {
    /// Its vocabulary has the tokens of ChatML.
    ChatMl,
    /// Lines of `User:` and `Assistant:`, for a model that goes on with a text.
    Lines,
    /// The texts alone, for a model that was trained on tasks, not on conversations.
    Text,
}

impl Template {
    pub(crate) fn new(own: Option<String>, with_tools: Option<String>, fallback: Fallback) -> Self {
        let is_own = own.is_some();
        let guessed = !is_own && fallback == Fallback::Lines;
        let source = own.unwrap_or_else(|| {
            let source = match fallback {
                Fallback::ChatMl => CHATML,
                Fallback::Lines => PLAIN,
                Fallback::Text => TEXT,
            };
            source.to_owned()
        });
        let (source, with_tools) = (plain(&source), with_tools.map(|source| plain(&source)));
        Self { source, with_tools, bos: String::new(), eos: String::new(), own: is_own, guessed }
    }

    /// With the texts of the tokens that start and end a text.
    pub(crate) fn tokens(mut self, bos: String, eos: String) -> Self {
        self.bos = bos;
        self.eos = eos;
        self
    }

    pub(crate) fn is_own(&self) -> bool {
        self.own
    }

    /// Whether messages are written as lines because nothing is known of the model.
    pub(crate) fn is_guessed(&self) -> bool {
        self.guessed
    }

    /// The template that a request without or with tools is rendered by.
    pub(crate) fn source(&self, tools: bool) -> &str {
        match &self.with_tools {
            Some(source) if tools => source,
            _ => &self.source,
        }
    }

    /// The prompt. `messages` and `tools` are as [`messages`] and [`tools`] give them.
    pub(crate) fn render(
        &self,
        messages: &[Value],
        tools: &[Value],
        extra: &Map<String, Value>,
    ) -> Result<String> {
        match self.try_render(messages, tools, extra) {
            // Some models know no system message; its text then belongs to the first question.
            Err(_)
                if messages.first().is_some_and(|first| first["role"] == "system") && messages.len() > 1 =>
            {
                self.try_render(&system_into_user(messages), tools, extra)
            }
            outcome => outcome,
        }
        .map_err(|error| {
            let reason = error.detail().map_or_else(|| error.to_string(), str::to_owned);
            Error::new(
                Kind::InvalidRequest,
                format!("messages: the model's chat template refuses them: {reason}"),
            )
            .param("messages")
        })
    }

    fn try_render(
        &self,
        messages: &[Value],
        tools: &[Value],
        extra: &Map<String, Value>,
    ) -> std::result::Result<String, minijinja::Error> {
        let environment = environment();
        let template = environment.template_from_str(self.source(!tools.is_empty()))?;
        let tools = if tools.is_empty() { Jinja::from(()) } else { Jinja::from(Serde(tools)) };
        let given = context! {
            messages => Jinja::from(Serde(messages)),
            tools => tools,
            add_generation_prompt => true,
            bos_token => self.bos.as_str(),
            eos_token => self.eos.as_str(),
        };
        template.render(context! { ..given, ..Jinja::from(Serde(extra)) })
    }
}

/// The source with `{% generation %}` … `{% endgeneration %}`, by which trainers mark what the model says, as a
/// condition that always holds.
fn plain(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find("{%") {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        let end = tag.find("%}").map_or(tag.len(), |end| end + 2);
        let (tag, after) = tag.split_at(end);
        let word = tag.trim_matches(['{', '%', '}', '-', '+']).trim();
        match word {
            "generation" => out.push_str(&tag.replace(word, "if true")),
            "endgeneration" => out.push_str(&tag.replace(word, "endif")),
            _ => out.push_str(tag),
        }
        rest = after;
    }
    out + rest
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the default delimiters are valid"));
    environment.set_unknown_method_callback(method);
    environment.add_filter("tojson", to_json);
    environment.add_test("iterable", is_iterable);
    environment.add_test("sequence", is_sequence);
    environment.add_function("raise_exception", raise_exception);
    environment.add_function("strftime_now", |format: String| clock::strftime(&format, clock::now()));
    environment
}

/// A method that Python's objects have, and the library's do not.
fn method(
    state: &mut State,
    value: &Jinja,
    name: &str,
    args: &[Jinja],
) -> std::result::Result<Jinja, minijinja::Error> {
    match value.as_str() {
        Some(text) if name == "rsplit" => rsplit(text, args),
        Some(text) if matches!(name, "removeprefix" | "removesuffix") => {
            let (part,): (&str,) = from_args(args)?;
            let rest = if name == "removeprefix" { text.strip_prefix(part) } else { text.strip_suffix(part) };
            Ok(Jinja::from(rest.unwrap_or(text)))
        }
        _ => pycompat::unknown_method_callback(state, value, name, args),
    }
}

/// The pieces of a text, split at most so many times, from its end.
fn rsplit(text: &str, args: &[Jinja]) -> std::result::Result<Jinja, minijinja::Error> {
    let (separator, most): (Option<&str>, Option<i64>) = from_args(args)?;
    let most = most.and_then(|most| usize::try_from(most).ok());
    let mut pieces: Vec<&str> = match (separator, most) {
        (Some(separator), Some(most)) => text.rsplitn(most + 1, separator).collect(),
        (Some(separator), None) => text.rsplit(separator).collect(),
        (None, _) => text.split_whitespace().rev().collect(),
    };
    pieces.reverse();
    Ok(pieces.into_iter().map(Jinja::from).collect())
}

fn raise_exception(message: String) -> std::result::Result<String, minijinja::Error> {
    Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
}

/// Python's `None` cannot be gone through, a text can.
fn is_iterable(value: &Jinja) -> bool {
    !value.is_none() && (value.as_str().is_some() || value.try_iter().is_ok())
}

/// Whatever has a length and parts, which texts and mappings have, too.
fn is_sequence(value: &Jinja) -> bool {
    value.as_str().is_some() || matches!(value.kind(), ValueKind::Seq | ValueKind::Map | ValueKind::Undefined)
}

/// How JSON is written; the fields are those of Python's `json.dumps`.
struct JsonStyle {
    indent: Option<usize>,
    ensure_ascii: bool,
    sort_keys: bool,
    item: String,
    key: String,
}

/// `tojson` as the Python library has it: `json.dumps` with `", "` and `": "`, nothing escaped for HTML.
fn to_json(
    _: &State,
    value: &Jinja,
    args: Rest<Jinja>,
    options: Kwargs,
) -> std::result::Result<Jinja, minijinja::Error> {
    let value: Value = serde_json::to_value(value)
        .map_err(|error| minijinja::Error::new(ErrorKind::BadSerialization, error.to_string()))?;
    let indent: Option<usize> =
        options.get::<Option<usize>>("indent")?.or_else(|| args.first()?.clone().try_into().ok());
    let flag = |name: &str| options.get::<Option<bool>>(name).map(Option::unwrap_or_default);
    let separators = options.get::<Option<Vec<String>>>("separators")?;
    let [item, key] = match separators.as_deref() {
        Some([item, key]) => [item.clone(), key.clone()],
        _ => [if indent.is_some() { "," } else { ", " }, ": "].map(str::to_owned),
    };
    let (ensure_ascii, sort_keys) = (flag("ensure_ascii")?, flag("sort_keys")?);
    let mut text = String::new();
    JsonStyle { indent, ensure_ascii, sort_keys, item, key }.write(&value, 0, &mut text);
    Ok(Jinja::from_safe_string(text))
}

impl JsonStyle {
    fn write(&self, value: &Value, depth: usize, text: &mut String) {
        match value {
            Value::Array(items) => self.list(('[', ']'), items.iter().map(|item| (None, item)), depth, text),
            Value::Object(map) => {
                let mut entries: Vec<_> = map.iter().map(|(key, item)| (Some(key.as_str()), item)).collect();
                if self.sort_keys {
                    entries.sort_by_key(|(key, _)| *key);
                }
                self.list(('{', '}'), entries.into_iter(), depth, text);
            }
            scalar => self.scalar(scalar, text),
        }
    }

    fn list<'a>(
        &self,
        (open, close): (char, char),
        items: impl ExactSizeIterator<Item = (Option<&'a str>, &'a Value)>,
        depth: usize,
        text: &mut String,
    ) {
        text.push(open);
        let is_empty = items.len() == 0;
        for (at, (key, item)) in items.enumerate() {
            if at > 0 {
                text.push_str(&self.item);
            }
            self.line(depth + 1, text);
            if let Some(key) = key {
                self.scalar(&key.into(), text);
                text.push_str(&self.key);
            }
            self.write(item, depth + 1, text);
        }
        if !is_empty {
            self.line(depth, text);
        }
        text.push(close);
    }

    fn line(&self, depth: usize, text: &mut String) {
        if let Some(width) = self.indent {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', width * depth));
        }
    }

    fn scalar(&self, value: &Value, text: &mut String) {
        let json = value.to_string();
        if !self.ensure_ascii || json.is_ascii() {
            return text.push_str(&json);
        }
        for character in json.chars() {
            if character.is_ascii() {
                text.push(character);
            } else {
                let mut units = [0; 2];
                let units = character.encode_utf16(&mut units).iter();
                text.extend(units.map(|unit| format!("\\u{unit:04x}")));
            }
        }
    }
}

/// Messages as templates expect them: contents are text, arguments objects, roles those of every template.
pub(crate) fn messages(request: &Request) -> Result<Vec<Value>> {
    request.messages.iter().enumerate().map(|(i, message)| template_message(i, message)).collect()
}

fn template_message(i: usize, message: &Message) -> Result<Value> {
    let role = match message.role {
        Role::Developer => "system",
        Role::Function => "tool",
        role => role.as_str(),
    };
    let mut map = Map::new();
    map.insert("role".into(), role.into());
    map.insert("content".into(), content(i, &message.content)?.into());
    if let Some(name) = &message.name {
        map.insert("name".into(), name.as_str().into());
    }
    if let Some(reasoning) = &message.reasoning_content {
        map.insert("reasoning_content".into(), reasoning.as_str().into());
    }
    if let Some(id) = &message.tool_call_id {
        map.insert("tool_call_id".into(), id.as_str().into());
    }
    let old = message.function_call.iter().map(|call| call_json("", &call.name, &call.arguments));
    let calls = message.tool_calls.iter();
    let calls: Vec<Value> = calls
        .map(|call| call_json(&call.id, &call.function.name, &call.function.arguments))
        .chain(old)
        .collect();
    if !calls.is_empty() {
        map.insert("tool_calls".into(), calls.into());
    }
    Ok(Value::Object(map))
}

fn call_json(id: &str, name: &str, arguments: &str) -> Value {
    let arguments = match serde_json::from_str(arguments) {
        Ok(Value::Object(map)) => Value::Object(map),
        _ if arguments.trim().is_empty() => json!({}),
        _ => arguments.into(),
    };
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn content(i: usize, content: &Content) -> Result<String> {
    let Content::Parts(parts) = content else { return Ok(content.text()) };
    let mut text = String::new();
    for (j, part) in parts.iter().enumerate() {
        let kind = match &part.kind {
            PartKind::Text { text: piece } | PartKind::Refusal { refusal: piece } => {
                text.push_str(piece);
                continue;
            }
            PartKind::Image { .. } => "an image",
            PartKind::InputAudio { .. } => "sound",
            PartKind::File { .. } => "a file",
            _ => "of a kind that it does not know",
        };
        let message = format_args!("is {kind}, and this model reads text only");
        return Err(Error::invalid(format!("messages[{i}].content[{j}]"), message));
    }
    Ok(text)
}

/// Adds a sentence to the system message, which is made where there is none.
pub(crate) fn instruct(messages: &mut Vec<Value>, sentence: &str) {
    match messages.first_mut() {
        Some(first) if first["role"] == "system" => {
            let text = first["content"].as_str().unwrap_or_default();
            first["content"] = format!("{text}\n{sentence}").into();
        }
        _ => messages.insert(0, json!({"role": "system", "content": sentence})),
    }
}

fn system_into_user(messages: &[Value]) -> Vec<Value> {
    let text = |message: &Value| message["content"].as_str().unwrap_or_default().to_owned();
    let mut rest = messages[1..].to_vec();
    rest[0]["content"] = format!("{}\n\n{}", text(&messages[0]), text(&rest[0])).into();
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(source: &str, request: Value) -> String {
        let request = Request::from_json(request.as_object().unwrap().clone()).unwrap();
        let tools: Vec<Value> = request.tools.iter().map(|tool| tool.to_json()).collect();
        let template =
            Template::new(Some(source.into()), None, Fallback::Lines).tokens("<s>".into(), "</s>".into());
        match messages(&request).and_then(|messages| template.render(&messages, &tools, &Map::new())) {
            Ok(text) => text,
            Err(error) => error.message().to_owned(),
        }
    }

    fn check(source: &str, request: Value, expected: &str) {
        assert_eq!(render(source, request), expected);
    }

    #[test]
    fn fallbacks_are_what_they_say() {
        let request = json!({"messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        ]});
        let chatml = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nab<|im_end|>\n<|im_start|>assistant\n";
        check(CHATML, request.clone(), chatml);
        check(PLAIN, request.clone(), "Be brief.\n\nUser: ab\nAssistant:");
        check(TEXT, request, "Be brief.\n\nab");
    }

    /// Expected prompts are those of transformers (`scripts/chat_templates.py`).
    #[test]
    fn templates_are_rendered_as_transformers_renders_them() {
        let files: Value = serde_json::from_str(include_str!("../tests/files/chat_templates.json")).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut wrong = Vec::new();
        for row in files["templates"].as_array().unwrap() {
            let template = Template::new(Some(text(&row["template"])), None, Fallback::Lines)
                .tokens(text(&files["bos_token"]), text(&files["eos_token"]));
            for (name, expected) in row["prompts"].as_object().unwrap() {
                let asked = &files["conversations"][name];
                let request = Request::from_json(asked.as_object().unwrap().clone()).unwrap();
                let tools: Vec<Value> = request.tools.iter().map(|tool| tool.to_json()).collect();
                let rendered = template.render(&messages(&request).unwrap(), &tools, &Map::new());
                let is_same = match (&rendered, expected) {
                    (Ok(rendered), Value::String(expected)) => rendered == expected,
                    // A system message that is refused there goes with the question here.
                    (Ok(_), _) => asked["messages"][0]["role"] == "system",
                    (Err(_), expected) => expected.is_null(),
                };
                if !is_same {
                    wrong.push(format!("{} {name}: {rendered:?}\nexpected {expected}", row["name"]));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    }

    #[test]
    fn what_real_templates_use_is_there() {
        check(
            "{{ bos_token }}{{ messages[0].content.strip() }}{{ eos_token }}",
            json!({"messages": " x "}),
            "<s>x</s>",
        );
        check(
            "{{ messages[0]['content'].split('b')[-1].startswith('c') }}",
            json!({"messages": "abc"}),
            "True",
        );
        check(
            "{% for m in messages %}{% if loop.last %}\n    {{ m.role | upper }}\n{% endif %}{% endfor %}",
            json!({"messages": "x"}),
            "    USER\n",
        );
        check("{{ strftime_now('%Y') | length }}", json!({"messages": "x"}), "4");
        check("{%- if tools is none %}no{% else %}yes{% endif %}", json!({"messages": "x"}), "no");
        check(
            "{{ raise_exception('roles must alternate') }}",
            json!({"messages": "x"}),
            "messages: the model's chat template refuses them: roles must alternate",
        );
    }

    #[test]
    fn tools_are_json_as_python_writes_it() {
        let request = json!({"messages": "x", "tools": [{"type": "function", "function": {
            "name": "f", "parameters": {"type": "object", "properties": {"z": {"type": "string"}, "a": {"enum": ["<é>"]}}},
        }}]});
        check(
            "{{ tools[0].function.parameters.properties | tojson }}",
            request.clone(),
            r#"{"z": {"type": "string"}, "a": {"enum": ["<é>"]}}"#,
        );
        check(
            "{{ tools[0].function.parameters.properties.a | tojson(indent=2) }}",
            request,
            "{\n  \"enum\": [\n    \"<é>\"\n  ]\n}",
        );
    }

    #[test]
    fn what_python_has_and_this_library_has_not_is_there_too() {
        check(
            "{%- generation -%} a {%- endgeneration -%} b{% generation %}c{% endgeneration %}",
            json!({"messages": "x"}),
            "abc",
        );
        let tested =
            "{{ tools is iterable }} {{ messages is iterable }} {{ 'a' is iterable }} {{ 5 is iterable }}";
        check(tested, json!({"messages": "x"}), "False True True False");
        let styles = "{{ {'b': 'é😀', 'a': [1]} | tojson(ensure_ascii=true, sort_keys=true) }}";
        check(styles, json!({"messages": "x"}), r#"{"a": [1], "b": "\u00e9\ud83d\ude00"}"#);
        let dense = "{{ {'a': [1, 2], 'b': {}} | tojson(separators=(',', ':')) }}";
        check(dense, json!({"messages": "x"}), r#"{"a":[1,2],"b":{}}"#);
    }

    #[test]
    fn a_template_without_system_messages_gets_them_with_the_question() {
        let source = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}{{ messages[0].content }}";
        let request =
            json!({"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}]});
        check(source, request, "S\n\nU");
    }

    #[test]
    fn an_image_is_refused_by_name() {
        let request = json!({"messages": [{"role": "user", "content": [
            {"type": "text", "text": "what is it?"},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        ]}]});
        check("", request, "messages[0].content[1]: is an image, and this model reads text only");
    }

    #[test]
    fn an_instruction_joins_or_makes_the_system_message() {
        let mut messages = vec![json!({"role": "user", "content": "q"})];
        instruct(&mut messages, "Answer in JSON.");
        assert_eq!(messages[0], json!({"role": "system", "content": "Answer in JSON."}));
        instruct(&mut messages, "Again.");
        assert_eq!(messages[0]["content"], "Answer in JSON.\nAgain.");
    }
}
