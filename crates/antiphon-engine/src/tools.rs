//! Tool calls in a model's text: how each family writes them, and reading one as it is written.
//!
//! A format is a row of [`FORMATS`]. A call's body is always guided, so that it is JSON of the form that
//! [`CallReader`] knows: `{"name": "…", "arguments": {…}}` in exactly this spacing.

use antiphon_core::{Request, Result, Tool, ToolChoice};
use serde_json::json;

use crate::guidance::{Checks, Grammar, Guide};

/// How a family of models writes a call.
#[derive(Debug, PartialEq)]
pub(crate) struct Format {
    /// A text in the chat template that tells the family.
    sign: &'static str,
    pub(crate) open: &'static str,
    pub(crate) close: &'static str,
    /// The name of the arguments' key.
    arguments: &'static str,
}

/// The first row whose sign is in the template is the model's; the last row fits every template.
static FORMATS: &[Format] = &[
    Format { sign: "<tool_call>\\n", open: "<tool_call>\n", close: "\n</tool_call>", arguments: "arguments" },
    Format { sign: "<tool_call>\n", open: "<tool_call>\n", close: "\n</tool_call>", arguments: "arguments" },
    Format { sign: "", open: "<tool_call>", close: "</tool_call>", arguments: "arguments" },
];

impl Format {
    pub(crate) fn of(template: &str) -> &'static Format {
        FORMATS.iter().find(|format| template.contains(format.sign)).unwrap_or(&FORMATS[FORMATS.len() - 1])
    }

    /// The text whose appearance says that a call begins; the white space after it is put in by us.
    pub(crate) fn opener(&self) -> &'static str {
        self.open.trim_end()
    }

    /// What a call's body has to be.
    pub(crate) fn guide(&self, tools: &[&Tool]) -> Guide {
        let tools = tools.iter().filter_map(|tool| match tool {
            Tool::Function { name, parameters, .. } => {
                Some((name.clone(), parameters.clone().unwrap_or_else(|| json!({}))))
            }
            Tool::Other(_) => None,
        });
        let grammar = Grammar::Calls { arguments: self.arguments, tools: tools.collect() };
        Guide { field: "tools", grammar }
    }

    pub(crate) fn reader(&'static self) -> CallReader {
        CallReader { format: self, text: String::new(), named: false, sent: 0 }
    }
}

/// The tools that may be called, after `tool_choice`; none where none may be.
pub(crate) fn callable(request: &Request) -> Vec<&Tool> {
    match &request.tool_choice {
        Some(ToolChoice::None) => Vec::new(),
        Some(ToolChoice::Function(name)) => {
            request.tools.iter().filter(|tool| tool.name() == Some(name)).collect()
        }
        _ => request.tools.iter().collect(),
    }
}

/// Whether a call must come.
pub(crate) fn is_forced(request: &Request) -> bool {
    matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Function(_)))
}

/// Reads one call as it is written.
#[derive(Debug, Clone)]
pub(crate) struct CallReader {
    format: &'static Format,
    text: String,
    named: bool,
    /// How much of the text was given out.
    sent: usize,
}

/// What has become known of a call.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct CallNews {
    pub(crate) name: Option<String>,
    pub(crate) arguments: String,
}

impl CallReader {
    /// Takes in text of the body.
    pub(crate) fn push(&mut self, text: &str) -> CallNews {
        self.text.push_str(text);
        let mut news = CallNews::default();
        if !self.named {
            let Some((name, after)) = self.head() else { return news };
            self.named = true;
            self.sent = after;
            news.name = Some(name);
        }
        // The last brace closes the call, not its arguments, and which one is last is known at the end.
        let until = self.text.len() - usize::from(self.text.ends_with('}'));
        if until > self.sent {
            news.arguments = self.text[self.sent..until].to_owned();
            self.sent = until;
        }
        news
    }

    /// Holds the arguments of a whole call against what a mask does not know of their schema.
    pub(crate) fn check(&self, checks: &Checks) -> Result<()> {
        let Some((name, after)) = self.head() else { return Ok(()) };
        let arguments = &self.text[after..];
        checks.check_call(&name, arguments.strip_suffix('}').unwrap_or(arguments))
    }

    /// The name and where the arguments begin, once both are there.
    fn head(&self) -> Option<(String, usize)> {
        let rest = self.text.strip_prefix("{\"name\": \"")?;
        let (name, rest) = rest.split_once('"')?;
        let rest = rest.strip_prefix(", \"")?.strip_prefix(self.format.arguments)?.strip_prefix("\": ")?;
        Some((name.to_owned(), self.text.len() - rest.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn a_call_is_read_from_any_pieces() {
        let body = r#"{"name": "add", "arguments": {"a": {"b": "}"}, "c": 1}}"#;
        for a in 0..=body.len() {
            for b in a..=body.len() {
                let mut reader = Format::of("").reader();
                let (mut name, mut arguments) = (None, String::new());
                for piece in [&body[..a], &body[a..b], &body[b..]] {
                    let news = reader.push(piece);
                    name = name.or(news.name);
                    arguments += &news.arguments;
                }
                assert_eq!(name.as_deref(), Some("add"), "cut at {a} and {b}");
                assert_eq!(arguments, r#"{"a": {"b": "}"}, "c": 1}"#, "cut at {a} and {b}");
            }
        }
    }

    #[test]
    fn the_template_tells_the_format() {
        assert_eq!(Format::of("{{ '<tool_call>\\n' }}").open, "<tool_call>\n");
        assert_eq!(Format::of("<tool_call>{\"name\"").open, "<tool_call>");
        assert_eq!(Format::of("<tool_call>{\"name\"").opener(), "<tool_call>");
    }

    #[test]
    fn tool_choice_decides_which_tools_there_are() {
        let request = |choice: Value| {
            let request = json!({"messages": "x", "tool_choice": choice, "tools": [
                {"type": "function", "function": {"name": "a"}},
                {"type": "function", "function": {"name": "b"}},
            ]});
            Request::from_json(request.as_object().unwrap().clone()).unwrap()
        };
        let named = json!({"type": "function", "function": {"name": "b"}});
        for (choice, names, forced) in [
            (json!(null), vec!["a", "b"], false),
            (json!("auto"), vec!["a", "b"], false),
            (json!("none"), vec![], false),
            (json!("required"), vec!["a", "b"], true),
            (named, vec!["b"], true),
        ] {
            let request = request(choice);
            assert_eq!(callable(&request).iter().filter_map(|tool| tool.name()).collect::<Vec<_>>(), names);
            assert_eq!(is_forced(&request), forced);
        }
    }
}
