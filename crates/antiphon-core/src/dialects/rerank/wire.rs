//! The shape of ranked documents.

use serde::Deserialize;
use serde_json::Value;

use crate::Map;
use crate::dialects::wire::{Text, object};

object! {
    /// An answer.
    Results {
        "id" => id: Text<'a>,
        "object" => object: Text<'a>,
        "model" => model: Text<'a>,
        "results" => results: Option<Vec<Item>>,
        "usage" => usage: Option<Value>,
        "error" => error: Option<Value>,
    }
}

/// A document of it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Item {
    pub(super) index: Option<u32>,
    pub(super) relevance_score: Option<f64>,
    /// Its text, or an object with that.
    pub(super) document: Option<Value>,
    #[serde(flatten)]
    pub(super) extra: Map,
}
