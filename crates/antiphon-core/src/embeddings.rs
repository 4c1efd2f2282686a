//! Vectors of texts, and how they are written.

use std::ops::Deref;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use serde::Deserialize;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;

use crate::{EncodingFormat, Map, Response, Usage};

/// A vector for each text, in the texts' order. Clones share the numbers.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(from = "Vec<Vec<f32>>")]
pub struct Embeddings(Arc<[Vec<f32>]>);

impl Embeddings {
    /// These vectors.
    pub fn new(vectors: Vec<Vec<f32>>) -> Self {
        Self(vectors.into())
    }
}

impl From<Vec<Vec<f32>>> for Embeddings {
    fn from(vectors: Vec<Vec<f32>>) -> Self {
        Self::new(vectors)
    }
}

impl Serialize for Embeddings {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.0.as_ref().serialize(serializer)
    }
}

impl Deref for Embeddings {
    type Target = [Vec<f32>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// A vector as base64 of 32-bit floats, the lowest byte first.
pub fn to_base64(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    STANDARD.encode(bytes)
}

/// The vector of such text; `None` where it is none.
pub fn from_base64(text: &str) -> Option<Vec<f32>> {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const ENGINE: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, CONFIG);
    let bytes = ENGINE.decode(text).ok()?;
    let (numbers, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// An answer as OpenAI's embeddings endpoint writes it.
pub(crate) struct List<'a> {
    pub(crate) response: &'a Response,
    pub(crate) format: EncodingFormat,
}

impl Serialize for List<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Response { id, created, model, embeddings, usage, extra, .. } = self.response;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("object", "list")?;
        if !id.is_empty() {
            map.serialize_entry("id", id)?;
        }
        if *created != 0 {
            map.serialize_entry("created", created)?;
        }
        let data = Data { embeddings: embeddings.as_deref().unwrap_or_default(), format: self.format };
        map.serialize_entry("data", &data)?;
        map.serialize_entry("model", model)?;
        if let Some(usage) = usage {
            map.serialize_entry("usage", &counts(usage))?;
        }
        extra.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
        map.end()
    }
}

/// Vectors cost no tokens of answer, and OpenAI's counts of them do not speak of any.
fn counts(usage: &Usage) -> Value {
    let mut counts = serde_json::json!(usage);
    if let Value::Object(map) = &mut counts
        && usage.completion_tokens == 0
    {
        map.shift_remove("completion_tokens");
    }
    counts
}

struct Data<'a> {
    embeddings: &'a [Vec<f32>],
    format: EncodingFormat,
}

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut data = serializer.serialize_seq(Some(self.embeddings.len()))?;
        for (index, vector) in self.embeddings.iter().enumerate() {
            data.serialize_element(&Item { index, vector, format: self.format })?;
        }
        data.end()
    }
}

struct Item<'a> {
    index: usize,
    vector: &'a [f32],
    format: EncodingFormat,
}

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("object", "embedding")?;
        map.serialize_entry("index", &self.index)?;
        match self.format {
            EncodingFormat::Float => map.serialize_entry("embedding", self.vector)?,
            EncodingFormat::Base64 => map.serialize_entry("embedding", &to_base64(self.vector))?,
        }
        map.end()
    }
}

/// The same as a JSON value.
pub(crate) fn to_json(response: &Response, format: EncodingFormat) -> Value {
    serde_json::to_value(List { response, format }).unwrap_or_else(|_| Value::Object(Map::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_of_floats() {
        let vector = vec![1.0, -0.5, f32::MIN_POSITIVE];
        assert_eq!(to_base64(&vector), "AACAPwAAAL8AAIAA");
        assert_eq!(from_base64("AACAPwAAAL8AAIAA"), Some(vector));
        for wrong in ["AACAPwA", "*", "AAC="] {
            assert_eq!(from_base64(wrong), None, "{wrong}");
        }
        assert_eq!(from_base64(""), Some(Vec::new()));
    }
}
