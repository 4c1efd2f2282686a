"""Hosted calls in tests, with a key that must be seen nowhere but upstream."""

import base64
import copy
import pickle
import traceback
from urllib.parse import quote

import faultd
import pytest
from antiphon import acompletion, completion

# Characters that change when it is encoded, so that an encoded key is found, too.
CANARY = "sk-canary+7Qf/3bZ9=ksD-xW1vT"

OPENAI = "openai/gpt-4o-mini"
ANTHROPIC = "anthropic/claude-sonnet-4-5"
HI = [{"role": "user", "content": "hi"}]


def _disguises():
    yield CANARY.encode()
    yield quote(CANARY, safe="").encode()
    yield CANARY.encode().hex().encode()
    for before in range(3):
        # Wherever the key begins within base64's groups of three bytes, this much of it looks the same.
        encoded = base64.b64encode(b"\0" * before + CANARY.encode())
        yield encoded[4 if before else 0 : -4]


DISGUISES = tuple(_disguises())


def secret_in(text):
    """Whether the key, plain or encoded, is in a text or in bytes."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return any(disguise in data for disguise in DISGUISES)


def shows_no_secret(*things):
    """Nothing that one can see or keep of these holds the key."""
    for thing in things:
        seen = [str(thing), repr(thing), pickle.dumps(thing), repr(getattr(thing, "__dict__", ""))]
        if isinstance(thing, BaseException):
            seen.append("".join(traceback.format_exception(thing)))
        assert not any(secret_in(text) for text in seen)
    return things[0]


def survives_copies(thing):
    """It pickles and deep-copies, and the copies say the same."""
    for copied in (pickle.loads(pickle.dumps(thing)), copy.deepcopy(thing), copy.copy(thing)):
        assert type(copied) is type(thing)
        assert vars(copied) == vars(thing)
        assert str(copied) == str(thing)
        assert getattr(copied, "_hidden_params", None) == getattr(thing, "_hidden_params", None)
    return thing


def arguments(upstream, model=OPENAI, **kwargs):
    given = {"model": model, "base_url": upstream.url + "/v1", "api_key": CANARY, "messages": HI}
    return {**given, **kwargs}


def call(upstream, model=OPENAI, **kwargs):
    return completion(**arguments(upstream, model, **kwargs))


def acall(upstream, model=OPENAI, **kwargs):
    return acompletion(**arguments(upstream, model, **kwargs))


def fails(cls, upstream, model=OPENAI, *, read=None, **kwargs):
    """The exception of a call or of reading its stream: of exactly this class, fit to be seen and kept."""
    read = [] if read is None else read

    def run():
        answer = call(upstream, model, **kwargs)
        if kwargs.get("stream"):
            read.extend(chunk.choices[0].delta.content for chunk in answer if chunk.choices)

    with pytest.raises(cls) as caught:
        run()
    error = caught.value
    assert type(error) is cls
    assert error.model == model.partition("/")[2]
    assert error.llm_provider == model.partition("/")[0]
    assert str(error).strip()
    shows_no_secret(error)
    return survives_copies(error)


def message_reply(message, finish_reason="stop", headers=(("x-request-id", "req_1"),), **options):
    """A whole answer of OpenAI's with this message."""
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [choice],
        "usage": usage,
    }
    return faultd.json_reply(body, headers=headers, **options)


def text_reply(text="hi", **options):
    return message_reply({"role": "assistant", "content": text, "refusal": None}, **options)


def header(request, name):
    """The header of a request that came in; `None` where there is none."""
    return next((value for key, value in request["headers"] if key.lower() == name), None)
