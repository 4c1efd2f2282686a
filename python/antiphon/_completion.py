"""``Completion``: LLM Engine's way of asking for a completion of a raw prompt.

Imported when it is first asked for. The call itself is ``text_completion``; here its words become LLM
Engine's. A name of a model is found as everywhere: an alias of ``config.toml``, ``local/NAME``,
``provider/model``. With ``base_url=`` or ``LLM_ENGINE_BASE_PATH`` it is a model of that LLM Engine.
"""

import json
import os

from . import async_text_completion, text_completion
from ._exceptions import InvalidRequestError
from ._types import Object

#: What LLM Engine's client sends where nothing is said.
MAX_NEW_TOKENS, TEMPERATURE = 20, 0.2

_BASE_PATH = "LLM_ENGINE_BASE_PATH"


class _Printed(Object):
    """An object whose ``json()`` is a text, as LLM Engine's client has it."""

    def json(self, **options):
        """The fields as JSON text."""
        return json.dumps(self.model_dump(), ensure_ascii=False, **options)

    __str__ = Object.__repr__


class TokenOutput(_Printed):
    """A token and the natural logarithm of its probability."""

    def __init__(self, token="", log_prob=0.0):
        super().__init__(token=token, log_prob=log_prob)


class CompletionOutput(_Printed):
    """One completion. ``tokens`` is there where ``return_token_log_probs`` asked for it."""

    tokens = None

    def __init__(self, text="", num_prompt_tokens=None, num_completion_tokens=0, tokens=None):
        super().__init__(
            text=text, num_prompt_tokens=num_prompt_tokens, num_completion_tokens=num_completion_tokens
        )
        if tokens is not None:
            self.tokens = tokens


class CompletionStreamOutput(_Printed):
    """A piece of a completion; ``num_completion_tokens`` counts all so far."""

    token = None

    def __init__(
        self, text="", finished=False, num_prompt_tokens=None, num_completion_tokens=None, token=None
    ):
        super().__init__(
            text=text,
            finished=finished,
            num_prompt_tokens=num_prompt_tokens,
            num_completion_tokens=num_completion_tokens,
        )
        if token is not None:
            self.token = token


class _Response(_Printed):
    """The id of the request is no field: what is printed is what the documentation of LLM Engine prints."""

    __slots__ = ("_request_id",)

    status = "SUCCESS"

    @property
    def request_id(self):
        """The id of the answer; ``None`` where it was made by hand."""
        return getattr(self, "_request_id", None)


class CompletionSyncV1Response(_Response):
    """A whole answer: ``outputs`` is a list of one, and ``output`` that one."""

    __slots__ = ()

    def __init__(self, outputs=(), traceback=None):
        super().__init__(outputs=list(outputs), traceback=traceback)

    @property
    def output(self):
        """The completion."""
        return self.outputs[0] if self.outputs else None


class CompletionStreamV1Response(_Response):
    """One event of a stream."""

    __slots__ = ()

    def __init__(self, output=None, traceback=None):
        super().__init__(output=output, traceback=traceback)


class Completion:
    """Completions of a prompt, as LLM Engine's client has them."""

    @classmethod
    def create(
        cls,
        model_name=None,
        prompt=None,
        max_new_tokens=MAX_NEW_TOKENS,
        temperature=TEMPERATURE,
        timeout=None,
        stream=False,
        *,
        model=None,
        **options,
    ):
        """Completes a prompt: a ``CompletionSyncV1Response``, or an iterator of
        ``CompletionStreamV1Response`` where ``stream=True``.

        ``model`` and ``model_name`` are one; ``timeout`` is in seconds. Further options are LLM Engine's
        (``stop_sequences``, ``return_token_log_probs``, ``presence_penalty``, ``frequency_penalty``,
        ``top_k``, ``top_p``, ``include_stop_str_in_output``, ``guided_json``, ``guided_regex``,
        ``guided_choice``, ``guided_grammar``, ``skip_special_tokens``) and those of every call
        (``base_url``, ``api_key``, ``cache_path``, …).
        """
        call = _Call(model_name, model, prompt, max_new_tokens, temperature, timeout, stream, options)
        answer = text_completion(**call.arguments)
        return call.events(answer) if stream else call.response(answer)

    @classmethod
    async def acreate(
        cls,
        model_name=None,
        prompt=None,
        max_new_tokens=MAX_NEW_TOKENS,
        temperature=TEMPERATURE,
        timeout=None,
        stream=False,
        *,
        model=None,
        **options,
    ):
        """Completes a prompt, as ``create`` does, without blocking the event loop; a stream is read with
        ``async for``.
        """
        call = _Call(model_name, model, prompt, max_new_tokens, temperature, timeout, stream, options)
        answer = await async_text_completion(**call.arguments)
        return call.async_events(answer) if stream else call.response(answer)


