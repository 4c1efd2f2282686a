//! The output: a line for each row, added as answers come, and put into the order of the input at the end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use antiphon_core::{Error, Kind, Result};

use super::ledger::{cannot_write, with_ending, write_at};
use super::row::Done;
use super::rows::Rows;

/// The file that answers are added to.
pub(super) struct Output {
    path: PathBuf,
    file: File,
    len: u64,
}

impl Output {
    /// Opens the output, at the end of its last whole line: one that a run left half written goes.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let cannot = |error: io::Error| cannot_write(path, &error);
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).open(path).map_err(cannot)?;
        let len = whole_lines(&mut file).map_err(cannot)?;
        if len < file.metadata().map_err(cannot)?.len() {
            file.set_len(len).map_err(cannot)?;
        }
        // What a run left that died while it sorted.
        let _ = fs::remove_file(sorting(path));
        Ok(Self { path: path.to_owned(), file, len })
    }

    /// Hands on each line that is there.
    pub(super) fn read(&self, rows: u64, mut take: impl FnMut(Done)) -> Result<()> {
        let cannot = |error: io::Error| cannot_write(&self.path, &error);
        let mut reader = BufReader::with_capacity(1 << 16, File::open(&self.path).map_err(cannot)?);
        let (mut line, mut number) = (Vec::new(), 0);
        loop {
            line.clear();
            if reader.read_until(b'\n', &mut line).map_err(cannot)? == 0 {
                return Ok(());
            }
            number += 1;
            match serde_json::from_slice::<Done>(&line).ok().filter(|done| done.index < rows) {
                Some(done) => take(done),
                None => {
                    let path = self.path.display();
                    let message = format!("line {number} of the output {path} is no row of this batch");
                    return Err(Error::new(Kind::InvalidRequest, message)
                        .hint("remove that line, and its row is sent again; or name another output"));
                }
            }
        }
    }

    /// Adds a line. One that does not fit is not begun.
    pub(super) fn add(&mut self, line: &[u8]) -> Result<()> {
        match self.file.write_all(line) {
            Ok(()) => {
                self.len += line.len() as u64;
                Ok(())
            }
            Err(error) => {
                // Where this fails, too, the next run does it.
                let _ = self.file.set_len(self.len);
                Err(cannot_write(&self.path, &error))
            }
        }
    }

    /// Writes the file anew in the order of the input, without the rows of `gone`; not at all where that
    /// changes nothing. Until the new one is whole, the old one stays.
    pub(super) fn sort(&mut self, rows: u64, gone: &Rows) -> Result<()> {
        self.try_sort(rows, gone).map_err(|error| {
            let _ = fs::remove_file(sorting(&self.path));
            cannot_write(&sorting(&self.path), &error)
        })
    }

    fn try_sort(&mut self, rows: u64, gone: &Rows) -> io::Result<()> {
        let folder = folder(&self.path);
        let mut places = Places::new(folder, rows)?;
        let (mut last, mut is_sorted) = (None, true);
        let mut reader = BufReader::with_capacity(1 << 16, File::open(&self.path)?);
        let (mut line, mut at) = (Vec::new(), 0);
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line)? as u64;
            if length == 0 {
                break;
            }
            let index = index_of(&line)?;
            is_sorted &= last.is_none_or(|last| last < index) && !gone.has(index);
            last = Some(index);
            places.put(index, at)?;
            at += length;
        }
        if is_sorted {
            return Ok(());
        }
        let path = sorting(&self.path);
        let mut to = BufWriter::with_capacity(1 << 16, File::create(&path)?);
        fs::set_permissions(&path, self.file.metadata()?.permissions())?;
        places.each(|index, place| {
            if gone.has(index) {
                return Ok(());
            }
            let now = reader.stream_position()?;
            reader.seek_relative(place as i64 - now as i64)?;
            line.clear();
            reader.read_until(b'\n', &mut line)?;
            to.write_all(&line)
        })?;
        let file = to.into_inner()?;
        file.sync_all()?;
        fs::rename(&path, &self.path)?;
        self.file = OpenOptions::new().read(true).append(true).open(&self.path)?;
        self.len = self.file.metadata()?.len();
        Ok(())
    }
}

/// The row of a line. It stands first in a line of ours, which need not be parsed for it.
fn index_of(line: &[u8]) -> io::Result<u64> {
    let digits = line.strip_prefix(b"{\"index\":").unwrap_or_default();
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let written = std::str::from_utf8(&digits[..length]).ok().and_then(|digits| digits.parse().ok());
    Ok(match written {
        Some(index) => index,
        None => serde_json::from_slice::<Done>(line)?.index,
    })
}

/// The folder that a file is in.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn sorting(path: &Path) -> PathBuf {
    with_ending(path, ".sorting")
}

/// How long the file is up to the end of its last whole line.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    let mut end = file.metadata()?.len();
    let mut piece = vec![0; 1 << 16];
    while end > 0 {
        let start = end.saturating_sub(piece.len() as u64);
        let read = &mut piece[..(end - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(read)?;
        if let Some(at) = read.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Where the line of each row begins: for many rows in a file, so that memory does not grow with them.
struct Places {
    file: File,
    rows: u64,
    /// Places of neighbours that are not in the file yet, and the first one's row.
    near: Vec<u8>,
    first: u64,
}

/// The place of a row that has no line.
const NOWHERE: u64 = 0;

/// How many neighbours are written together: rows come nearly in order.
const NEAR: u64 = 1 << 14;

impl Places {
    fn new(folder: &Path, rows: u64) -> io::Result<Self> {
        let file = tempfile::tempfile_in(folder)?;
        file.set_len(rows.next_multiple_of(NEAR) * 8)?;
        Ok(Self { file, rows, near: vec![0; (NEAR * 8) as usize], first: 0 })
    }

    fn put(&mut self, row: u64, place: u64) -> io::Result<()> {
        let first = row - row % NEAR;
        if first != self.first {
            self.write()?;
            self.file.seek(SeekFrom::Start(first * 8))?;
            self.file.read_exact(&mut self.near)?;
            self.first = first;
        }
        let at = ((row - first) * 8) as usize;
        self.near[at..at + 8].copy_from_slice(&(place + 1).to_le_bytes());
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        write_at(&mut self.file, &self.near, self.first * 8)
    }

    fn each(&mut self, mut take: impl FnMut(u64, u64) -> io::Result<()>) -> io::Result<()> {
        self.write()?;
        self.file.seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::with_capacity(1 << 16, &self.file);
        for row in 0..self.rows {
            let mut place = [0; 8];
            reader.read_exact(&mut place)?;
            match u64::from_le_bytes(place) {
                NOWHERE => {}
                place => take(row, place - 1)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(index: u64, text: &str) -> String {
        format!("{{\"index\":{index},\"text\":\"{text}\"}}\n")
    }

    #[test]
    fn a_torn_line_goes_and_the_rest_is_sorted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        let long = "x".repeat(200_000);
        let written = [line(2, &long), line(0, "a"), line(1, "b")].concat();
        fs::write(&path, format!("{written}{{\"index\":3,\"te{long}")).unwrap();
        let mut output = Output::open(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), written);
        let mut gone = Rows::none_of(4);
        gone.add(1);
        output.sort(4, &gone).unwrap();
        output.add(line(3, "c").as_bytes()).unwrap();
        output.sort(4, &Rows::none_of(4)).unwrap();
        let expected = [line(0, "a"), line(2, &long), line(3, "c")].concat();
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }
}
