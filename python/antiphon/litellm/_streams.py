"""LiteLLM's name of what ``stream=True`` returns."""

import sys

from antiphon import CompletionStream


class _OfStreams(type):
    """antiphon's streams, both of them, are taken for this one class."""

    def __instancecheck__(cls, instance):
        # Until a stream of an event loop was made, its module is not imported, and need not be for this.
        loops = sys.modules.get("antiphon._aio")
        streams = (CompletionStream,) if loops is None else (CompletionStream, loops.AsyncCompletionStream)
        return isinstance(instance, streams)


class CustomStreamWrapper(metaclass=_OfStreams):
    """For ``isinstance``: the chunks of an answer, to be iterated over with ``for`` or ``async for``."""

    def __new__(cls, *args, **kwargs):
        raise TypeError("streams are made by completion(…, stream=True)")


CustomStreamWrapper.__module__ = "antiphon.litellm"
