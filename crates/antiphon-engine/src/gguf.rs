//! The header of a GGUF file, read before llama.cpp sees it, so that a file that is none, or is cut, is one
//! clear line. Nothing of the weights is read.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

use antiphon_core::{Error, Kind, Result};
use llama_cpp_sys_2 as sys;

const MAGIC: &[u8; 4] = b"GGUF";

/// Whether the file starts as a GGUF file does.
pub fn is_gguf(path: &Path) -> bool {
    let mut magic = [0; 4];
    File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && &magic == MAGIC
}

/// Architectures that read text and write none: they give vectors.
const ENCODERS: &[&str] = &[
    "bert",
    "nomic-bert",
    "nomic-bert-moe",
    "jina-bert-v2",
    "jina-bert-v3",
    "neo-bert",
    "modern-bert",
    "eurobert",
    "gemma-embedding",
    "llama-embed",
];

/// Architectures whose encoder reads a prompt before their decoder writes.
const ENCODER_DECODERS: &[&str] = &["t5"];

/// Architectures that are half a model, or none of text.
const UNUSABLE: &[&str] = &["t5encoder", "clip", "wavtokenizer-dec"];

/// Whether models of that architecture read a prompt with an encoder, and write with a decoder.
pub(crate) fn is_encoder_decoder(architecture: &str) -> bool {
    ENCODER_DECODERS.contains(&architecture)
}

/// Whether models of that architecture read text and write none.
pub(crate) fn is_encoder(architecture: &str) -> bool {
    ENCODERS.contains(&architecture)
}

/// What the header says of the sizes of a model; 0 where it does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outline {
    /// Bytes of the file, and of those that it goes on in.
    pub(crate) size: u64,
    /// How many files the model is split into; 0 where it is one.
    splits: u16,
    pub(crate) architecture: String,
    /// Tokens of the vocabulary.
    pub(crate) vocabulary: u64,
    /// Whether its last layer sorts texts, or tells how well they answer.
    pub(crate) has_classifier: bool,
    /// What stands below the architecture's name: `block_count`, `context_length` and their like.
    numbers: HashMap<String, u64>,
}

impl Outline {
    /// That of a file of so many bytes, of which nothing else is asked.
    pub(crate) fn of_size(size: u64) -> Self {
        Self { size, ..Self::default() }
    }

    /// A number of the architecture, by its name there.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.numbers.get(name).copied()
    }
}

/// Checks that the file can be a model; what its header says comes back.
pub(crate) fn check(path: &Path) -> Result<Outline> {
    let shown = path.display();
    let wrong = |what: String| Error::new(Kind::LocalModel, what);
    let meta = std::fs::metadata(path).map_err(|error| wrong(format!("{shown}: {}", reason(&error))))?;
    if meta.is_dir() {
        return Err(wrong(format!("{shown}: is a directory, not a GGUF file")));
    }
    let file = File::open(path).map_err(|error| wrong(format!("{shown}: {}", reason(&error))))?;
    let mut reader = Header { file: BufReader::with_capacity(1 << 16, file), at: 0, size: meta.len() };
    match reader.read() {
        Ok(outline) if UNUSABLE.contains(&outline.architecture.as_str()) => {
            let architecture = outline.architecture;
            Err(wrong(format!("{shown}: a model of architecture {architecture:?} cannot generate text here")))
        }
        Ok(outline) => match further_bytes(path, outline.splits) {
            Ok(further) => Ok(Outline { size: outline.size + further, ..outline }),
            Err(what) => Err(wrong(format!("{shown}: {what}"))),
        },
        Err(what) => Err(wrong(format!("{shown}: {what}"))),
    }
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "no such file".into(),
        ErrorKind::PermissionDenied => "no permission to read it".into(),
        _ => error.to_string().to_lowercase(),
    }
}

/// Bytes of the other files of a model whose first file it is. llama.cpp finds them by their names; what it says of a
/// name that is no first file's is clear enough.
fn further_bytes(first: &Path, splits: u16) -> Parsed<u64> {
    let name = first.file_name().unwrap_or_default().to_string_lossy();
    let Some(stem) = name.strip_suffix(&format!("-00001-of-{splits:05}.gguf")) else { return Ok(0) };
    let mut bytes = 0;
    for place in 2..=splits {
        let name = format!("{stem}-{place:05}-of-{splits:05}.gguf");
        let meta = std::fs::metadata(first.with_file_name(&name)).map_err(|error| {
            format!("is the first of {splits} files, and beside it {name}: {}", reason(&error))
        })?;
        bytes += meta.len();
    }
    Ok(bytes)
}

struct Header {
    file: BufReader<File>,
    at: u64,
    size: u64,
}

/// What is wrong, in a line.
type Parsed<T> = std::result::Result<T, String>;

