"""``litellm.caching``."""

from antiphon.litellm._cache import Cache

__all__ = ["Cache"]
