//! The shape of a message and of the events of a stream, read in one pass.
//!
//! Content blocks are kept as JSON, for they may have to be given back as they came; what comes often, the
//! pieces of a stream, is borrowed.

use serde_json::{Map, Value};

use crate::dialects::wire::{Text, object};

object! {
    /// One event of a stream.
    StreamEvent {
        "type" => kind: Text<'a>,
        "message" => message: Option<Message<'a>>,
        "index" => index: Option<Value>,
        "content_block" => block: Option<Map<String, Value>>,
        "delta" => delta: Option<Delta<'a>>,
        "usage" => usage: Option<Map<String, Value>>,
        "error" => error: Option<Value>,
        "request_id" => request_id: Text<'a>,
    }
}

object! {
    /// A whole answer, or its beginning.
    Message {
        "type" => kind: Text<'a>,
        "id" => id: Text<'a>,
        "role" => role: Text<'a>,
        "model" => model: Text<'a>,
        "content" => content: Option<Vec<Map<String, Value>>>,
        "stop_reason" => stop_reason: Text<'a>,
        "stop_sequence" => stop_sequence: Text<'a>,
        "stop_details" => stop_details: Option<Value>,
        "usage" => usage: Option<Map<String, Value>>,
        "error" => error: Option<Value>,
        "request_id" => request_id: Text<'a>,
    }
}

object! {
    /// What is new in a block, or at the end of the message.
    Delta {
        "type" => kind: Text<'a>,
        "text" => text: Text<'a>,
        "thinking" => thinking: Text<'a>,
        "signature" => signature: Text<'a>,
        "partial_json" => partial_json: Text<'a>,
        "citation" => citation: Option<Value>,
        "stop_reason" => stop_reason: Text<'a>,
        "stop_sequence" => stop_sequence: Text<'a>,
        "stop_details" => stop_details: Option<Value>,
    }
}
