//! Answers as Python objects: instances of the classes in `_types.py`, whose fields are put straight into
//! their `__dict__`.

use antiphon::core::chunk::{ChunkChoice, Delta, ToolCallDelta};
use antiphon::core::usage::{CompletionTokensDetails, PromptTokensDetails};
use antiphon::core::{Logprobs, TokenLogprob};
use antiphon::{
    Choice, Chunk, Content, Facts, FunctionCall, Map, Message, Operation, Response, ToolCall, Usage,
};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyAny, PyDict, PyList, PyString, PyTuple, PyType};
use serde_json::Value;

type Object<'py> = PyResult<Bound<'py, PyAny>>;

/// Sets fields of a dict in order, each by an interned name.
macro_rules! fields {
    ($py:expr, $($name:literal: $value:expr),+ $(,)?) => {{
        let fields = PyDict::new($py);
        $(fields.set_item(intern!($py, $name), $value)?;)+
        fields
    }};
}

// Behind the macro that it uses.
mod endpoints;

pub(crate) use self::endpoints::{embeddings, ranking};

macro_rules! classes {
    ($($field:ident: $name:literal),+ $(,)?) => {
        /// The classes of `_types.py`, looked up once.
        struct Classes {
            /// `object.__new__`: an instance without its `__init__`, whose work is done here.
            new: Py<PyAny>,
            $($field: Class,)+
        }

        impl Classes {
            fn load(py: Python<'_>) -> PyResult<Self> {
                let module = py.import("antiphon._types")?;
                let class = |name: &str| Class::of(module.getattr(name)?.cast_into::<PyType>()?);
                Ok(Self {
                    new: py.get_type::<PyAny>().getattr("__new__")?.unbind(),
                    $($field: class($name)?,)+
                })
            }
        }
    };
}

classes! {
    object: "Object",
    response: "ModelResponse",
    choice: "Choices",
    message: "Message",
    tool_call: "ChatCompletionMessageToolCall",
    function: "Function",
    function_call: "FunctionCall",
    custom: "Custom",
    usage: "Usage",
    completion_details: "CompletionTokensDetailsWrapper",
    prompt_details: "PromptTokensDetailsWrapper",
    logprobs: "ChoiceLogprobs",
    token: "ChatCompletionTokenLogprob",
    top_token: "TopLogprob",
    audio: "ChatCompletionAudio",
    annotation: "Annotation",
    citation: "AnnotationURLCitation",
    chunk: "ModelResponseStream",
    chunk_choice: "StreamingChoices",
    delta: "Delta",
    call_delta: "ChatCompletionDeltaToolCall",
    attempt: "Attempt",
}

fn classes(py: Python<'_>) -> PyResult<&'static Classes> {
    static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();
    CLASSES.get_or_try_init(py, || Classes::load(py))
}

/// A class, as the arguments that `object.__new__` makes an instance of it from.
struct Class(Py<PyTuple>);

impl Class {
    fn of(class: Bound<'_, PyType>) -> PyResult<Self> {
        let py = class.py();
        Ok(Self(PyTuple::new(py, [class])?.unbind()))
    }

    fn class<'py>(&self, py: Python<'py>) -> Object<'py> {
        self.0.bind(py).get_item(0)
    }
}

fn make<'py>(class: &Class, fields: Bound<'py, PyDict>) -> Object<'py> {
    let py = fields.py();
    let object = classes(py)?.new.bind(py).call1(class.0.bind(py).clone())?;
    object.setattr(intern!(py, "__dict__"), fields)?;
    Ok(object)
}

/// The fields of one of our objects; `None` where it is none.
pub(crate) fn fields_of<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyDict>>> {
    let py = value.py();
    if !value.is_instance(&classes(py)?.object.class(py)?)? {
        return Ok(None);
    }
    Ok(Some(value.getattr(intern!(py, "__dict__"))?.cast_into()?))
}

/// One attempt of a call that failed.
pub(crate) fn attempt<'py>(py: Python<'py>, fields: Bound<'py, PyDict>) -> Object<'py> {
    make(&classes(py)?.attempt, fields)
}

