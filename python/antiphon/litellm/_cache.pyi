from collections.abc import Mapping, Sequence
from typing import Any

class Cache:
    type: str
    mode: str
    namespace: str | None
    ttl: float | None
    disk_cache_dir: str
    supported_call_types: Sequence[str] | None
    def __init__(
        self,
        type: Any = "local",
        mode: Any = "default_on",
        host: str | None = None,
        port: str | None = None,
        password: str | None = None,
        namespace: str | None = None,
        ttl: float | None = None,
        default_in_memory_ttl: float | None = None,
        disk_cache_dir: str | None = None,
        supported_call_types: Sequence[str] | None = None,
        **others: Any,
    ) -> None: ...
    def keywords(self, kind: str, caching: bool | None, control: Mapping[str, Any]) -> dict[str, Any]: ...

def enable_cache(
    type: Any = "local",
    host: str | None = None,
    port: str | None = None,
    password: str | None = None,
    supported_call_types: Sequence[str] | None = None,
    **kwargs: Any,
) -> None: ...
def update_cache(
    type: Any = "local",
    host: str | None = None,
    port: str | None = None,
    password: str | None = None,
    supported_call_types: Sequence[str] | None = None,
    **kwargs: Any,
) -> None: ...
def disable_cache() -> None: ...
