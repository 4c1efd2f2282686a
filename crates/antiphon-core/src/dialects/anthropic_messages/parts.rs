//! Parts of a message become content blocks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::{Error, Map, Part, PartKind, Result};

/// How a PDF begins, in base64.
const PDF_START: &str = "JVBERi";

const PDF: &str = "application/pdf";

/// A block of text; none where there is nothing but white space, which the API refuses.
pub(super) fn text(text: &str, extra: &Map) -> Option<Value> {
    (!text.trim().is_empty()).then(|| with(json!({"type": "text", "text": text}), extra))
}

/// The block of a part; `path` names the part in errors. Fields beside the known ones (`cache_control`,
/// `citations`, …) go along.
pub(super) fn block(path: &str, part: &Part) -> Result<Option<Value>> {
    let block = match &part.kind {
        PartKind::Text { text } | PartKind::Refusal { refusal: text } => {
            return Ok(self::text(text, &part.extra));
        }
        PartKind::Image { url, format, .. } => {
            let path = format!("{path}.image_url.url");
            json!({"type": "image", "source": image(&path, url, format.as_deref())?})
        }
        PartKind::File { file_id, file_data, filename, format } => {
            let path = format!("{path}.file");
            let mut block = match (file_data, file_id) {
                (Some(data), _) => {
                    let path = format!("{path}.file_data");
                    file(&path, data, format.as_deref(), filename.as_deref())?
                }
                (None, Some(id)) if is_address(id) => address(id, format.as_deref()),
                (None, Some(id)) => {
                    json!({"type": kind_of(format.as_deref()), "source": {"type": "file", "file_id": id}})
                }
                (None, None) => return Err(Error::invalid(path, "needs file_id or file_data")),
            };
            if let Some(name) = filename.as_deref().filter(|_| block["type"] == "document") {
                block["title"] = name.into();
            }
            block
        }
        PartKind::InputAudio { .. } => {
            let field = format!("{path}.input_audio");
            return Err(Error::invalid(field, "sound is not taken by Anthropic's API"));
        }
        PartKind::Other(kind) => json!({"type": kind}),
    };
    Ok(Some(with(block, &part.extra)))
}

fn with(mut block: Value, extra: &Map) -> Value {
    if let Value::Object(block) = &mut block {
        block.extend(extra.clone());
    }
    block
}

fn is_address(text: &str) -> bool {
    ["https://", "http://"].into_iter().any(|scheme| text.starts_with(scheme))
}

fn image(path: &str, url: &str, format: Option<&str>) -> Result<Value> {
    if is_address(url) {
        return Ok(json!({"type": "url", "url": url}));
    }
    let Some(data) = DataUrl::parse(path, url)? else {
        return Err(Error::invalid(path, "must be an https: or a data: URL"));
    };
    let media_type = format.unwrap_or(data.media_type);
    Ok(json!({"type": "base64", "media_type": media_type, "data": data.base64}))
}

/// The block of a file by its address: an image where its type says so, else a document.
fn address(url: &str, format: Option<&str>) -> Value {
    json!({"type": kind_of(format), "source": {"type": "url", "url": url}})
}

fn kind_of(media_type: Option<&str>) -> &'static str {
    if media_type.is_some_and(|media_type| media_type.starts_with("image/")) { "image" } else { "document" }
}

fn file(path: &str, data: &str, format: Option<&str>, name: Option<&str>) -> Result<Value> {
    if is_address(data) {
        return Ok(address(data, format));
    }
    let (media_type, base64) = match DataUrl::parse(path, data)? {
        Some(url) => (format.unwrap_or(url.media_type), url.base64),
        None => (format.or_else(|| guess(data, name)).unwrap_or_default(), data),
    };
    if media_type == PDF || kind_of(Some(media_type)) == "image" {
        let source = json!({"type": "base64", "media_type": media_type, "data": base64});
        return Ok(json!({"type": kind_of(Some(media_type)), "source": source}));
    }
    if !media_type.starts_with("text/") {
        let problem = format_args!("must be a PDF, text or an image, got {media_type:?}");
        return Err(Error::invalid(path, problem).hint("say what it is in a data: URL, or as `format`"));
    }
    // Every text is plain text here.
    let bytes = BASE64.decode(base64).map_err(|_| Error::invalid(path, "must be base64"))?;
    let text = String::from_utf8(bytes).map_err(|_| Error::invalid(path, "must be UTF-8 text"))?;
    let source = json!({"type": "text", "media_type": "text/plain", "data": text});
    Ok(json!({"type": "document", "source": source}))
}

/// What bare base64 is, where nobody says it.
fn guess(data: &str, name: Option<&str>) -> Option<&'static str> {
    let ending = name.and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending.to_ascii_lowercase());
    match ending.as_deref() {
        _ if data.starts_with(PDF_START) => Some(PDF),
        Some("pdf") => Some(PDF),
        Some("txt" | "md" | "csv") => Some("text/plain"),
        _ => None,
    }
}

struct DataUrl<'a> {
    media_type: &'a str,
    base64: &'a str,
}

impl<'a> DataUrl<'a> {
    /// Reads `data:TYPE;base64,DATA`; nothing where it is no `data:` URL.
    fn parse(path: &str, url: &'a str) -> Result<Option<Self>> {
        let Some(rest) = url.strip_prefix("data:") else { return Ok(None) };
        let Some((head, base64)) = rest.split_once(',').filter(|(head, _)| head.ends_with(";base64")) else {
            return Err(Error::invalid(path, "must be base64 where it is a data: URL"));
        };
        let media_type = head.split(';').next().unwrap_or_default();
        Ok(Some(Self { media_type, base64 }))
    }
}
