"""``single``: a prompt in, its text out; and conversations, as plain data that the caller keeps.

Imported on first use. All that is done here stands before and after a ``completion``.
"""

from collections.abc import Mapping

from . import async_completion, completion
from ._exceptions import APIResponseValidationError, InvalidRequestError
from ._types import ModelResponse

DEFAULT_SYSTEM = "You are a helpful assistant."

#: Where `stream` stands among the positions that follow `system`.
_STREAM = 4


def single(prompt, model=None, system=None, *args, multi=False, return_full_response=False, **kwargs):
    """Asks a model one thing and returns the text of its answer.

    ``system`` is the system message, "You are a helpful assistant." if not given; ``""`` sends none. With
    ``multi=True`` the answer is a pair of the text and a context, and with ``multi=context`` the conversation
    goes on: ``text, context = single("And of Spain?", multi=context)``. The context given is left as it is.
    ``return_full_response=True`` gives the ``ModelResponse`` in place of the text.

    Everything else goes to ``completion``, positions from the fourth on as it has them from the third
    (``timeout``, ``temperature``, …). What calls no model (``dry_run=True``) gives what ``completion`` gives.
    """
    turn = _Turn(prompt, model, system, args, multi, kwargs)
    response = completion(turn.messages, turn.model, *args, **kwargs)
    return turn.answer(response, return_full_response)


async def async_single(
    prompt, model=None, system=None, *args, multi=False, return_full_response=False, **kwargs
):
    """Asks a model one thing and returns the text of its answer, as ``single`` does, without blocking the
    event loop. Cancelling the task ends the call at once.
    """
    turn = _Turn(prompt, model, system, args, multi, kwargs)
    response = await async_completion(turn.messages, turn.model, *args, **kwargs)
    return turn.answer(response, return_full_response)


# Where they are found, for pickles and for the reader of a traceback.
single.__module__ = async_single.__module__ = "antiphon"


class _Turn:
    """One question of a conversation, and what its answer makes of it."""

    def __init__(self, prompt, model, system, args, multi, kwargs):
        _check_call(prompt, model, system, args, kwargs)
        question = {"role": "user", "content": prompt}
        self.is_kept = multi is not False
        if not self.is_kept or multi is True:
            self.model = model
            self.messages = [*_system_messages(system), question]
        else:
            _check_context(multi)
            if system is not None:
                message = "the context has its system message already"
                raise _invalid("system", message, "leave system out, or start anew with multi=True")
            self.model = multi["model"] if model is None else model
            self.messages = [*multi["messages"], question]
        if self.is_kept:
            # A copy: what the caller does to theirs later changes nothing here.
            self.messages = _plain(self.messages)

    def answer(self, response, return_full_response):
        if type(response) is not ModelResponse:
            # Nothing was asked: a dry run, or the key of the cache.
            return response
        answer = response if return_full_response else _text(response)
        if not self.is_kept:
            return answer
        messages = self.messages + [_said(choice.message) for choice in response.choices[:1]]
        return answer, {"model": self.model, "messages": messages}


def _invalid(param, message, hint=None):
    return InvalidRequestError(f"{param}: {message}", param=param, hint=hint)


def _check_call(prompt, model, system, args, kwargs):
    _check_content("prompt", prompt)
    if system is not None:
        _check_content("system", system)
    _check_model("model", model)
    if "messages" in kwargs:
        hint = "give the question as prompt, and an earlier context as multi; completion takes messages"
        raise _invalid("messages", "single makes the messages itself", hint)
    if kwargs.get("stream") or (len(args) > _STREAM and args[_STREAM]):
        raise _invalid("stream", "single returns the whole answer", "call completion(…, stream=True)")


def _check_content(param, content):
    if not isinstance(content, (str, list, tuple)):
        raise _invalid(param, f"must be a string or a list of content parts, got {_kind(content)}")


def _check_model(param, model):
    if model is not None and not isinstance(model, str):
        raise _invalid(param, f"must be a string, got {_kind(model)}")


def _check_context(context):
    if not isinstance(context, Mapping):
        message = f"must be True, False or a context that an earlier call returned, got {_kind(context)}"
        raise _invalid("multi", message)
    for name in ("model", "messages"):
        if name not in context:
            hint = "a context is what single returns beside the text"
            raise _invalid("multi", f"is no context: it has no {name!r}", hint)
    for name in context:
        if name not in ("model", "messages"):
            raise _invalid("multi", f"is no context: it has an unknown {name!r}")
    _check_model("multi.model", context["model"])
    messages = context["messages"]
    if not isinstance(messages, (list, tuple)):
        raise _invalid("multi.messages", f"must be a list of messages, got {_kind(messages)}")
    if not messages:
        raise _invalid("multi.messages", "is empty", "start a conversation with multi=True")
    for place, message in enumerate(messages):
        _check_message(f"multi.messages[{place}]", message)


def _check_message(param, message):
    """Only its form; `completion` checks what it says."""
    if not isinstance(message, Mapping) and not hasattr(message, "model_dump"):
        raise _invalid(param, f"must be a message, a dict with a role, got {_kind(message)}")
    if isinstance(message, Mapping) and not isinstance(message.get("role"), str):
        raise _invalid(f"{param}.role", "is required, as a string")


def _kind(value):
    return "None" if value is None else type(value).__name__


def _system_messages(system):
    if system is None:
        system = DEFAULT_SYSTEM
    return [{"role": "system", "content": system}] if system else []


def _text(response):
    """The text of the first choice."""
    message = response.choices[0].message if response.choices else None
    content = message and message.content
    if isinstance(content, list):
        texts = [part["text"] for part in content if part.get("type") == "text"]
        content = "".join(texts) if texts else None
    if content is None:
        known = response._hidden_params or {}
        raise APIResponseValidationError(
            f"the answer has no text{_in_its_place(message)}",
            known.get("custom_llm_provider"),
            known.get("model_id") or response.model,
            hint="return_full_response=True gives the whole answer",
            partial_response=response,
        )
    return content


def _in_its_place(message):
    if message is None:
        return ": it is empty"
    if message.refusal:
        return f": the model refused: {message.refusal}"
    if message.tool_calls:
        names = [
            (call.get("function") or call.get("custom") or {}).get("name") for call in message.tool_calls
        ]
        return f", only calls of tools: {', '.join(map(str, names))}"
    return ", only a call of a function" if message.function_call else ""


def _said(message):
    """An answer as a message of the next call."""
    fields = message.model_dump(exclude={"role", "content", "parsed"})
    others = {name: value for name, value in fields.items() if value is not None and value != []}
    return {"role": "assistant", "content": _plain(message.content), **_plain(others)}


def _plain(value):
    """A copy of dicts and lists, as JSON has them."""
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
