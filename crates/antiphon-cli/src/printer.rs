//! The only place that writes: answers to stdout, everything else to stderr.
//!
//! What goes to a terminal is escaped (see [`crate::escape`]) unless `--raw` is given; what goes to a file
//! or a pipe is data and stays as it is. Colours appear on a terminal only, and never with `NO_COLOR`.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use antiphon::Error;
use clap::builder::styling::{AnsiColor, Style};

use crate::escape::{escaped, escaped_line};
use crate::failure::Failure;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default();
const HEADING: Style = Style::new().bold();

pub(crate) struct Printer {
    out: Sink,
    err: Sink,
    raw: bool,
    /// Whether the last byte of stdout was a new line (or there was none).
    at_line_start: bool,
}

struct Sink {
    to: Box<dyn Write>,
    is_terminal: bool,
    has_colours: bool,
}

impl Printer {
    /// Writes to this process's stdout and stderr.
    pub(crate) fn of_process() -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let out = Sink {
            is_terminal: out.is_terminal(),
            has_colours: anstream::AutoStream::choice(&out) != anstream::ColorChoice::Never,
            to: Box::new(out),
        };
        let err = Sink {
            is_terminal: err.is_terminal(),
            has_colours: anstream::AutoStream::choice(&err) != anstream::ColorChoice::Never,
            to: Box::new(err),
        };
        Self { out, err, raw: false, at_line_start: true }
    }

    /// Writes to nobody.
    #[cfg(test)]
    pub(crate) fn silent() -> Self {
        let sink = || Sink { to: Box::new(io::sink()), is_terminal: false, has_colours: false };
        Self { out: sink(), err: sink(), raw: false, at_line_start: true }
    }

    /// Whether control characters of answers reach a terminal.
    pub(crate) fn set_raw(&mut self, raw: bool) {
        self.raw = raw;
    }

    /// A piece of an answer, shown at once.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let text = if self.out.is_terminal && !self.raw { escaped(text) } else { Cow::Borrowed(text) };
        self.at_line_start = text.ends_with('\n');
        self.out.to.write_all(text.as_bytes())?;
        self.out.to.flush()
    }

    /// Ends the line that an answer left open.
    pub(crate) fn end_line(&mut self) -> io::Result<()> {
        if self.at_line_start { Ok(()) } else { self.text("\n") }
    }

    /// A line of the command's own on stdout.
    pub(crate) fn line(&mut self, line: impl Display) -> io::Result<()> {
        self.text(&format!("{line}\n"))
    }

    /// A line above others.
    pub(crate) fn heading(&mut self, heading: &str) -> io::Result<()> {
        let line = format!("{}\n", painted(self.out.has_colours, HEADING, heading));
        self.out.to.write_all(line.as_bytes())
    }

    /// Text of the command's own that may hold colours: help.
    pub(crate) fn styled(&mut self, text: &clap::builder::StyledStr) -> io::Result<()> {
        let text = if self.out.has_colours { text.ansi().to_string() } else { text.to_string() };
        self.out.to.write_all(text.trim_end().as_bytes())?;
        self.out.to.write_all(b"\n")?;
        self.out.to.flush()
    }

    /// A line on stderr: what a user should know beside the answer.
    pub(crate) fn note(&mut self, note: impl Display) {
        let line = format!("antiphon: {}\n", escaped_line(&note.to_string()));
        self.complain(&line);
    }

    /// Whether somebody sits before stderr.
    pub(crate) fn has_reader(&self) -> bool {
        self.err.is_terminal
    }

    /// Says why the command failed, where there is something to say and somebody to say it to.
    pub(crate) fn failure(&mut self, failure: &Failure) {
        // An answer that was cut ends its line, so that what follows stands on its own.
        let _ = self.end_line();
        match failure {
            Failure::Error(error) => self.error(error),
            Failure::Usage(error) => self.usage(error),
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Failure::Output(error) => self.error_line(&format!("cannot write the output: {error}")),
            Failure::Interrupted | Failure::Rows => {}
        }
    }

    /// An error with its advice.
    pub(crate) fn error(&mut self, error: &Error) {
        self.error_line(error.message());
        let advice = error.advice().map(in_shell_words).unwrap_or_default();
        for line in advice.lines() {
            let line = format!("{} {}\n", painted(self.err.has_colours, HINT, "hint:"), escaped_line(line));
            self.complain(&line);
        }
    }

    fn error_line(&mut self, message: &str) {
        let name = painted(self.err.has_colours, ERROR, "antiphon:");
        self.complain(&format!("{name} {}\n", escaped_line(message)));
    }

    /// clap's own errors in the form of all others; help and version are no errors.
    fn usage(&mut self, error: &clap::Error) {
        if !error.use_stderr() {
            let _ = self.styled(&error.render());
            return;
        }
        let text = error.render().to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text).replace("\n  tip: ", "\nhint: ");
        let (message, rest) = text.split_once('\n').unwrap_or((&text, ""));
        self.error_line(message);
        let rest = escaped(rest).into_owned();
        self.complain(&rest);
    }

    /// There is nobody to tell that stderr cannot be written.
    fn complain(&mut self, text: &str) {
        let _ = self.err.to.write_all(text.as_bytes()).and_then(|()| self.err.to.flush());
    }
}

