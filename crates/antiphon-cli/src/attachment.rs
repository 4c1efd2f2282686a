//! `-a`: files that go along as parts of the user's message.
//!
//! The type of a file is taken from its first bytes, else from its name. Images go as `data:` URLs, sound
//! as WAV or MP3 data, anything else as a document. An address goes as an image's, for the provider to fetch.

use antiphon::{Error, Kind, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::args::{PromptArgs, pairs};
use crate::input::{Stdin, unreadable};

/// The parts for everything that is attached.
pub(crate) fn read_all(args: &PromptArgs, stdin: &mut Stdin) -> Result<Vec<Value>> {
    let plain = args.attachments.iter().map(|name| (name.as_str(), None));
    let typed = pairs(&args.typed_attachments).map(|(name, kind)| (name, Some(kind)));
    plain.chain(typed).map(|(name, kind)| read(name, kind, stdin)).collect()
}

fn read(name: &str, kind: Option<&str>, stdin: &mut Stdin) -> Result<Value> {
    if name.starts_with("https://") || name.starts_with("http://") {
        return Ok(json!({"type": "image_url", "image_url": {"url": name}}));
    }
    let bytes = match name {
        "-" => stdin.take()?,
        _ => std::fs::read(name).map_err(|error| unreadable(name, &error))?,
    };
    let kind = kind.or_else(|| kind_of_bytes(&bytes)).or_else(|| kind_of_name(name));
    kind.map(|kind| part(name, kind, &bytes)).ok_or_else(|| {
        Error::new(Kind::InvalidRequest, format!("cannot tell what type {name} is of"))
            .hint(format!("text goes with -f {name}, anything else with --at {name} TYPE"))
    })
}

fn part(name: &str, kind: &str, bytes: &[u8]) -> Value {
    let data = STANDARD.encode(bytes);
    if kind.starts_with("image/") {
        return json!({"type": "image_url", "image_url": {"url": format!("data:{kind};base64,{data}")}});
    }
    match kind {
        "audio/wav" | "audio/x-wav" => {
            json!({"type": "input_audio", "input_audio": {"data": data, "format": "wav"}})
        }
        "audio/mpeg" | "audio/mp3" => {
            json!({"type": "input_audio", "input_audio": {"data": data, "format": "mp3"}})
        }
        _ => {
            let data = format!("data:{kind};base64,{data}");
            let name = std::path::Path::new(name).file_name().unwrap_or_default().to_string_lossy();
            json!({"type": "file", "file": {"file_data": data, "filename": name}})
        }
    }
}

/// What files of a type begin with.
const MAGIC: &[(&[u8], &str)] = &[
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
];

fn kind_of_bytes(bytes: &[u8]) -> Option<&'static str> {
    let magic = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, kind)| *kind);
    magic.or_else(|| match (bytes.get(..4), bytes.get(8..12)) {
        (Some(b"RIFF"), Some(b"WEBP")) => Some("image/webp"),
        (Some(b"RIFF"), Some(b"WAVE")) => Some("audio/wav"),
        _ => None,
    })
}

/// Types that have no sure beginning.
const SUFFIXES: &[(&str, &str)] = &[
    ("svg", "image/svg+xml"),
    ("mp3", "audio/mpeg"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
];

fn kind_of_name(name: &str) -> Option<&'static str> {
    let suffix = name.rsplit_once('.')?.1.to_ascii_lowercase();
    SUFFIXES.iter().find(|(known, _)| *known == suffix).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_become_parts() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let part = |name: &str| read(name, None, &mut Stdin::default());
        let png = part(&write("a.bin", b"\x89PNG\r\n\x1a\nrest")).unwrap();
        assert_eq!(png["image_url"]["url"], "data:image/png;base64,iVBORw0KGgpyZXN0");
        let wav = part(&write("a.wav", b"RIFF1234WAVEdata")).unwrap();
        assert_eq!(wav["input_audio"]["format"], "wav");
        let pdf = part(&write("a.pdf", b"%PDF-1.7")).unwrap();
        assert_eq!(
            pdf["file"],
            json!({"file_data": "data:application/pdf;base64,JVBERi0xLjc=", "filename": "a.pdf"})
        );
        let url = part("https://example.com/cat.png").unwrap();
        assert_eq!(url["image_url"]["url"], "https://example.com/cat.png");

        let error = part(&write("notes.txt", b"notes")).unwrap_err();
        assert!(error.advice().unwrap().starts_with("text goes with -f "), "{error}");
        let error = part("/no/such/file.png").unwrap_err();
        assert_eq!(error.kind(), Kind::NotFound);
    }
}
