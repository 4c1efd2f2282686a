//! Tokens: counted, and text to them and back. The GIL is released meanwhile.

use antiphon::tokens::{Chat, Tokenizer};
use antiphon::{Error, Kind};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};
use serde_json::Value;

use crate::runtime::Host;
use crate::{errors, extract};

fn tokenizer(py: Python<'_>, model: &str) -> PyResult<Tokenizer> {
    let host = Host::current(py)?;
    let name = model.to_owned();
    let begun = py.detach(|| {
        host.with_client(|client| {
            let client = client.clone();
            host.begin(move || Box::pin(async move { client.tokenizer(&name).await }))
        })
    });
    host.outcome(py, begun)?.map_err(|error| errors::to_python(py, &error))
}

/// How many tokens a text is for a model.
#[pyfunction]
pub(crate) fn count_text(py: Python<'_>, model: &str, text: &Bound<'_, PyString>) -> PyResult<u64> {
    let (tokenizer, text) = (tokenizer(py, model)?, extract::to_text("text", text)?);
    py.detach(|| tokenizer.count(&text)).map_err(|error| errors::to_python(py, &error))
}

/// The tokens of a text.
#[pyfunction]
pub(crate) fn encode(py: Python<'_>, model: &str, text: &Bound<'_, PyString>) -> PyResult<Vec<u32>> {
    let (tokenizer, text) = (tokenizer(py, model)?, extract::to_text("text", text)?);
    py.detach(|| tokenizer.encode(&text)).map_err(|error| errors::to_python(py, &error))
}

/// The text of tokens.
#[pyfunction]
pub(crate) fn decode(py: Python<'_>, model: &str, tokens: Vec<u32>) -> PyResult<String> {
    let tokenizer = tokenizer(py, model)?;
    py.detach(|| tokenizer.decode(&tokens)).map_err(|error| errors::to_python(py, &error))
}

/// How many tokens a conversation is for a model; `count`, where it is given, counts each text.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "they are those of token_counter, which calls it")]
pub(crate) fn count_chat(
    py: Python<'_>,
    model: &str,
    messages: &Bound<'_, PyList>,
    tools: &Bound<'_, PyList>,
    tool_choice: &Bound<'_, PyAny>,
    is_answer: bool,
    each_image: Option<u64>,
    each_unknown: Option<u64>,
    count: Option<&Bound<'_, PyAny>>,
) -> PyResult<u64> {
    let items = |name: &str, list: &Bound<'_, PyList>| match extract::to_json(name, list)? {
        Value::Array(items) => Ok::<_, PyErr>(items),
        _ => Ok(Vec::new()),
    };
    let (messages, tools) = (items("messages", messages)?, items("tools", tools)?);
    let tool_choice = Some(extract::to_json("tool_choice", tool_choice)?).filter(|choice| !choice.is_null());
    let tool_choice = tool_choice.as_ref();
    let chat = Chat { messages: &messages, tools: &tools, tool_choice, is_answer, each_image, each_unknown };
    let Some(count) = count else {
        let tokenizer = tokenizer(py, model)?;
        return py.detach(|| tokenizer.count_chat(&chat)).map_err(|error| errors::to_python(py, &error));
    };
    let mut raised = None;
    let total = chat.tokens(model, &mut |text| {
        count.call1((text,)).and_then(|count| count.extract()).map_err(|error| {
            raised = Some(error);
            Error::new(Kind::Internal, "the tokenizer raised")
        })
    });
    match raised {
        Some(error) => Err(error),
        None => total.map_err(|error| errors::to_python(py, &error)),
    }
}