fn painted(has_colours: bool, style: Style, text: &str) -> String {
    if has_colours { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

/// Advice names parameters as a program passes them; a shell has options.
fn in_shell_words(advice: &str) -> String {
    let mut words = String::with_capacity(advice.len());
    let mut rest = advice;
    while let Some((before, after)) = rest.split_once("model=\"") {
        let Some((model, tail)) = after.split_once('"') else { break };
        words.push_str(before);
        words.push_str("-m ");
        words.push_str(model);
        rest = tail;
    }
    words.push_str(rest);
    words.replace("drop_params=True", "-o drop_params true").replace("api_key=…", "-o api_key …")
}

#[cfg(test)]
mod tests {
    use super::*;
    use antiphon::Kind;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Shared {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn printer(is_terminal: bool) -> (Printer, Shared, Shared) {
        let (out, err) = (Shared::default(), Shared::default());
        let sink = |to: &Shared| Sink { to: Box::new(to.clone()), is_terminal, has_colours: is_terminal };
        let printer = Printer { out: sink(&out), err: sink(&err), raw: false, at_line_start: true };
        (printer, out, err)
    }

    #[test]
    fn a_terminal_gets_no_control_characters_unless_raw() {
        let cases = [(true, false, "\\u001b[31m"), (true, true, "\x1b[31m"), (false, false, "\x1b[31m")];
        for (is_terminal, raw, expected) in cases {
            let (mut printer, out, _) = printer(is_terminal);
            printer.set_raw(raw);
            printer.text("\x1b[31m").unwrap();
            assert_eq!(out.text(), expected);
        }
    }

    #[test]
    fn a_line_is_ended_once() {
        let (mut printer, out, _) = printer(false);
        printer.end_line().unwrap();
        printer.text("one").unwrap();
        printer.end_line().unwrap();
        printer.end_line().unwrap();
        assert_eq!(out.text(), "one\n");
    }

    #[test]
    fn errors_are_escaped_and_advise_in_shell_words() {
        let (mut printer, out, err) = printer(false);
        let error = Error::new(Kind::NotFound, "no \x1b[31mmodel\nhere")
            .hint("did you mean model=\"local/a\"?\nor model=\"local/b\"?");
        printer.failure(&Failure::Error(error));
        assert_eq!(out.text(), "");
        assert_eq!(
            err.text(),
            "antiphon: no \\u001b[31mmodel\\nhere\nhint: did you mean -m local/a?\nhint: or -m local/b?\n"
        );
    }

    #[test]
    fn a_closed_pipe_is_quiet() {
        let (mut printer, _, err) = printer(true);
        printer.failure(&Failure::Output(io::ErrorKind::BrokenPipe.into()));
        assert_eq!(err.text(), "");
    }
}
