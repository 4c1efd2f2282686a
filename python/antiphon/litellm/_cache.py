"""LiteLLM's cache object, over antiphon's cache: in memory, or in a folder."""

import antiphon.litellm as settings
from antiphon._exceptions import InvalidRequestError


class Cache:
    """Where answers are kept: ``Cache()`` in memory, ``Cache(type="disk", disk_cache_dir=…)`` in a folder.

    Assign it to ``litellm.cache``. ``ttl`` is in seconds; ``namespace`` keeps apart what would be the same;
    with ``mode="default_off"`` only calls with ``cache={"use-cache": True}`` are kept, and with
    ``supported_call_types=["completion"]`` only those of that kind.
    """

    def __init__(
        self,
        type="local",
        mode="default_on",
        host=None,
        port=None,
        password=None,
        namespace=None,
        ttl=None,
        default_in_memory_ttl=None,
        disk_cache_dir=None,
        supported_call_types=None,
        **others,
    ):
        self.type = getattr(type, "value", type)
        if self.type not in ("local", "disk"):
            hint = 'Cache(type="disk", disk_cache_dir="…") is a folder that many processes share'
            message = f"type: antiphon.litellm has no cache of type {self.type!r}"
            raise InvalidRequestError(message, param="type", hint=hint)
        unknown = next((name for name, value in others.items() if value is not None), None)
        if unknown is not None or host is not None:
            name = unknown or "host"
            raise InvalidRequestError(
                f"{name}: is nothing that a cache of type {self.type!r} has", param=name
            )
        self.mode = getattr(mode, "value", mode)
        self.namespace = namespace
        self.ttl = ttl if ttl is not None else default_in_memory_ttl
        self.disk_cache_dir = disk_cache_dir or ".litellm_cache"
        self.supported_call_types = supported_call_types

    def keywords(self, kind, caching, control):
        """What a call of that kind with these ``caching`` and ``cache`` arguments tells antiphon."""
        is_off = caching is False or control.get("no-cache") or control.get("no-store")
        if self.mode == "default_off" and caching is not True and not control.get("use-cache"):
            is_off = True
        if self.supported_call_types is not None and kind not in self.supported_call_types:
            is_off = True
        if is_off:
            return {"cache_enabled": False}
        keywords = {"cache_enabled": True}
        if self.type == "disk":
            keywords["cache_path"] = self.disk_cache_dir
        ttl = next((control[name] for name in ("ttl", "s-maxage", "s-max-age") if name in control), self.ttl)
        if ttl is not None:
            keywords["ttl"] = ttl
        if namespace := control.get("namespace", self.namespace):
            keywords["cache_key_prefix"] = namespace
        return keywords


def enable_cache(type="local", host=None, port=None, password=None, supported_call_types=None, **kwargs):
    """Keeps answers from now on, unless they are kept already."""
    if settings.cache is None:
        update_cache(type, host, port, password, supported_call_types, **kwargs)


def update_cache(type="local", host=None, port=None, password=None, supported_call_types=None, **kwargs):
    """Keeps answers in another cache from now on."""
    settings.cache = Cache(
        type, host=host, port=port, password=password, supported_call_types=supported_call_types, **kwargs
    )


def disable_cache():
    """Keeps answers no more. What is kept stays where it is."""
    settings.cache = None
