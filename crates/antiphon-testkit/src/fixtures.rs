//! The cases under `fixtures/<dialect>/<case>/`.
//!
//! | file | is |
//! |---|---|
//! | `note.md` | where the shape comes from |
//! | `request.json` | a request, as antiphon takes it |
//! | `wire-request.json` | the body that the dialect must make of it |
//! | `body.json`, `body.txt` | a whole answer |
//! | `stream.sse` | the same answer, streamed |
//! | `response.json` | what both must fold into |
//! | `error.json` | what must go wrong instead: `kind`, `contains`, and optionally `status` (then `body` is an answer of that status, with `headers`), `code`, `param`, `request_id`, `partial` (the text before it) |
//!
//! Every file but the note is optional. `BLESS=1` writes the expectations anew, to be read before they are
//! committed.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// One folder.
#[derive(Debug, Clone)]
pub struct Case {
    /// Name of the dialect.
    pub dialect: String,
    /// Name of the case.
    pub name: String,
    folder: PathBuf,
}

/// Every case of every dialect, in order of name.
pub fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let mut cases = Vec::new();
    for dialect in folders(&root) {
        for folder in folders(&dialect) {
            cases.push(Case { dialect: name(&dialect), name: name(&folder), folder });
        }
    }
    cases
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut folders: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Case {
    /// A file's bytes, where it is there.
    pub fn bytes(&self, file: &str) -> Option<Vec<u8>> {
        std::fs::read(self.folder.join(file)).ok()
    }

    /// A file's JSON, where it is there.
    pub fn json(&self, file: &str) -> Option<Value> {
        let bytes = self.bytes(file)?;
        let value = serde_json::from_slice(&bytes);
        Some(value.unwrap_or_else(|error| panic!("{}/{}/{file}: {error}", self.dialect, self.name)))
    }

    /// The whole answer, under either of its names.
    pub fn body(&self) -> Option<Vec<u8>> {
        self.bytes("body.json").or_else(|| self.bytes("body.txt"))
    }

    /// The expectation in `file`, replaced by `actual` when expectations are being written.
    pub fn expected(&self, file: &str, actual: &Value) -> Option<Value> {
        if std::env::var_os("BLESS").is_some() {
            let text = format!("{actual:#}\n");
            std::fs::write(self.folder.join(file), text)
                .unwrap_or_else(|error| panic!("{}/{}/{file}: {error}", self.dialect, self.name));
        }
        self.json(file)
    }
}
