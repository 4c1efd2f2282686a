from typing import Any, TypedDict

class Context(TypedDict):
    model: str | None
    messages: list[dict[str, Any]]
