//! Chunks of a stream that the caller has gathered, as the answer that they come to.

use antiphon::core::dialects::openai_chat::OpenAiChat;
use antiphon::core::dialects::{Dialect, Mode};
use antiphon::core::frames::Frame;
use antiphon::{Error, Fold, Request, Response, Result};
use pyo3::prelude::*;
use serde_json::Value;

use crate::runtime::Host;
use crate::{errors, extract, wrap};

/// The answer that a list of chunks comes to, by the fold that every stream goes through. A list that stops
/// before the end of its answer gives what there is.
#[pyfunction]
pub(crate) fn fold_chunks<'py>(py: Python<'py>, chunks: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let chunks = extract::to_json("chunks", chunks)?;
    let response = fold(chunks).map_err(|error| errors::to_python(py, &error))?;
    let request = Request { model: response.model.clone(), ..Request::default() };
    let facts = Host::current(py)?.with_client(|client| client.facts(&request));
    wrap::response(py, &response, &facts)
}

fn fold(chunks: Value) -> Result<Response> {
    let Value::Array(chunks) = chunks else {
        return Err(Error::invalid("chunks", "must be a list of chunks"));
    };
    let mut decoder = OpenAiChat.decoder(Mode::Stream);
    let mut events = Vec::new();
    for (at, chunk) in chunks.iter().enumerate() {
        decoder
            .push(&Frame::data(&chunk.to_string()), &mut events)
            .map_err(|error| Error::invalid(format_args!("chunks[{at}]"), error.message()))?;
    }
    let mut fold = Fold::new();
    fold.extend(events);
    Ok(fold.finish())
}
