//! The file beside the output, `OUT.state`: which batch the output is of, and which rows were sent.
//!
//! Its first line says what the output is made from; a byte for each row follows, 1 once the row was sent. A row
//! that was sent and has no line in the output was in flight when the run died. Once every row is done, only the
//! first line stays. The file is locked while a run writes, and the lock ends with the process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use antiphon_core::{Error, Kind, Result};
use serde::{Deserialize, Serialize};

use super::rows::Rows;

/// What an output is made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Identity {
    /// Of this file's form.
    pub(super) antiphon_batch: u32,
    pub(super) rows: u64,
    /// Digest of the rows.
    pub(super) input: String,
    /// The model of rows that name none, or of all.
    pub(super) model: String,
    /// Digest of what else shapes the answers.
    pub(super) options: String,
}

pub(super) struct Ledger {
    file: File,
    /// Where the marks begin.
    marks: u64,
    /// Whether the output is to be gone on with.
    pub(super) goes_on: bool,
}

/// The file beside that output.
pub(super) fn beside(output: &Path) -> PathBuf {
    with_ending(output, ".state")
}

/// The output's path with something behind its name.
pub(super) fn with_ending(output: &Path, ending: &str) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

impl Ledger {
    /// Opens the ledger of an output, and refuses one that is of something else.
    pub(super) fn open(output: &Path, identity: &Identity) -> Result<Self> {
        let path = beside(output);
        let cannot = |error: io::Error| cannot_write(&path, &error);
        let has_output = match output.metadata() {
            Ok(found) if found.is_file() => found.len() > 0,
            Ok(_) => return Err(refused(output, "is no file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(cannot_write(output, &error)),
        };
        if has_output && !path.exists() {
            return Err(refused(output, "is not the output of a batch (it has no .state beside it)"));
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path).map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(refused(output, "is being written by another batch that runs now"));
            }
            // A file system without locks: then nobody is kept out.
            Err(TryLockError::Error(_)) => {}
        }
        let mut line = String::new();
        // One that is no text is none of ours.
        let is_text = BufReader::new(&file).take(1 << 16).read_line(&mut line).is_ok();
        let found = serde_json::from_str::<Identity>(&line).ok().filter(|_| is_text && line.ends_with('\n'));
        let goes_on = match found {
            Some(found) if found == *identity => output.exists(),
            Some(found) if has_output => return Err(another(output, &found, identity)),
            None if has_output => return Err(refused(output, "has a .state beside it that is not readable")),
            _ => false,
        };
        let mut ledger = Self { file, marks: line.len() as u64, goes_on };
        if !goes_on {
            ledger.begin(identity).map_err(cannot)?;
        }
        Ok(ledger)
    }

    fn begin(&mut self, identity: &Identity) -> io::Result<()> {
        let mut line = serde_json::to_vec(identity)?;
        line.push(b'\n');
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&line)?;
        self.marks = line.len() as u64;
        Ok(())
    }

    /// Notes that a row is sent now.
    pub(super) fn sent(&mut self, index: u64) -> io::Result<()> {
        self.put(index, 1)
    }

    /// Notes that a row is to be sent as if for the first time.
    pub(super) fn forget(&mut self, index: u64) -> io::Result<()> {
        self.put(index, 0)
    }

    fn put(&mut self, index: u64, mark: u8) -> io::Result<()> {
        write_at(&mut self.file, &[mark], self.marks + index)
    }

    /// How many rows were sent and are not done.
    pub(super) fn in_flight(&mut self, done: &Rows) -> io::Result<u64> {
        self.file.seek(SeekFrom::Start(self.marks))?;
        let mut count = 0;
        for (index, mark) in BufReader::new(&self.file).bytes().enumerate() {
            if mark? != 0 && !done.has(index as u64) {
                count += 1;
            }
        }
        Ok(count)
    }

    /// Every row is done: what was sent is of no interest any more.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.file.set_len(self.marks)
    }
}

/// Writes at a place of a file.
pub(super) fn write_at(file: &mut File, bytes: &[u8], place: u64) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::write_all_at(file, bytes, place);
    #[cfg(not(unix))]
    return file.seek(SeekFrom::Start(place)).and_then(|_| file.write_all(bytes));
}

fn another(output: &Path, found: &Identity, asked: &Identity) -> Error {
    let what = if found.input != asked.input {
        "is of another input".to_owned()
    } else if found.model != asked.model {
        format!("is of another model, {}", found.model)
    } else if found.options != asked.options {
        "is of other options (system prompt or parameters)".to_owned()
    } else {
        "was written by another version of antiphon".to_owned()
    };
    refused(output, &what)
}

fn refused(output: &Path, why: &str) -> Error {
    let message = format!("the output {} {why}; it is left as it is", output.display());
    Error::new(Kind::InvalidRequest, message).hint("name another output, or remove this one and its .state")
}

/// An output that cannot be written.
pub(super) fn cannot_write(path: &Path, error: &io::Error) -> Error {
    let message = format!("cannot write {}: {error}", path.display());
    let error = Error::new(Kind::Config, message);
    error.hint("what is written is safe; once it can be written again, the same command goes on")
}
