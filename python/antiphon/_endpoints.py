"""The async twins of ``text_completion``, ``embedding`` and ``rerank``."""

from . import embedding, rerank, text_completion
from ._aio import answered


async def async_text_completion(*args, **kwargs):
    """Goes on from a raw prompt, as ``text_completion`` does, without blocking the event loop.

    Returns a ``TextCompletionResponse``, or an ``AsyncCompletionStream`` of such where ``stream=True``.
    """
    return await answered(args, kwargs, "text_completion")


async def async_embedding(*args, **kwargs):
    """Turns texts into vectors, as ``embedding`` does, without blocking the event loop."""
    return await answered(args, kwargs, "embeddings")


async def async_rerank(*args, **kwargs):
    """Ranks documents by how well they answer, as ``rerank`` does, without blocking the event loop."""
    return await answered(args, kwargs, "rerank")


# `inspect.signature` follows these, so that a function and its twin show the same parameters.
async_text_completion.__wrapped__ = text_completion
async_embedding.__wrapped__ = embedding
async_rerank.__wrapped__ = rerank

atext_completion = async_text_completion
aembedding = async_embedding
arerank = async_rerank

for _function in (async_text_completion, async_embedding, async_rerank):
    _function.__module__ = "antiphon"
del _function
