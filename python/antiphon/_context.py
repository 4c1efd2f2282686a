"""The type of a conversation that ``single`` goes on with. Imported by those who name it."""

from typing import TypedDict


class Context(TypedDict):
    """A conversation so far: plain data that can be kept as JSON and gone on with later.

    Without a model (``None``) it is the default model's.
    """

    model: str | None
    messages: list[dict[str, object]]


Context.__module__ = "antiphon"
