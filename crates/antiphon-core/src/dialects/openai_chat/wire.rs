//! The shape of a `chat.completion` and of a `chat.completion.chunk`, read in one pass.
//!
//! The two differ in `message` and `delta`, which hold the same fields, so one set of types reads both.

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::dialects::wire::{Text, object};

object! {
    /// A `chat.completion` or a chunk of one.
    Completion {
        "id" => id: Text<'a>,
        "object" => object: Text<'a>,
        "created" => created: Option<Value>,
        "model" => model: Text<'a>,
        "system_fingerprint" => system_fingerprint: Text<'a>,
        "service_tier" => service_tier: Text<'a>,
        "choices" => choices: Option<Vec<Choice<'a>>>,
        "usage" => usage: Option<Value>,
        "error" => error: Option<Value>,
        "obfuscation" => obfuscation: IgnoredAny,
    }
}

object! {
    /// A choice. What is large and mostly not there is boxed: a piece is moved several times while it is read.
    Choice {
        "index" => index: Option<Value>,
        "message" => message: Option<Box<Message<'a>>>,
        "delta" => delta: Option<Box<Message<'a>>>,
        "text" => text: Text<'a>,
        "finish_reason" => finish_reason: Text<'a>,
        "logprobs" => logprobs: Option<Value>,
        "error" => error: Option<Value>,
    }
}

object! {
    /// A message, or what is new in one.
    Message {
        "role" => role: Text<'a>,
        "content" => content: Text<'a>,
        "refusal" => refusal: Text<'a>,
        "reasoning_content" => reasoning_content: Text<'a>,
        "reasoning" => reasoning: Text<'a>,
        "tool_calls" => tool_calls: Option<Vec<ToolCall<'a>>>,
        "function_call" => function_call: Option<Box<Function<'a>>>,
        "audio" => audio: Option<Box<Audio<'a>>>,
    }
}

object! {
    /// A tool call, or a piece of one.
    ToolCall {
        "index" => index: Option<Value>,
        "id" => id: Text<'a>,
        "type" => kind: Text<'a>,
        "function" => function: Option<Function<'a>>,
        "custom" => custom: Option<Box<Function<'a>>>,
    }
}

object! {
    /// What is called, with what. A custom tool's argument is its `input`.
    Function {
        "name" => name: Text<'a>,
        "arguments" => arguments: Text<'a>,
        "input" => input: Text<'a>,
    }
}

object! {
    /// Sound, or a piece of it.
    Audio {
        "data" => data: Text<'a>,
        "transcript" => transcript: Text<'a>,
    }
}