impl Header {
    /// Walks the header and the list of tensors.
    fn read(&mut self) -> Parsed<Outline> {
        let not_gguf = "is not a GGUF file".to_owned();
        if self.size < 24 || &self.bytes::<4>()? != MAGIC {
            return Err(not_gguf);
        }
        let version = self.u32()?;
        if version.swap_bytes() == 3 {
            return Err("is a GGUF file for big-endian machines".into());
        }
        if !(2..=3).contains(&version) {
            return Err(format!("is GGUF version {version}; versions 2 and 3 can be read"));
        }
        let tensors = self.u64()?;
        let values = self.u64()?;
        // The shortest entry of either list takes more bytes than this.
        if tensors.saturating_add(values) > self.size / 8 {
            return Err(self.cut());
        }
        let mut outline = Outline { size: self.size, ..Outline::default() };
        for _ in 0..values {
            let key = self.string()?;
            let kind = self.u32()?;
            match (key.as_str(), kind) {
                ("general.architecture", STRING) => outline.architecture = self.string()?,
                ("tokenizer.ggml.tokens", ARRAY) => outline.vocabulary = self.skip_array(0)?,
                ("split.count", UINT16) => outline.splits = u16::from_le_bytes(self.bytes()?),
                (_, UINT32) => {
                    let number = u64::from(self.u32()?);
                    outline.numbers.insert(key, number);
                }
                _ => self.skip_value(kind, 0)?,
            }
        }
        let alignment = outline.number("general.alignment").unwrap_or(32).max(1);
        outline.has_classifier = self.tensors(tensors, alignment)?;
        if outline.architecture.is_empty() {
            return Err("names no architecture in its metadata".into());
        }
        let prefix = format!("{}.", outline.architecture);
        let numbers = std::mem::take(&mut outline.numbers).into_iter();
        let own = numbers.filter_map(|(key, number)| Some((key.strip_prefix(&prefix)?.to_owned(), number)));
        outline.numbers = own.collect();
        Ok(outline)
    }

    /// The data of every tensor must lie within the file. Says whether those of a classifier are among them.
    fn tensors(&mut self, count: u64, alignment: u64) -> Parsed<bool> {
        let mut end = 0;
        let mut has_classifier = false;
        for _ in 0..count {
            let name = self.string()?;
            let dimensions = self.u32()?;
            if dimensions > 4 {
                return Err(format!("is damaged: a tensor has {dimensions} dimensions"));
            }
            let mut elements: u64 = 1;
            let mut rows: u64 = 1;
            for _ in 0..dimensions {
                rows = self.u64()?;
                elements = elements.saturating_mul(rows);
            }
            // Jina's have one layer, of one row; where there are two, the first is as wide as the model.
            has_classifier |= name == "cls.output.weight" || name == "cls.weight" && rows == 1;
            let kind = self.u32()?;
            let offset = self.u64()?;
            end = end.max(offset.saturating_add(tensor_bytes(kind, elements)?));
        }
        let data = self.at.next_multiple_of(alignment);
        let needed = data.saturating_add(end);
        if needed > self.size {
            return Err(format!("is cut: it has {} of {needed} bytes", self.size));
        }
        Ok(has_classifier)
    }

    fn skip_value(&mut self, kind: u32, depth: u32) -> Parsed<()> {
        match kind {
            0 | 1 | 7 => self.skip(1),
            2 | 3 => self.skip(2),
            4..=6 => self.skip(4),
            10..=12 => self.skip(8),
            STRING => {
                let length = self.u64()?;
                self.skip(length)
            }
            ARRAY if depth < 4 => self.skip_array(depth).map(drop),
            _ => Err(format!("is damaged: its metadata has a value of unknown type {kind}")),
        }
    }

    /// How many values the array had comes back.
    fn skip_array(&mut self, depth: u32) -> Parsed<u64> {
        let kind = self.u32()?;
        let count = self.u64()?;
        match fixed_size(kind) {
            Some(size) => self.skip(count.saturating_mul(size))?,
            None => (0..count).try_for_each(|_| self.skip_value(kind, depth + 1))?,
        }
        Ok(count)
    }

    fn skip(&mut self, bytes: u64) -> Parsed<()> {
        if bytes > self.size - self.at {
            return Err(self.cut());
        }
        self.at += bytes;
        self.file.seek_relative(bytes as i64).map_err(|error| error.to_string())
    }

    fn string(&mut self) -> Parsed<String> {
        let length = self.u64()?;
        if length > 1 << 16 {
            self.skip(length)?;
            return Ok(String::new());
        }
        if length > self.size - self.at {
            return Err(self.cut());
        }
        let mut bytes = vec![0; length as usize];
        self.fill(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn u32(&mut self) -> Parsed<u32> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Parsed<u64> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn bytes<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Parsed<()> {
        self.file.read_exact(bytes).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => self.cut(),
            _ => error.to_string(),
        })?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn cut(&self) -> String {
        format!("is cut or damaged: its header does not end within {} bytes", self.size)
    }
}

const UINT16: u32 = 2;
const UINT32: u32 = 4;
const STRING: u32 = 8;
const ARRAY: u32 = 9;

fn fixed_size(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

#[expect(unsafe_code, reason = "the sizes of tensor types are llama.cpp's")]
fn tensor_bytes(kind: u32, elements: u64) -> Parsed<u64> {
    let known = (0..sys::GGML_TYPE_COUNT).contains(&(kind as sys::ggml_type));
    // SAFETY: both functions index a table with a type that was just checked to be in it.
    let (block, size) = unsafe {
        match known {
            true => (sys::ggml_blck_size(kind as _), sys::ggml_type_size(kind as _)),
            false => (0, 0),
        }
    };
    if block <= 0 {
        return Err(format!("has tensors of type {kind}, which this version does not know"));
    }
    Ok((elements / block as u64).saturating_mul(size as u64))
}
