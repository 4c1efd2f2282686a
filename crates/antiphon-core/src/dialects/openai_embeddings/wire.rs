//! The shape of a list of embeddings, read in one pass: numbers go straight into the vectors.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::dialects::wire::{Text, object};

object! {
    /// A list of embeddings.
    List {
        "object" => object: Text<'a>,
        "id" => id: Text<'a>,
        "created" => created: Option<Value>,
        "model" => model: Text<'a>,
        "data" => data: Option<Vec<Item<'a>>>,
        "usage" => usage: Option<Value>,
        "error" => error: Option<Value>,
    }
}

object! {
    /// One of them.
    Item {
        "object" => object: Text<'a>,
        "index" => index: Option<u32>,
        "embedding" => embedding: Vector<'a>,
    }
}

/// A vector as the wire has it.
#[derive(Debug, Default)]
pub(super) enum Vector<'a> {
    /// Absent or null.
    #[default]
    None,
    /// Numbers.
    Numbers(Vec<f32>),
    /// Base64 of such.
    Base64(Cow<'a, str>),
    /// Vectors in other forms, by their names.
    Several,
}

impl<'de> Deserialize<'de> for Vector<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(VectorVisitor)
    }
}

struct VectorVisitor;

impl<'de> Visitor<'de> for VectorVisitor {
    type Value = Vector<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of numbers or base64")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Vector::Base64(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Vector::Base64(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vector::None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut numbers = Vec::new();
        while let Some(number) = seq.next_element()? {
            numbers.push(number);
        }
        Ok(Vector::Numbers(numbers))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
        Ok(Vector::Several)
    }
}
