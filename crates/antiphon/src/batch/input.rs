//! The rows of a batch as they stand in its file: read line by line, never all at once.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use antiphon_core::{Error, Kind, Result};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::cache::hex;

/// How a file has its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A JSON value in each line.
    Json,
    /// A prompt in each line.
    Text,
}

/// A file of rows.
pub(super) struct Input {
    path: PathBuf,
    file: File,
    pub(super) form: Form,
}

/// What a first reading finds.
pub(super) struct Survey {
    pub(super) rows: u64,
    /// Of all rows, in order.
    pub(super) digest: String,
}

/// One row, as it was written.
pub(super) struct Line {
    /// Its place among the rows, from 0.
    pub(super) index: u64,
    /// Its place in the file, from 1.
    pub(super) number: u64,
    pub(super) bytes: Vec<u8>,
}

impl Input {
    /// Opens a file; one whose name ends in `.txt` has a prompt in each line.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let kind = |error: &io::Error| match error.kind() {
            io::ErrorKind::NotFound => Kind::NotFound,
            _ => Kind::InvalidRequest,
        };
        let file = File::open(path).and_then(|file| match file.metadata()?.is_dir() {
            true => Err(io::ErrorKind::IsADirectory.into()),
            false => Ok(file),
        });
        let file = file.map_err(|error| {
            Error::new(kind(&error), format!("cannot read the input {}: {error}", path.display()))
        })?;
        let is_text = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("txt"));
        Ok(Self { path: path.to_owned(), file, form: if is_text { Form::Text } else { Form::Json } })
    }

    /// Keeps what can be read only once in a file without a name, in that folder.
    pub(super) fn spool(mut from: impl Read, folder: &Path) -> Result<Self> {
        let path = PathBuf::from("the standard input");
        let spooled = tempfile::tempfile_in(folder).and_then(|mut file| {
            io::copy(&mut from, &mut file)?;
            Ok(file)
        });
        match spooled {
            Ok(file) => Ok(Self { path, file, form: Form::Json }),
            Err(error) => Err(Error::new(Kind::Config, format!("cannot keep the standard input: {error}"))),
        }
    }

    /// Its rows from the first one on.
    pub(super) fn lines(&self) -> Result<Lines<'_>> {
        let reader = self.file.try_clone().and_then(|mut file| {
            file.seek(SeekFrom::Start(0))?;
            Ok(BufReader::with_capacity(1 << 16, file))
        });
        let reader = reader.map_err(|error| self.unreadable(&error))?;
        Ok(Lines { input: self, reader, index: 0, number: 0 })
    }

    fn unreadable(&self, error: &io::Error) -> Error {
        Error::new(Kind::InvalidRequest, format!("cannot read {}: {error}", self.path.display()))
    }

    /// Counts the rows, digests them, and refuses two with the same `custom_id`. What is sorted out on the way
    /// goes to a file without a name in `folder`, so that memory does not grow with the rows.
    pub(super) fn survey(&self, folder: &Path) -> Result<Survey> {
        let mut lines = self.lines()?;
        let (mut digest, mut names) = (Sha256::new(), Names::default());
        let cannot_sort = |error: io::Error| {
            Error::new(Kind::Config, format!("cannot write to {}: {error}", folder.display()))
        };
        while let Some(line) = lines.next()? {
            digest.update(&line.bytes);
            digest.update(b"\n");
            if self.form == Form::Json
                && let Ok(Named { custom_id: Some(name) }) = serde_json::from_slice(&line.bytes)
            {
                names.add(&name, line.number, folder).map_err(cannot_sort)?;
            }
        }
        if let Some((first, second)) = names.duplicate().map_err(cannot_sort)? {
            let message = format_args!("is the same in line {first} and line {second} of the input");
            return Err(Error::invalid("custom_id", message).hint("each row needs one of its own, or none"));
        }
        let form = if self.form == Form::Text { "text" } else { "json" };
        digest.update(form);
        Ok(Survey { rows: lines.index, digest: hex(&digest.finalize().into()) })
    }
}