/// A whole answer.
pub(crate) fn response<'py>(py: Python<'py>, response: &Response, facts: &Facts) -> Object<'py> {
    if response.operation == Operation::TextCompletion {
        return endpoints::text(py, response, facts);
    }
    let fields = fields! { py,
        "id": &response.id,
        "created": response.created,
        "model": &response.model,
        "object": intern!(py, "chat.completion"),
        "system_fingerprint": response.system_fingerprint.as_deref(),
        "choices": each(py, &response.choices, choice)?,
    };
    if let Some(counts) = &response.usage {
        fields.set_item(intern!(py, "usage"), usage(py, counts)?)?;
    }
    extend(&fields, &response.extra)?;
    let object = make(&classes(py)?.response, fields)?;
    object.setattr(intern!(py, "_hidden_params"), hidden_params(py, response, &facts.answered(response))?)?;
    Ok(object)
}

fn hidden_params<'py>(py: Python<'py>, response: &Response, facts: &Facts) -> PyResult<Bound<'py, PyDict>> {
    Ok(fields! { py,
        "custom_llm_provider": facts.provider,
        "model_id": &facts.model,
        "response_cost": facts.cost,
        "cache_hit": response.meta.cache_hit.is_some(),
        "cache_key": response.meta.cache_hit.as_deref(),
        "warnings": &response.warnings,
        "request_id": response.meta.request_id.as_deref(),
        "structured_output": response.meta.structured_output.as_deref(),
    })
}

fn each<'py, T>(
    py: Python<'py>,
    items: &[T],
    wrap: impl Fn(Python<'py>, &T) -> Object<'py>,
) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    items.iter().try_for_each(|item| list.append(wrap(py, item)?))?;
    Ok(list)
}

fn choice<'py>(py: Python<'py>, choice: &Choice) -> Object<'py> {
    let fields = fields! { py,
        "finish_reason": choice.finish_reason.as_ref().map(|reason| word(py, reason.as_str())),
        "index": choice.index,
        "message": message(py, &choice.message)?,
    };
    if let Some(found) = &choice.logprobs {
        fields.set_item(intern!(py, "logprobs"), logprobs(py, found)?)?;
    }
    extend(&fields, &choice.extra)?;
    make(&classes(py)?.choice, fields)
}

/// A word that comes again and again is made once.
fn word<'py>(py: Python<'py>, word: &str) -> Bound<'py, PyString> {
    match word {
        "stop" => intern!(py, "stop").clone(),
        "assistant" => intern!(py, "assistant").clone(),
        "function" => intern!(py, "function").clone(),
        other => PyString::new(py, other),
    }
}

fn message<'py>(py: Python<'py>, message: &Message) -> Object<'py> {
    let calls = &message.tool_calls;
    let fields = fields! { py,
        "content": content(py, &message.content)?,
        "role": word(py, message.role.as_str()),
        "tool_calls": if calls.is_empty() { None } else { Some(each(py, calls, tool_call)?) },
        "function_call": message.function_call.as_ref().map(|call| function_call(py, call)).transpose()?,
    };
    if let Some(refusal) = &message.refusal {
        fields.set_item(intern!(py, "refusal"), refusal)?;
    }
    if let Some(reasoning) = &message.reasoning_content {
        fields.set_item(intern!(py, "reasoning_content"), reasoning)?;
    }
    extend_message(&fields, &message.extra)?;
    make(&classes(py)?.message, fields)
}

fn content<'py>(py: Python<'py>, content: &Content) -> Object<'py> {
    match content {
        Content::Null => Ok(py.None().into_bound(py)),
        Content::Text(text) => Ok(PyString::new(py, text).into_any()),
        Content::Parts(parts) => Ok(each(py, parts, |py, part| json(py, &part.to_json()))?.into_any()),
    }
}

/// Fields of a message that have a class of their own in OpenAI's client.
fn extend_message(fields: &Bound<'_, PyDict>, extra: &Map) -> PyResult<()> {
    let py = fields.py();
    for (name, value) in extra {
        let value = match (name.as_str(), value) {
            ("audio", Value::Object(audio)) => make(&classes(py)?.audio, dict(py, audio)?)?,
            ("annotations", Value::Array(items)) => each(py, items, annotation)?.into_any(),
            _ => json(py, value)?,
        };
        fields.set_item(name, value)?;
    }
    Ok(())
}