class _Call:
    """A call in LLM Engine's words as one of ``text_completion``, and what comes back in those words."""

    def __init__(self, model_name, model, prompt, max_new_tokens, temperature, timeout, stream, options):
        if model is not None and model_name is not None and model != model_name:
            raise _invalid("model", f"is {model!r}, and model_name is {model_name!r}: give one of them")
        model = model_name if model is None else model
        if not isinstance(model, str) or not model:
            raise _invalid("model", "is required, as a name", 'such as model="local/chorister"')
        if not isinstance(prompt, str) or not prompt:
            raise _invalid("prompt", "must be a text with something in it")
        if not isinstance(max_new_tokens, int) or isinstance(max_new_tokens, bool) or max_new_tokens < 1:
            raise _invalid("max_new_tokens", f"must be a whole number of at least 1, got {max_new_tokens!r}")
        _check_sampling(temperature, options)
        self.limit = max_new_tokens
        self.has_tokens = bool(options.pop("return_token_log_probs", False))
        stop = options.pop("stop_sequences", None)
        base_url = options.pop("base_url", None) or os.environ.get(_BASE_PATH)
        self.arguments = {
            **options,
            "model": f"llm_engine/{model}" if base_url else model,
            "prompt": prompt,
            "max_tokens": max_new_tokens,
            "temperature": temperature,
        }
        optional = {
            "timeout": timeout,
            "stop": stop or None,
            "logprobs": 1 if self.has_tokens else None,
            "base_url": base_url,
            "stream": True if stream else None,
            "stream_options": {"include_usage": True} if stream else None,
        }
        self.arguments.update({name: value for name, value in optional.items() if value is not None})

    def response(self, answer):
        """A whole answer."""
        usage = answer.usage
        outputs = [
            CompletionOutput(
                choice.text,
                usage and usage.prompt_tokens,
                usage.completion_tokens if usage else 0,
                self.tokens(choice),
            )
            for choice in answer.choices
        ]
        response = CompletionSyncV1Response(outputs)
        response._request_id = answer.id
        return response

    def tokens(self, choice):
        if not self.has_tokens:
            return None
        found = choice.logprobs
        if found is None:
            return []
        pairs = zip(found.tokens, found.token_logprobs, strict=True)
        return [TokenOutput(token, log_prob) for token, log_prob in pairs]

    def events(self, chunks):
        """The events of a stream."""
        stream = _Stream(self)
        for chunk in chunks:
            yield from stream.take(chunk)
        yield stream.last()

    async def async_events(self, chunks):
        """The same, from a stream that is read with ``async for``."""
        stream = _Stream(self)
        async for chunk in chunks:
            for event in stream.take(chunk):
                yield event
        yield stream.last()


class _Stream:
    """Turns pieces into events. Only the last of all says that it is finished, and there are never more
    events than tokens were asked for: a piece that may be the last waits for what comes after it.
    """

    def __init__(self, call):
        self.call = call
        self.count = 0
        self.held = None
        self.usage = None
        self.id = None

    def take(self, chunk):
        self.id = chunk.id
        self.usage = chunk.usage or self.usage
        for choice in chunk.choices:
            tokens = self.call.tokens(choice)
            if not choice.text and not tokens:
                continue
            self.count += max(1, len(tokens or ()))
            if self.held is not None:
                yield self.event(self.held)
            token = tokens[0] if tokens else None
            output = CompletionStreamOutput(choice.text, False, None, self.count, token)
            self.held = output
            if self.count < self.call.limit:
                self.held = None
                yield self.event(output)

    def last(self):
        output = self.held
        if output is None:
            output = CompletionStreamOutput("", False, None, self.count)
        output.finished = True
        if self.usage is not None:
            output.num_prompt_tokens = self.usage.prompt_tokens
            output.num_completion_tokens = self.usage.completion_tokens
        return self.event(output)

    def event(self, output):
        event = CompletionStreamV1Response(output)
        event._request_id = self.id
        return event


def _check_sampling(temperature, options):
    """LLM Engine's rules for what goes together, in its words."""
    top_k, top_p = options.get("top_k"), options.get("top_p")
    if top_k == 0:
        raise _invalid("top_k", "must be at least 1, or -1 for none")
    if temperature == 0 and top_k not in (None, -1):
        raise _invalid("top_k", "has no meaning where the temperature is 0")
    if temperature == 0 and top_p not in (None, 1, 1.0):
        raise _invalid("top_p", "has no meaning where the temperature is 0")
    guides = [name for name in options if name.startswith("guided_") and options[name] is not None]
    if len(guides) > 1:
        raise _invalid(guides[1], f"cannot go with {guides[0]}: give one of them")


def _invalid(param, message, hint=None):
    return InvalidRequestError(f"{param}: {message}", param=param, hint=hint)


for _class in list(globals().values()):
    if isinstance(_class, type) and issubclass(_class, (_Printed, Completion)) and _class.__name__[0] != "_":
        _class.__module__ = "antiphon.llmengine"
del _class
