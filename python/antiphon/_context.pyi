from typing import TypedDict

class Context(TypedDict):
    model: str | None
    messages: list[dict[str, object]]
