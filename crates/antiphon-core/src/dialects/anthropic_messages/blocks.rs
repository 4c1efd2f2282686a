//! The content blocks of an answer, as they begin, grow and end.
//!
//! A whole answer's blocks begin and end at once. Each is gathered as the wire would have given it whole, for
//! thinking must go back with its signature, and an answer that is more than thinking, text and calls must
//! go back as it was.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::wire::Delta;
use crate::dialects::answer::{malformed, text};
use crate::event::{Event, Path};
use crate::{Map, Result};

/// The blocks so far.
#[derive(Default)]
pub(super) struct Blocks {
    blocks: Vec<Block>,
    calls: u32,
    thinking: Vec<Value>,
    /// Characters of text so far: annotations count them.
    characters: usize,
}

struct Block {
    /// The wire's index.
    index: u64,
    kind: Kind,
    /// Its fields, but for text and thinking that are still growing.
    fields: Map,
    text: String,
    /// Pieces of the input's JSON.
    json: String,
    /// Where its text begins.
    start: usize,
    is_open: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Thinking,
    Redacted,
    /// With its place among the calls.
    Call(u32),
    Other,
}

impl Kind {
    /// The order in which a message of ours is sent. An answer of another order, or of other kinds, is kept
    /// block by block.
    fn rank(self) -> Option<u8> {
        match self {
            Kind::Thinking | Kind::Redacted => Some(0),
            Kind::Text => Some(1),
            Kind::Call(_) => Some(2),
            Kind::Other => None,
        }
    }
}

impl Blocks {
    /// A block begins; what it holds already is told.
    pub(super) fn open(&mut self, index: u64, mut fields: Map, out: &mut Vec<Event>) -> Result<()> {
        fields.retain(|_, value| !value.is_null());
        let kind = match fields.get("type").and_then(Value::as_str) {
            Some("text") => Kind::Text,
            Some("thinking") => Kind::Thinking,
            Some("redacted_thinking") => Kind::Redacted,
            Some("tool_use") => {
                self.calls += 1;
                Kind::Call(self.calls - 1)
            }
            Some(_) => Kind::Other,
            None => return Err(malformed(format!("content[{index}].type is missing"))),
        };
        if let Kind::Call(call) = kind {
            announce(call, &fields, out);
        }
        let (text, json, start) = (String::new(), String::new(), self.characters);
        let mut block = Block { index, kind, fields, text, json, start, is_open: true };
        let first = match kind {
            Kind::Text => block.fields.get_mut("text").map(Value::take),
            Kind::Thinking => block.fields.get_mut("thinking").map(Value::take),
            _ => None,
        };
        match first {
            None | Some(Value::Null) => {}
            Some(Value::String(first)) => self.characters += block.grow(first.into(), out),
            Some(_) => return Err(malformed(format!("content[{index}].text must be a string"))),
        }
        self.blocks.push(block);
        Ok(())
    }

    /// A block grows. A piece of a block that never began begins it, where it says enough.
    pub(super) fn delta(&mut self, index: Option<u64>, delta: Delta<'_>, out: &mut Vec<Event>) -> Result<()> {
        let at = self.blocks.iter().rposition(|block| index.is_none_or(|index| block.index == index));
        let at = match at {
            Some(at) => at,
            None => {
                let kind = match delta.kind.as_str() {
                    Some("text_delta") => "text",
                    Some("thinking_delta") => "thinking",
                    _ => return Err(malformed("a piece of a content block that did not begin".into())),
                };
                let fields = Map::from_iter([("type".to_owned(), kind.into())]);
                self.open(index.unwrap_or_default(), fields, out)?;
                self.blocks.len() - 1
            }
        };
        self.characters += self.blocks[at].delta(delta, out)?;
        Ok(())
    }

    /// A block ends.
    pub(super) fn close(&mut self, index: Option<u64>, out: &mut Vec<Event>) {
        let fits = |block: &&mut Block| block.is_open && index.is_none_or(|index| block.index == index);
        if let Some(block) = self.blocks.iter_mut().rev().find(fits) {
            close(block, &mut self.thinking, out);
        }
    }

    /// The message ends: what is open ends with it, and what was gathered is told.
    pub(super) fn end(&mut self, out: &mut Vec<Event>) {
        for block in self.blocks.iter_mut().filter(|block| block.is_open) {
            close(block, &mut self.thinking, out);
        }
        // An answer of nothing is an empty text, so that it can be sent back.
        if self.calls == 0 && !self.blocks.iter().any(|block| block.kind == Kind::Text) {
            out.push(Event::set_message(0, "content", ""));
        }
        if self.is_plain() {
            return;
        }
        let annotations: Vec<Value> = self.blocks.iter().flat_map(Block::annotations).collect();
        if !annotations.is_empty() {
            out.push(Event::set_message(0, "annotations", annotations));
        }
        let mut fields = Map::new();
        let cited: Vec<Value> = self.blocks.iter().filter_map(Block::citations).cloned().collect();
        if !cited.is_empty() {
            fields.insert("citations".into(), cited.into());
        }
        let blocks: Vec<Value> = self.blocks.drain(..).map(|block| Value::Object(block.fields)).collect();
        fields.insert("content_blocks".into(), blocks.into());
        out.push(Event::set_message(0, "provider_specific_fields", fields));
    }