fn annotation<'py>(py: Python<'py>, value: &Value) -> Object<'py> {
    let Value::Object(map) = value else { return json(py, value) };
    let fields = dict(py, map)?;
    if let Some(Value::Object(citation)) = map.get("url_citation") {
        let citation = make(&classes(py)?.citation, dict(py, citation)?)?;
        fields.set_item(intern!(py, "url_citation"), citation)?;
    }
    make(&classes(py)?.annotation, fields)
}

fn tool_call<'py>(py: Python<'py>, call: &ToolCall) -> Object<'py> {
    let fields = if call.custom {
        let custom = fields! { py, "input": &call.function.arguments, "name": &call.function.name };
        let custom = make(&classes(py)?.custom, custom)?;
        fields! { py, "custom": custom, "id": &call.id, "type": intern!(py, "custom") }
    } else {
        let function = fields! { py, "arguments": &call.function.arguments, "name": &call.function.name };
        let function = make(&classes(py)?.function, function)?;
        fields! { py, "function": function, "id": &call.id, "type": word(py, "function") }
    };
    extend(&fields, &call.extra)?;
    make(&classes(py)?.tool_call, fields)
}

fn function_call<'py>(py: Python<'py>, call: &FunctionCall) -> Object<'py> {
    make(&classes(py)?.function_call, fields! { py, "arguments": &call.arguments, "name": &call.name })
}

fn usage<'py>(py: Python<'py>, usage: &Usage) -> Object<'py> {
    let completion = usage.completion_tokens_details.as_ref();
    let prompt = usage.prompt_tokens_details.as_ref();
    let fields = fields! { py,
        "completion_tokens": usage.completion_tokens,
        "prompt_tokens": usage.prompt_tokens,
        "total_tokens": usage.total_tokens,
        "completion_tokens_details": completion.map(|details| completion_details(py, details)).transpose()?,
        "prompt_tokens_details": prompt.map(|details| prompt_details(py, details)).transpose()?,
    };
    extend(&fields, &usage.extra)?;
    make(&classes(py)?.usage, fields)
}

fn completion_details<'py>(py: Python<'py>, details: &CompletionTokensDetails) -> Object<'py> {
    let fields = fields! { py,
        "accepted_prediction_tokens": details.accepted_prediction_tokens,
        "audio_tokens": details.audio_tokens,
        "reasoning_tokens": details.reasoning_tokens,
        "rejected_prediction_tokens": details.rejected_prediction_tokens,
    };
    extend(&fields, &details.extra)?;
    make(&classes(py)?.completion_details, fields)
}

fn prompt_details<'py>(py: Python<'py>, details: &PromptTokensDetails) -> Object<'py> {
    let fields = fields! { py,
        "audio_tokens": details.audio_tokens,
        "cached_tokens": details.cached_tokens,
        "text_tokens": details.text_tokens,
        "image_tokens": details.image_tokens,
    };
    extend(&fields, &details.extra)?;
    make(&classes(py)?.prompt_details, fields)
}

fn logprobs<'py>(py: Python<'py>, logprobs: &Logprobs) -> Object<'py> {
    let tokens = |tokens: &Option<Vec<TokenLogprob>>| {
        tokens.as_ref().map(|tokens| each(py, tokens, token_logprob)).transpose()
    };
    let fields = fields! { py,
        "content": tokens(&logprobs.content)?,
        "refusal": tokens(&logprobs.refusal)?,
    };
    make(&classes(py)?.logprobs, fields)
}

fn token_logprob<'py>(py: Python<'py>, token: &TokenLogprob) -> Object<'py> {
    let top = each(py, &token.top_logprobs, |py, top| {
        let fields = fields! { py,
            "token": &top.token,
            "bytes": byte_list(py, top.bytes.as_deref())?,
            "logprob": top.logprob,
        };
        make(&classes(py)?.top_token, fields)
    })?;
    let fields = fields! { py,
        "token": &token.token,
        "bytes": byte_list(py, token.bytes.as_deref())?,
        "logprob": token.logprob,
        "top_logprobs": top,
    };
    make(&classes(py)?.token, fields)
}

