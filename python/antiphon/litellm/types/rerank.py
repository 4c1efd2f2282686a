"""``litellm.types.rerank``: the object of reranking."""

from antiphon import RerankResponse

__all__ = ["RerankResponse"]
