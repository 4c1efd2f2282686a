//! `antiphon chat`: a conversation, on a terminal or piped in.
//!
//! On a terminal lines are edited and remembered (`chat_history` in the configuration folder), Ctrl-C stops
//! the answer at hand, Ctrl-D ends. Piped in, each line is a turn, and a failure or Ctrl-C ends the chat.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use antiphon::{Client, Error, Kind, Map, Message, config};
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::args::CallArgs;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use crate::runtime::or_interrupt;
use crate::{answer, call, default_model, runtime};

pub(crate) fn run(args: &CallArgs, printer: &mut Printer) -> Outcome {
    printer.set_raw(args.raw);
    let mut chat = Chat::open(args, printer)?;
    let mut lines = Lines::open()?;
    let outcome = converse(&mut chat, &mut lines, printer);
    lines.close();
    // A read of the standard input may still be waiting; nobody waits for it.
    chat.runtime.shutdown_background();
    outcome
}

fn converse(chat: &mut Chat<'_>, lines: &mut Lines, printer: &mut Printer) -> Outcome {
    if lines.is_terminal() {
        printer.note(format_args!("chatting with {}; exit or Ctrl-D ends", chat.model));
        printer.note("!multi begins a message of several lines, !end ends it");
    }
    while let Some(text) = turn(lines, &chat.runtime)? {
        match chat.answer(&text, printer) {
            Err(Failure::Interrupted) if lines.is_terminal() => printer.end_line()?,
            Err(failure @ Failure::Error(_)) if lines.is_terminal() => printer.failure(&failure),
            outcome => outcome?,
        }
    }
    Ok(())
}

struct Chat<'a> {
    args: &'a CallArgs,
    client: Client,
    model: String,
    messages: Vec<Value>,
    runtime: Runtime,
}

impl<'a> Chat<'a> {
    /// Finds the model and checks the options before anything is typed.
    fn open(args: &'a CallArgs, printer: &mut Printer) -> Outcome<Self> {
        let messages = call::opening(args);
        let trial = call::build(args, &fields(&messages, "hello"))?;
        let client = Client::new()?;
        let model = default_model::choose(&client, args.model.as_deref(), &trial.options, printer)?;
        if trial.options.mock.is_none() {
            client.resolve(&model, &trial.options)?;
        }
        Ok(Self { args, client, model, messages, runtime: runtime::start()? })
    }

    /// Sends the conversation with one more message. What failed is not part of it; of an answer that was
    /// stopped, what had come is.
    fn answer(&mut self, text: &str, printer: &mut Printer) -> Outcome {
        let mut call = call::build(self.args, &fields(&self.messages, text))?;
        call.request.model.clone_from(&self.model);
        let mut stream = answer::start(&self.client, call);
        let outcome = if self.args.no_stream {
            self.runtime.block_on(or_interrupt(drain(&mut stream)))
        } else {
            self.runtime.block_on(or_interrupt(answer::print(&mut stream, printer)))
        };
        let response = stream.response();
        if self.args.no_stream && outcome.is_ok() {
            answer::print_whole(&response, str::to_owned, printer)?;
        }
        if !response.text().is_empty() || outcome.is_ok() {
            self.messages.push(call::message("user", text));
            self.messages.push(Message::from(&response).to_json());
        }
        outcome.map(|_| answer::print_remarks(&response, false, printer))
    }
}

async fn drain(stream: &mut antiphon::CompletionStream) -> Outcome<antiphon::Response> {
    while let Some(chunks) = stream.next_batch().await {
        chunks?;
    }
    Ok(stream.response())
}

fn fields(messages: &[Value], text: &str) -> Map {
    let mut messages = messages.to_vec();
    messages.push(call::message("user", text));
    Map::from_iter([("messages".to_owned(), messages.into())])
}

/// What the user says next, all lines of it; `None` at the end.
fn turn(lines: &mut Lines, runtime: &Runtime) -> Outcome<Option<String>> {
    loop {
        let Some(line) = lines.next("> ", runtime)? else { return Ok(None) };
        match line.trim() {
            "" => {}
            "exit" | "quit" => return Ok(None),
            word => match end_of_multi(word) {
                Some(end) => return several(lines, &end, runtime).map(Some),
                None => return Ok(Some(line)),
            },
        }
    }
}