/// OpenAI's objects have a list of numbers here, not Python's `bytes`.
fn byte_list<'py>(py: Python<'py>, bytes: Option<&[u8]>) -> PyResult<Option<Bound<'py, PyList>>> {
    bytes.map(|bytes| PyList::new(py, bytes.iter().map(|byte| u32::from(*byte)))).transpose()
}

/// One chunk of a stream.
pub(crate) fn chunk<'py>(py: Python<'py>, chunk: &Chunk) -> Object<'py> {
    if chunk.operation == Operation::TextCompletion {
        return endpoints::text_chunk(py, chunk);
    }
    let choices = PyList::empty(py);
    if let Some(choice) = &chunk.choice {
        choices.append(chunk_choice(py, choice)?)?;
    }
    let fields = fields! { py,
        "id": &chunk.id,
        "created": chunk.created,
        "model": &chunk.model,
        "object": intern!(py, "chat.completion.chunk"),
        "system_fingerprint": py.None(),
        "choices": choices,
    };
    if let Some(counts) = &chunk.usage {
        fields.set_item(intern!(py, "usage"), chunk_usage(py, counts)?)?;
    }
    extend(&fields, &chunk.extra)?;
    make(&classes(py)?.chunk, fields)
}

fn chunk_usage<'py>(py: Python<'py>, counts: &Value) -> Object<'py> {
    match serde_json::from_value::<Usage>(counts.clone()) {
        Ok(counts) => usage(py, &counts),
        Err(_) => json(py, counts),
    }
}

fn chunk_choice<'py>(py: Python<'py>, choice: &ChunkChoice) -> Object<'py> {
    let fields = fields! { py,
        "finish_reason": choice.finish_reason.as_deref().map(|reason| word(py, reason)),
        "index": choice.index,
        "delta": delta(py, &choice.delta)?,
        "logprobs": choice.logprobs.as_ref().map(|found| logprobs(py, found)).transpose()?,
    };
    extend(&fields, &choice.extra)?;
    make(&classes(py)?.chunk_choice, fields)
}

fn delta<'py>(py: Python<'py>, delta: &Delta) -> Object<'py> {
    let calls = &delta.tool_calls;
    let fields = fields! { py,
        "content": delta.content.as_deref(),
        "role": delta.role.as_deref().map(|role| word(py, role)),
        "function_call": delta.function_call.as_ref().map(|(name, arguments)| {
            make(&classes(py)?.function_call, fields! { py, "arguments": arguments, "name": name })
        }).transpose()?,
        "tool_calls": if calls.is_empty() { None } else { Some(each(py, calls, call_delta)?) },
    };
    if let Some(refusal) = &delta.refusal {
        fields.set_item(intern!(py, "refusal"), refusal)?;
    }
    if let Some(reasoning) = &delta.reasoning_content {
        fields.set_item(intern!(py, "reasoning_content"), reasoning)?;
    }
    extend_message(&fields, &delta.extra)?;
    make(&classes(py)?.delta, fields)
}

fn call_delta<'py>(py: Python<'py>, call: &ToolCallDelta) -> Object<'py> {
    let function = fields! { py, "arguments": &call.arguments, "name": &call.name };
    let fields = fields! { py,
        "id": &call.id,
        "function": make(&classes(py)?.function, function)?,
        "type": call.kind.as_deref().map(|kind| word(py, kind)),
        "index": call.index,
    };
    make(&classes(py)?.call_delta, fields)
}

fn extend(fields: &Bound<'_, PyDict>, extra: &Map) -> PyResult<()> {
    extra.iter().try_for_each(|(name, value)| fields.set_item(name, json(fields.py(), value)?))
}

fn dict<'py>(py: Python<'py>, map: &Map) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(py);
    extend(&fields, map)?;
    Ok(fields)
}

/// JSON as plain Python values.
pub(crate) fn json<'py>(py: Python<'py>, value: &Value) -> Object<'py> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(value) => value.into_pyobject(py)?.to_owned().into_any(),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => number.into_pyobject(py)?.into_any(),
            (None, Some(number)) => number.into_pyobject(py)?.into_any(),
            (None, None) => number.as_f64().into_pyobject(py)?,
        },
        Value::String(text) => PyString::new(py, text).into_any(),
        Value::Array(items) => each(py, items, json)?.into_any(),
        Value::Object(map) => dict(py, map)?.into_any(),
    })
}