/// The rows of a file, in order. Empty lines are none.
pub(super) struct Lines<'a> {
    input: &'a Input,
    reader: BufReader<File>,
    index: u64,
    number: u64,
}

impl Lines<'_> {
    pub(super) fn next(&mut self) -> Result<Option<Line>> {
        loop {
            let mut bytes = Vec::new();
            let read = self.reader.read_until(b'\n', &mut bytes);
            if read.map_err(|error| self.input.unreadable(&error))? == 0 {
                return Ok(None);
            }
            self.number += 1;
            while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                bytes.pop();
            }
            if self.number == 1 && bytes.starts_with(b"\xef\xbb\xbf") {
                bytes.drain(..3);
            }
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            self.index += 1;
            return Ok(Some(Line { index: self.index - 1, number: self.number, bytes }));
        }
    }
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow, default)]
    custom_id: Option<Cow<'a, str>>,
}

/// How many names are compared at once: 1.5 MiB of them.
const AT_ONCE: u64 = 1 << 16;

/// Bytes of a name's digest, and of the line that it stands in.
const ENTRY: usize = 16 + 8;

/// Digests of the names, in a file.
#[derive(Default)]
struct Names {
    file: Option<BufWriter<File>>,
    count: u64,
}

impl Names {
    fn add(&mut self, name: &str, line: u64, folder: &Path) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(BufWriter::new(tempfile::tempfile_in(folder)?)),
        };
        self.count += 1;
        file.write_all(&Sha256::digest(name.as_bytes())[..16])?;
        file.write_all(&line.to_le_bytes())
    }

    /// The lines of two that are the same. Each turn compares those whose digests leave the same remainder.
    fn duplicate(self) -> io::Result<Option<(u64, u64)>> {
        let Some(file) = self.file else { return Ok(None) };
        let mut file = file.into_inner()?;
        let turns = u128::from(self.count.div_ceil(AT_ONCE));
        for turn in 0..turns {
            file.seek(SeekFrom::Start(0))?;
            let mut reader = BufReader::new(&mut file);
            let mut found = Vec::new();
            for _ in 0..self.count {
                let mut entry = [0; ENTRY];
                reader.read_exact(&mut entry)?;
                let (digest, line) = entry.split_at(16);
                let digest: [u8; 16] = digest.try_into().unwrap_or_default();
                let line = u64::from_le_bytes(line.try_into().unwrap_or_default());
                if u128::from_le_bytes(digest) % turns == turn {
                    found.push((digest, line));
                }
            }
            found.sort_unstable();
            if let Some(pair) = found.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                return Ok(Some((pair[0].1, pair[1].1)));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(text: &str) -> Input {
        Input::spool(text.as_bytes(), &std::env::temp_dir()).unwrap()
    }

    #[test]
    fn rows_are_lines_that_are_not_empty() {
        let input = input("\u{feff}\"a\"\r\n\n  \n\"b\"");
        let mut lines = input.lines().unwrap();
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push((line.index, line.number, String::from_utf8(line.bytes).unwrap()));
        }
        assert_eq!(found, [(0, 1, "\"a\"".to_owned()), (1, 4, "\"b\"".to_owned())]);
    }

    #[test]
    fn a_name_that_comes_twice_is_found_among_many() {
        let row = |name: u64| format!("{{\"custom_id\": \"row-{name}\", \"prompt\": \"hi\"}}\n");
        let many: String = (0..AT_ONCE * 2).map(row).collect();
        let folder = std::env::temp_dir();
        assert_eq!(input(&many).survey(&folder).unwrap().rows, AT_ONCE * 2);
        let error = input(&(many + &row(4711))).survey(&folder).err().unwrap();
        let last = AT_ONCE * 2 + 1;
        assert_eq!(
            error.message(),
            format!("custom_id: is the same in line 4712 and line {last} of the input")
        );
    }
}
