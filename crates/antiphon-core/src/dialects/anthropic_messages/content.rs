//! Content blocks become parts of a message: the mirror of `parts`.
//!
//! A block that our parts have no word for (`search_result`, a document of blocks, …) is kept as it came.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use crate::json::{self, take, take_string};
use crate::message::without_nulls;
use crate::{Map, Part, PartKind, Result};

/// What an image is of that only its provider has: any kind of image.
const ANY_IMAGE: &str = "image/*";

/// Reads a block; `path` names it in errors. Fields beside the known ones (`cache_control`, …) are kept.
pub(super) fn part(path: &str, mut block: Map) -> Result<Part> {
    let kind = json::require_string(&mut block, "type", path)?;
    let kind = match kind.as_str() {
        "text" => PartKind::Text { text: json::require_string(&mut block, "text", path)? },
        "image" => image(path, &mut block)?,
        "document" => document(path, &mut block)?,
        _ => PartKind::Other(kind),
    };
    Ok(Part { kind, extra: without_nulls(block) })
}

/// Where a block's content is.
struct Source<'a> {
    path: &'a str,
    kind: String,
    fields: Map,
}

impl<'a> Source<'a> {
    fn take(path: &'a str, block: &mut Map) -> Result<Self> {
        let fields = take(block, "source").ok_or_else(|| json::missing(path, "source"))?;
        let at = format_args!("{path}.source");
        let mut fields = json::object(at, fields)?;
        let kind = json::require_string(&mut fields, "type", at)?;
        Ok(Self { path, kind, fields })
    }

    fn text(&mut self, name: &str) -> Result<String> {
        json::require_string(&mut self.fields, name, format_args!("{}.source", self.path))
    }

    fn data_url(&mut self) -> Result<String> {
        let (media_type, data) = (self.text("media_type")?, self.text("data")?);
        Ok(format!("data:{media_type};base64,{data}"))
    }

    /// Back to where it came from.
    fn put_back(mut self, block: &mut Map) {
        self.fields.shift_insert(0, "type".into(), self.kind.into());
        block.shift_insert(0, "source".into(), Value::Object(self.fields));
    }
}

fn image(path: &str, block: &mut Map) -> Result<PartKind> {
    let mut source = Source::take(path, block)?;
    let url = match source.kind.as_str() {
        "base64" => source.data_url()?,
        "url" => source.text("url")?,
        "file" => return Ok(uploaded(source.text("file_id")?, Some(ANY_IMAGE))),
        _ => {
            source.put_back(block);
            return Ok(PartKind::Other("image".into()));
        }
    };
    Ok(PartKind::Image { url, detail: None, format: None })
}

fn uploaded(id: String, format: Option<&str>) -> PartKind {
    let format = format.map(str::to_owned);
    PartKind::File { file_id: Some(id), file_data: None, filename: None, format }
}

fn document(path: &str, block: &mut Map) -> Result<PartKind> {
    let mut source = Source::take(path, block)?;
    let mut kind = match source.kind.as_str() {
        "base64" => inline(source.data_url()?),
        "text" => inline(format!("data:text/plain;base64,{}", BASE64.encode(source.text("data")?))),
        // Of all documents only PDFs are taken by address.
        "url" => uploaded(source.text("url")?, Some("application/pdf")),
        "file" => uploaded(source.text("file_id")?, None),
        _ => {
            source.put_back(block);
            return Ok(PartKind::Other("document".into()));
        }
    };
    if let PartKind::File { filename, .. } = &mut kind {
        *filename = take_string(block, "title", path)?;
    }
    Ok(kind)
}

fn inline(url: String) -> PartKind {
    PartKind::File { file_id: None, file_data: Some(url), filename: None, format: None }
}
