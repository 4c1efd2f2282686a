//! The shape of ranked documents.

use serde_json::Value;

use crate::dialects::wire::{Text, object};

object! {
    /// An answer.
    Results {
        "id" => id: Text<'a>,
        "object" => object: Text<'a>,
        "model" => model: Text<'a>,
        "results" => results: Option<Vec<Item<'a>>>,
        "usage" => usage: Option<Value>,
        "error" => error: Option<Value>,
    }
}

object! {
    /// A document of it.
    Item {
        "index" => index: Option<u32>,
        "relevance_score" => relevance_score: Option<f64>,
        "document" => document: Option<Value>,
    }
}
