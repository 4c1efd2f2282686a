//! The prompt: files of `-f`, then what is piped in, then the words of the command line, with an empty
//! line between them.

use std::io::{ErrorKind, IsTerminal, Read};
use std::path::Path;

use antiphon::{Error, Kind, Result};
use serde_json::Value;

use crate::args::PromptArgs;
use crate::attachment;

/// The content of the user's message; `None` where nothing was given at all.
pub(crate) fn content(args: &PromptArgs) -> Result<Option<Value>> {
    let mut stdin = Stdin::default();
    let mut pieces = Vec::new();
    for path in &args.fragments {
        pieces.push(fragment(path, &mut stdin)?);
    }
    let attachments = attachment::read_all(args, &mut stdin)?;
    pieces.extend(stdin.piped_text()?);
    pieces.push(args.prompt.join(" "));
    let text = joined(pieces);
    Ok(match (text.is_empty(), attachments.is_empty()) {
        (true, true) => None,
        (_, true) => Some(text.into()),
        (is_empty, false) => {
            let text = (!is_empty).then(|| serde_json::json!({"type": "text", "text": text}));
            Some(text.into_iter().chain(attachments).collect::<Vec<_>>().into())
        }
    })
}

fn joined(pieces: Vec<String>) -> String {
    let pieces = pieces.iter().map(|piece| piece.trim_end_matches(['\r', '\n']));
    pieces.filter(|piece| !piece.trim().is_empty()).collect::<Vec<_>>().join("\n\n")
}

/// The text of a file; `-` is the standard input.
pub(crate) fn fragment(path: &Path, stdin: &mut Stdin) -> Result<String> {
    if path.as_os_str() == "-" {
        return as_text(stdin.take()?, "the standard input");
    }
    let name = path.display().to_string();
    as_text(std::fs::read(path).map_err(|error| unreadable(&name, &error))?, &name)
}

fn as_text(bytes: Vec<u8>, name: &str) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| {
        Error::new(Kind::InvalidRequest, format!("{name} is not text in UTF-8"))
            .hint("an image, sound or document goes along with -a FILE")
    })
}

/// An error of a file that was named on the command line.
pub(crate) fn unreadable(name: &str, error: &std::io::Error) -> Error {
    let kind = match error.kind() {
        ErrorKind::NotFound => Kind::NotFound,
        _ => Kind::InvalidRequest,
    };
    Error::new(kind, format!("cannot read {name}: {error}"))
}

/// The standard input, which can be read once.
#[derive(Default)]
pub(crate) struct Stdin {
    is_taken: bool,
}

impl Stdin {
    /// All of it, for the option that asks for it with `-`.
    pub(crate) fn take(&mut self) -> Result<Vec<u8>> {
        if std::mem::replace(&mut self.is_taken, true) {
            return Err(Error::new(Kind::InvalidRequest, "`-` is given twice, and can be read once"));
        }
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(|error| unreadable("the standard input", &error))?;
        Ok(bytes)
    }

    /// What is piped in, where nobody has taken it.
    pub(crate) fn piped_text(&mut self) -> Result<Option<String>> {
        if self.is_taken || std::io::stdin().is_terminal() {
            return Ok(None);
        }
        as_text(self.take()?, "the standard input").map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_stand_apart_by_an_empty_line() {
        let join = |pieces: &[&str]| joined(pieces.iter().map(|piece| (*piece).to_owned()).collect());
        assert_eq!(join(&["a file\r\n", "piped\n\n", "the prompt"]), "a file\n\npiped\n\nthe prompt");
        assert_eq!(join(&["\n", "  indented"]), "  indented");
        assert_eq!(join(&["", " \n"]), "");
    }
}