    /// Whether thinking, text and calls say all of it.
    fn is_plain(&self) -> bool {
        let ranks: Option<Vec<u8>> = self.blocks.iter().map(|block| block.kind.rank()).collect();
        ranks.is_some_and(|ranks| ranks.is_sorted())
            && self.blocks.iter().all(|block| block.citations().is_none())
    }
}

impl Block {
    /// Appends to text or thinking. Gives the characters by which the content grew.
    fn grow(&mut self, text: Cow<'_, str>, out: &mut Vec<Event>) -> usize {
        self.text.push_str(&text);
        match self.kind {
            Kind::Text if text.is_empty() => {
                out.push(Event::set_message(0, "content", ""));
                0
            }
            Kind::Text => {
                let characters = text.chars().count();
                out.push(Event::text(text));
                characters
            }
            _ => {
                if !text.is_empty() {
                    out.push(Event::Reasoning { choice: 0, text: text.into_owned() });
                }
                0
            }
        }
    }

    fn delta(&mut self, delta: Delta<'_>, out: &mut Vec<Event>) -> Result<usize> {
        let mut grown = 0;
        for (name, piece) in [("text", delta.text), ("thinking", delta.thinking)] {
            let Some(piece) = text(piece, || format!("delta.{name}"))? else { continue };
            match (self.kind, name) {
                (Kind::Text, "text") | (Kind::Thinking, "thinking") => grown += self.grow(piece, out),
                _ => self.add(name.into(), piece.into_owned().into()),
            }
        }
        if let Some(signature) = text(delta.signature, || "delta.signature".into())? {
            self.fields.insert("signature".into(), signature.into_owned().into());
        }
        if let Some(piece) = text(delta.partial_json, || "delta.partial_json".into())? {
            self.json.push_str(&piece);
            if let Kind::Call(call) = self.kind
                && !piece.is_empty()
            {
                out.push(Event::Arguments { choice: 0, call, text: piece.into_owned() });
            }
        }
        if let Some(citation) = delta.citation {
            match self.fields.entry("citations").or_insert_with(|| json!([])) {
                Value::Array(citations) => citations.push(citation),
                other => *other = json!([citation]),
            }
        }
        delta.extra.into_iter().for_each(|(name, value)| self.add(name, value));
        Ok(grown)
    }

    /// A piece that is not known adds to the field of its name: strings append, other values replace.
    fn add(&mut self, name: String, value: Value) {
        match (self.fields.get_mut(&name), value) {
            (Some(Value::String(sofar)), Value::String(more)) => sofar.push_str(&more),
            (_, value) => {
                self.fields.insert(name, value);
            }
        }
    }

    fn citations(&self) -> Option<&Value> {
        let citations = self.fields.get("citations").filter(|_| self.kind == Kind::Text);
        citations.filter(|citations| citations.as_array().is_some_and(|list| !list.is_empty()))
    }

    /// Citations of pages of the web, as OpenAI tells them.
    fn annotations(&self) -> Vec<Value> {
        let citations = self.citations().and_then(Value::as_array).into_iter().flatten();
        let text = self.fields.get("text").and_then(Value::as_str).unwrap_or_default();
        let end = self.start + text.chars().count();
        citations
            .filter(|citation| citation["type"] == "web_search_result_location")
            .map(|citation| {
                json!({"type": "url_citation", "url_citation": {
                    "start_index": self.start, "end_index": end,
                    "title": citation["title"].as_str().unwrap_or_default(), "url": citation["url"],
                }})
            })
            .collect()
    }
}

/// A call begins: id, type, name, and what else the wire says of it.
fn announce(call: u32, fields: &Map, out: &mut Vec<Event>) {
    if let Some(id) = fields.get("id") {
        out.push(Event::set_call(0, call, "id", id.clone()));
    }
    out.push(Event::set_call(0, call, "type", "function"));
    for (name, value) in fields {
        if !matches!(name.as_str(), "type" | "id" | "input") {
            let path = Path::ToolCall(0, call, name.clone().into());
            out.push(Event::Set { path, value: value.clone() });
        }
    }
}

/// Puts a block together. A call without pieces has its input from the beginning.
fn close(block: &mut Block, thinking: &mut Vec<Value>, out: &mut Vec<Event>) {
    block.is_open = false;
    if let Kind::Call(call) = block.kind
        && block.json.is_empty()
    {
        let input = block.fields.entry("input").or_insert_with(|| json!({}));
        out.push(Event::Arguments { choice: 0, call, text: input.to_string() });
    }
    if !block.json.is_empty() {
        let json = std::mem::take(&mut block.json);
        let input = serde_json::from_str(&json).unwrap_or(Value::String(json));
        block.fields.insert("input".into(), input);
    }
    let text = std::mem::take(&mut block.text);
    match block.kind {
        Kind::Text => drop(block.fields.insert("text".into(), text.into())),
        Kind::Thinking => drop(block.fields.insert("thinking".into(), text.into())),
        _ => {}
    }
    if matches!(block.kind, Kind::Thinking | Kind::Redacted) {
        thinking.push(Value::Object(block.fields.clone()));
        out.push(Event::set_message(0, "thinking_blocks", thinking.as_slice()));
    }
}
