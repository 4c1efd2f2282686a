//! `text_completion`, `embedding` and `rerank`; their async twins stand in `antiphon/_endpoints.py`.

use antiphon::Operation;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::call::reported;

/// Goes on from a raw prompt: text or token ids, one or a list of several.
///
/// Returns a `TextCompletionResponse`, or a `CompletionStream` of such where `stream=True`. A model that only
/// answers chats is asked with the prompt as one message of the user.
///
/// >>> text_completion("Once upon a time", "local/chorister").choices[0].text
#[pyfunction]
#[pyo3(
    signature = (*args, **kwargs),
    text_signature = "(prompt, model=None, *, best_of=None, echo=None, frequency_penalty=None, logit_bias=None, \
        logprobs=None, max_tokens=None, n=None, presence_penalty=None, stop=None, stream=None, \
        stream_options=None, suffix=None, temperature=None, top_p=None, user=None, seed=None, top_k=None, \
        min_p=None, repetition_penalty=None, guided_json=None, guided_regex=None, guided_choice=None, \
        guided_grammar=None, skip_special_tokens=None, include_stop_str_in_output=None, ignore_eos=None, \
        priority=None, api_key=None, base_url=None, \
        extra_headers=None, extra_body=None, timeout=None, connect_timeout=None, first_byte_timeout=None, \
        idle_timeout=None, max_retries=None, num_retries=None, retry_delay=None, enable_retries=None, \
        retry_on_exceptions=None, retry_on_all_exceptions=None, fallbacks=None, drop_params=None, \
        cache_enabled=None, cache_path=None, cache_key_prefix=None, include_model_in_cache_key=None, \
        return_cache_key=None, ttl=None, dry_run=None, api_base=None, headers=None, mock_response=None, \
        mock_delay=None, gpu_layers=None, threads=None, context=None, draft=None, **kwargs)"
)]
pub(crate) fn text_completion(
    py: Python<'_>,
    args: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
) -> PyResult<Py<PyAny>> {
    reported(py, Operation::TextCompletion, args, kwargs)
}

/// Turns texts into vectors: text or token ids, one or a list of several.
///
/// Returns an `EmbeddingResponse` with a vector for each text, in their order. Without a model it is
/// `ANTIPHON_EMBEDDING_MODEL`, or `text-embedding-3-small`.
///
/// >>> embedding(["a text", "another"], "openai/text-embedding-3-small").data[0].embedding
#[pyfunction]
#[pyo3(
    signature = (*args, **kwargs),
    text_signature = "(input, model=None, *, dimensions=None, encoding_format=None, user=None, \
        priority=None, api_key=None, base_url=None, \
        extra_headers=None, extra_body=None, timeout=None, connect_timeout=None, first_byte_timeout=None, \
        idle_timeout=None, max_retries=None, num_retries=None, retry_delay=None, enable_retries=None, \
        retry_on_exceptions=None, retry_on_all_exceptions=None, fallbacks=None, drop_params=None, \
        cache_enabled=None, cache_path=None, cache_key_prefix=None, include_model_in_cache_key=None, \
        return_cache_key=None, ttl=None, dry_run=None, api_base=None, headers=None, mock_response=None, \
        mock_delay=None, gpu_layers=None, threads=None, context=None, **kwargs)"
)]
pub(crate) fn embedding(
    py: Python<'_>,
    args: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
) -> PyResult<Py<PyAny>> {
    reported(py, Operation::Embeddings, args, kwargs)
}

/// Ranks documents by how well they answer a query: a list of texts, or of objects with a `text`.
///
/// Returns a `RerankResponse`, whose `results` are the documents' places with their scores, the best first. The model
/// may also come first, as LiteLLM has it.
///
/// >>> rerank("Where is Oslo?", ["Oslo is in Norway.", "I like tea."], "cohere/rerank-v3.5").results[0].index
#[pyfunction]
#[pyo3(
    signature = (*args, **kwargs),
    text_signature = "(query, documents, model=None, *, top_n=None, return_documents=None, \
        max_tokens_per_doc=None, api_key=None, base_url=None, \
        extra_headers=None, extra_body=None, timeout=None, connect_timeout=None, first_byte_timeout=None, \
        idle_timeout=None, max_retries=None, num_retries=None, retry_delay=None, enable_retries=None, \
        retry_on_exceptions=None, retry_on_all_exceptions=None, fallbacks=None, drop_params=None, \
        cache_enabled=None, cache_path=None, cache_key_prefix=None, include_model_in_cache_key=None, \
        return_cache_key=None, ttl=None, dry_run=None, api_base=None, headers=None, mock_response=None, \
        mock_delay=None, gpu_layers=None, threads=None, context=None, **kwargs)"
)]
pub(crate) fn rerank(
    py: Python<'_>,
    args: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
) -> PyResult<Py<PyAny>> {
    reported(py, Operation::Rerank, args, kwargs)
}