/// `!multi` ends at `!end`, `!multi word` at `!end word`.
fn end_of_multi(line: &str) -> Option<String> {
    let rest = line.strip_prefix("!multi")?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| format!("!end {}", rest.trim()).trim().to_owned())
}

fn several(lines: &mut Lines, end: &str, runtime: &Runtime) -> Outcome<String> {
    let mut text = Vec::new();
    while let Some(line) = lines.next(". ", runtime)? {
        if line.trim() == end {
            break;
        }
        text.push(line);
    }
    Ok(text.join("\n"))
}

enum Lines {
    Terminal { editor: Box<DefaultEditor>, history: PathBuf },
    Piped,
}

impl Lines {
    fn open() -> Outcome<Self> {
        if !std::io::stdin().is_terminal() {
            return Ok(Lines::Piped);
        }
        let history = config::config_dir().join("chat_history");
        let settings = rustyline::Config::builder().auto_add_history(true).build();
        let mut editor = DefaultEditor::with_config(settings).map_err(|error| broken(&error))?;
        // No history yet, or one that cannot be read: neither keeps anybody from chatting.
        let _ = editor.load_history(&history);
        Ok(Lines::Terminal { editor: Box::new(editor), history })
    }

    fn is_terminal(&self) -> bool {
        matches!(self, Lines::Terminal { .. })
    }

    fn next(&mut self, prompt: &str, runtime: &Runtime) -> Outcome<Option<String>> {
        match self {
            Lines::Terminal { editor, .. } => edited(editor, prompt),
            Lines::Piped => runtime.block_on(or_interrupt(piped())),
        }
    }

    fn close(self) {
        if let Lines::Terminal { mut editor, history } = self {
            let saved = history.parent().map_or(Ok(()), std::fs::create_dir_all);
            // A history that cannot be kept is no reason to fail at the end of a conversation.
            let _ = saved.map(|()| editor.save_history(&history));
        }
    }
}

fn edited(editor: &mut DefaultEditor, prompt: &str) -> Outcome<Option<String>> {
    loop {
        match editor.readline(prompt) {
            Ok(line) => return Ok(Some(line)),
            // Ctrl-C at the prompt throws the line away.
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => return Ok(None),
            Err(error) => return Err(broken(&error).into()),
        }
    }
}

/// Reads beside the runtime, so that Ctrl-C is heard while nothing comes.
async fn piped() -> Outcome<Option<String>> {
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|length| (length > 0).then_some(line))
    });
    let line = read.await.map_err(|error| broken(&error))?.map_err(|error| broken(&error))?;
    Ok(line.map(|line| line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn broken(error: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::InvalidRequest, format!("cannot read the standard input: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use antiphon::config::Config;
    use antiphon::keys::KeyStore;
    use serde_json::json;

    fn mocked(mock: &str) -> CallArgs {
        let options = ["mock_response", mock].map(str::to_owned).to_vec();
        CallArgs { options, system: Some("be brief".into()), ..CallArgs::default() }
    }

    #[test]
    fn a_conversation_grows_by_what_was_answered() {
        let folder = tempfile::tempdir().unwrap();
        let (args, failing) = (mocked("yes"), mocked("antiphon.RateLimitError"));
        let mut chat = Chat {
            args: &args,
            client: Client::with_config(Config::default(), KeyStore::new(folder.path())).unwrap(),
            model: "local/x".into(),
            messages: call::opening(&args),
            runtime: runtime::start().unwrap(),
        };
        chat.answer("one", &mut Printer::silent()).unwrap();
        chat.args = &failing;
        chat.answer("two", &mut Printer::silent()).unwrap_err();
        let roles = [("system", "be brief"), ("user", "one"), ("assistant", "yes")];
        let expected = roles.map(|(role, content)| json!({"role": role, "content": content}));
        assert_eq!(chat.messages, expected);
    }

    #[test]
    fn multi_names_its_end() {
        assert_eq!(end_of_multi("!multi").as_deref(), Some("!end"));
        assert_eq!(end_of_multi("!multi abc").as_deref(), Some("!end abc"));
        assert_eq!(end_of_multi("!multiple"), None);
    }
}
