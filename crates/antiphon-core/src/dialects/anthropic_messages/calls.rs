//! The calls of an answer that is streamed, one block after the other.
//!
//! Other providers may give the pieces of several calls by turns, and this API has one block at a time. A call
//! begins with its first piece of input, when all that stands in its head is known. It ends when its input is
//! whole and another call waits; the pieces of that one are kept until then.

use serde::de::IgnoredAny;
use serde_json::Value;

use super::answer::{call_id, tool_use};
use super::events::{Blocks, Open};
use crate::ToolCall;

/// What names a call: its index, or that it is one in the older form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Key {
    Call(u32),
    Function,
}

/// The calls in the order in which they appeared.
#[derive(Default)]
pub(super) struct Calls {
    calls: Vec<Call>,
    /// The first that has not ended.
    current: usize,
}

struct Call {
    key: Key,
    call: ToolCall,
    /// How much of the input was written.
    written: usize,
}

impl Calls {
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Takes in a field of a call.
    pub(super) fn set(&mut self, key: Key, name: &str, value: &Value) {
        let call = self.call(key);
        match (name, value) {
            ("id", Value::String(id)) => call.id.clone_from(id),
            ("name", Value::String(name)) => call.function.name.clone_from(name),
            // Its kind is that of the block.
            ("id" | "name" | "type", _) => {}
            (name, value) => drop(call.extra.insert(name.to_owned(), value.clone())),
        }
    }

    /// Takes in a piece of input and writes what can be written.
    pub(super) fn push(
        &mut self,
        key: Key,
        piece: &str,
        answer: &str,
        blocks: &mut Blocks,
        out: &mut Vec<u8>,
    ) {
        self.call(key).function.arguments.push_str(piece);
        self.write(false, answer, blocks, out);
    }

    /// Whether something else may stand next: no call is in the middle of its input.
    pub(super) fn make_room(&mut self) -> bool {
        match self.calls.get(self.current) {
            Some(call) if call.written > 0 => {
                let whole = call.is_whole();
                self.current += usize::from(whole);
                whole
            }
            _ => true,
        }
    }

    /// Writes what is left.
    pub(super) fn finish(&mut self, answer: &str, blocks: &mut Blocks, out: &mut Vec<u8>) {
        self.write(true, answer, blocks, out);
    }

    fn write(&mut self, last: bool, answer: &str, blocks: &mut Blocks, out: &mut Vec<u8>) {
        while let Some(call) = self.calls.get_mut(self.current) {
            let input = &call.call.function.arguments;
            if call.written == 0 && (last || !input.is_empty()) {
                let mut head = tool_use(&call.call, &call_id(&call.call.id, answer, self.current));
                head.insert("input".into(), serde_json::json!({}));
                blocks.begin(Open::Call, &Value::Object(head), out);
            }
            if input.len() > call.written {
                blocks.delta("input_json_delta", "partial_json", &input[call.written..], out);
                call.written = input.len();
            }
            let ends = last || (self.current + 1 < self.calls.len() && self.calls[self.current].is_whole());
            if !ends {
                return;
            }
            blocks.end(out);
            self.current += 1;
        }
    }

    fn call(&mut self, key: Key) -> &mut ToolCall {
        let at = self.calls.iter().position(|call| call.key == key).unwrap_or_else(|| {
            self.calls.push(Call { key, call: ToolCall::default(), written: 0 });
            self.calls.len() - 1
        });
        &mut self.calls[at].call
    }
}

impl Call {
    fn is_whole(&self) -> bool {
        serde_json::from_str::<IgnoredAny>(&self.call.function.arguments).is_ok()
    }
}
