"""``litellm.caching.caching``."""

from antiphon.litellm._cache import Cache, disable_cache, enable_cache, update_cache

__all__ = ["Cache", "disable_cache", "enable_cache", "update_cache"]
