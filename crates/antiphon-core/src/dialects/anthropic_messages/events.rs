//! The events of a stream as bytes, with the bookkeeping of blocks: one is open at a time, and each has an
//! index.

use serde_json::{Value, json};

use crate::Map;

/// What kind of block is open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Open {
    Thinking,
    Text,
    Call,
}

/// Writes the blocks of one answer.
#[derive(Default)]
pub(super) struct Blocks {
    next: u64,
    open: Option<Open>,
}

impl Blocks {
    /// What is open.
    pub(super) fn open(&self) -> Option<Open> {
        self.open
    }

    /// Begins a block, after ending the one before.
    pub(super) fn begin(&mut self, kind: Open, block: &Value, out: &mut Vec<u8>) {
        self.end(out);
        self.open = Some(kind);
        self.start(block, out);
    }

    /// Begins text, unless it is open.
    pub(super) fn text(&mut self, out: &mut Vec<u8>) {
        if self.open != Some(Open::Text) {
            self.begin(Open::Text, &json!({"type": "text", "text": ""}), out);
        }
    }

    /// Begins thinking, unless it is open.
    pub(super) fn thinking(&mut self, out: &mut Vec<u8>) {
        if self.open != Some(Open::Thinking) {
            let block = json!({"type": "thinking", "thinking": "", "signature": ""});
            self.begin(Open::Thinking, &block, out);
        }
    }

    /// A piece of the block that is open: the kind of piece, its field and what that holds.
    pub(super) fn delta(&self, kind: &str, field: &str, piece: impl Into<Value>, out: &mut Vec<u8>) {
        let mut delta = Map::new();
        delta.insert("type".into(), kind.into());
        delta.insert(field.into(), piece.into());
        let event = json!({"type": "content_block_delta", "index": self.next, "delta": delta});
        event_bytes("content_block_delta", &event, out);
    }

    /// Ends the block that is open, if one is.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) {
        if self.open.take().is_some() {
            self.stop(out);
        }
    }

    /// Writes a block that is known whole, as it would have come in pieces.
    pub(super) fn whole(&mut self, block: &Value, out: &mut Vec<u8>) {
        let text = |name: &str| block[name].as_str().unwrap_or_default();
        let pieces: Vec<(&str, &str, Value)> = match block["type"].as_str() {
            Some("text") => {
                let citations = block["citations"].as_array().into_iter().flatten();
                let citations = citations.map(|citation| ("citations_delta", "citation", citation.clone()));
                citations.chain([("text_delta", "text", text("text").into())]).collect()
            }
            Some("thinking") => vec![
                ("thinking_delta", "thinking", text("thinking").into()),
                ("signature_delta", "signature", text("signature").into()),
            ],
            Some("tool_use") => match block["input"].as_object() {
                Some(input) if input.is_empty() => Vec::new(),
                Some(_) => vec![("input_json_delta", "partial_json", block["input"].to_string().into())],
                // What the model wrote was no object, and is given as it was.
                None => match &block["input"] {
                    Value::String(written) => {
                        vec![("input_json_delta", "partial_json", written.as_str().into())]
                    }
                    other => vec![("input_json_delta", "partial_json", other.to_string().into())],
                },
            },
            _ => Vec::new(),
        };
        self.end(out);
        self.start(&beginning(block), out);
        for (kind, field, piece) in pieces.into_iter().filter(|(.., piece)| *piece != "") {
            self.delta(kind, field, piece, out);
        }
        self.stop(out);
    }

    fn start(&self, block: &Value, out: &mut Vec<u8>) {
        let event = json!({"type": "content_block_start", "index": self.next, "content_block": block});
        event_bytes("content_block_start", &event, out);
    }

    fn stop(&mut self, out: &mut Vec<u8>) {
        event_bytes("content_block_stop", &json!({"type": "content_block_stop", "index": self.next}), out);
        self.next += 1;
    }
}

/// A block without what its pieces bring.
fn beginning(block: &Value) -> Value {
    let mut block = block.clone();
    match block["type"].as_str() {
        Some("text") => {
            block["text"] = "".into();
            if block["citations"].is_array() {
                block["citations"] = json!([]);
            }
        }
        Some("thinking") => {
            block["thinking"] = "".into();
            block["signature"] = "".into();
        }
        Some("tool_use") => block["input"] = json!({}),
        _ => {}
    }
    block
}

/// One event.
pub(super) fn event_bytes(name: &str, data: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    out.extend_from_slice(data.to_string().as_bytes());
    out.extend_from_slice(b"\n\n");
}
