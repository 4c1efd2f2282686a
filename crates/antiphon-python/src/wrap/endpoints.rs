//! Text completions, embeddings and rankings as Python objects, of the classes in `_endpoint_types.py`.

use antiphon::core::chunk::ChunkChoice;
use antiphon::core::embeddings::to_base64;
use antiphon::core::{Logprobs, TextLogprobs};
use antiphon::{Choice, Chunk, EncodingFormat, Facts, Response};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyString, PyType};

use super::{Class, Object, chunk_usage, each, extend, hidden_params, json, make, usage, word};

struct Classes {
    text: Class,
    choice: Class,
    logprobs: Class,
    embeddings: Class,
    embedding: Class,
    ranking: Class,
    ranked: Class,
}

fn classes(py: Python<'_>) -> PyResult<&'static Classes> {
    static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();
    CLASSES.get_or_try_init(py, || {
        let module = py.import("antiphon._endpoint_types")?;
        let class = |name: &str| Class::of(module.getattr(name)?.cast_into::<PyType>()?);
        Ok(Classes {
            text: class("TextCompletionResponse")?,
            choice: class("TextChoices")?,
            logprobs: class("Logprobs")?,
            embeddings: class("EmbeddingResponse")?,
            embedding: class("Embedding")?,
            ranking: class("RerankResponse")?,
            ranked: class("RerankResult")?,
        })
    })
}

/// A whole text completion.
pub(super) fn text<'py>(py: Python<'py>, response: &Response, facts: &Facts) -> Object<'py> {
    let fields = fields! { py,
        "id": &response.id,
        "created": response.created,
        "model": &response.model,
        "object": intern!(py, "text_completion"),
        "choices": each(py, &response.choices, choice)?,
    };
    if let Some(fingerprint) = &response.system_fingerprint {
        fields.set_item(intern!(py, "system_fingerprint"), fingerprint)?;
    }
    if let Some(counts) = &response.usage {
        fields.set_item(intern!(py, "usage"), usage(py, counts)?)?;
    }
    extend(&fields, &response.extra)?;
    finished(py, make(&classes(py)?.text, fields)?, response, facts)
}

fn finished<'py>(
    py: Python<'py>,
    object: Bound<'py, PyAny>,
    response: &Response,
    facts: &Facts,
) -> Object<'py> {
    object.setattr(intern!(py, "_hidden_params"), hidden_params(py, response, &facts.answered(response))?)?;
    Ok(object)
}

fn choice<'py>(py: Python<'py>, choice: &Choice) -> Object<'py> {
    let fields = fields! { py,
        "finish_reason": choice.finish_reason.as_ref().map(|reason| word(py, reason.as_str())),
        "index": choice.index,
        "logprobs": logprobs(py, choice.logprobs.as_ref())?,
        "text": choice.message.content.text(),
    };
    extend(&fields, &choice.extra)?;
    make(&classes(py)?.choice, fields)
}

/// A piece of a text completion; it has the form of the whole.
pub(super) fn text_chunk<'py>(py: Python<'py>, chunk: &Chunk) -> Object<'py> {
    let choices = PyList::empty(py);
    if let Some(choice) = &chunk.choice {
        choices.append(chunk_choice(py, choice)?)?;
    }
    let fields = fields! { py,
        "id": &chunk.id,
        "created": chunk.created,
        "model": &chunk.model,
        "object": intern!(py, "text_completion"),
        "choices": choices,
    };
    if let Some(counts) = &chunk.usage {
        fields.set_item(intern!(py, "usage"), chunk_usage(py, counts)?)?;
    }
    extend(&fields, &chunk.extra)?;
    make(&classes(py)?.text, fields)
}

fn chunk_choice<'py>(py: Python<'py>, choice: &ChunkChoice) -> Object<'py> {
    let fields = fields! { py,
        "finish_reason": choice.finish_reason.as_deref().map(|reason| word(py, reason)),
        "index": choice.index,
        "logprobs": logprobs(py, choice.logprobs.as_ref())?,
        "text": choice.delta.content.as_deref().unwrap_or_default(),
    };
    extend(&fields, &choice.extra)?;
    make(&classes(py)?.choice, fields)
}

fn logprobs<'py>(py: Python<'py>, logprobs: Option<&Logprobs>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(logprobs) = logprobs else { return Ok(None) };
    let Some(text) = &logprobs.text else { return json(py, &logprobs.to_text_json()).map(Some) };
    let TextLogprobs { text_offset, token_logprobs, tokens, top_logprobs, extra } = &**text;
    let top = top_logprobs.as_ref().map(|top| serde_json::json!(top));
    let fields = fields! { py,
        "text_offset": text_offset,
        "token_logprobs": token_logprobs,
        "tokens": tokens,
        "top_logprobs": top.map(|top| json(py, &top)).transpose()?,
    };
    extend(&fields, extra)?;
    make(&classes(py)?.logprobs, fields).map(Some)
}

/// Vectors, as lists of numbers or as base64.
pub(crate) fn embeddings<'py>(
    py: Python<'py>,
    response: &Response,
    facts: &Facts,
    format: EncodingFormat,
) -> Object<'py> {
    let data = PyList::empty(py);
    for (index, vector) in response.embeddings.iter().flat_map(|vectors| vectors.iter()).enumerate() {
        let numbers = match format {
            EncodingFormat::Float => PyList::new(py, vector)?.into_any(),
            EncodingFormat::Base64 => PyString::new(py, &to_base64(vector)).into_any(),
        };
        let fields = fields! { py,
            "embedding": numbers,
            "index": index,
            "object": intern!(py, "embedding"),
        };
        data.append(make(&classes(py)?.embedding, fields)?)?;
    }
    let fields = fields! { py,
        "model": &response.model,
        "data": data,
        "object": intern!(py, "list"),
    };
    if let Some(counts) = &response.usage {
        fields.set_item(intern!(py, "usage"), usage(py, counts)?)?;
    }
    extend(&fields, &response.extra)?;
    finished(py, make(&classes(py)?.embeddings, fields)?, response, facts)
}

/// Documents with their scores.
pub(crate) fn ranking<'py>(py: Python<'py>, response: &Response, facts: &Facts) -> Object<'py> {
    let results = PyList::empty(py);
    for ranked in response.ranking.iter().flatten() {
        let fields = fields! { py,
            "index": ranked.index,
            "relevance_score": ranked.relevance_score,
        };
        if let Some(text) = &ranked.document {
            let document = PyDict::new(py);
            document.set_item(intern!(py, "text"), text)?;
            fields.set_item(intern!(py, "document"), document)?;
        }
        extend(&fields, &ranked.extra)?;
        results.append(make(&classes(py)?.ranked, fields)?)?;
    }
    let fields = fields! { py,
        "id": &response.id,
        "model": &response.model,
        "results": results,
    };
    if let Some(counts) = &response.usage {
        fields.set_item(intern!(py, "usage"), usage(py, counts)?)?;
    }
    extend(&fields, &response.extra)?;
    finished(py, make(&classes(py)?.ranking, fields)?, response, facts)
}
