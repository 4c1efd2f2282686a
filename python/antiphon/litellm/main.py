"""``litellm.main``: the functions that call."""

from antiphon.litellm import (
    acompletion,
    acompletion_with_retries,
    aembedding,
    arerank,
    atext_completion,
    batch_completion,
    batch_completion_models,
    batch_completion_models_all_responses,
    completion,
    completion_with_retries,
    embedding,
    mock_completion,
    rerank,
    stream_chunk_builder,
    text_completion,
)

__all__ = [
    "acompletion",
    "acompletion_with_retries",
    "aembedding",
    "arerank",
    "atext_completion",
    "batch_completion",
    "batch_completion_models",
    "batch_completion_models_all_responses",
    "completion",
    "completion_with_retries",
    "embedding",
    "mock_completion",
    "rerank",
    "stream_chunk_builder",
    "text_completion",
]
