"""What goes wrong upstream, as Python sees it: one exception of the right class, in time, knowing all."""

import asyncio
import copy
import json
import pickle
import socket
import time

import antiphon
import pytest
from antiphon import (
    APIConnectionError,
    APIResponseValidationError,
    AuthenticationError,
    BadGatewayError,
    BadRequestError,
    ConflictError,
    ContextWindowExceededError,
    InternalServerError,
    NotFoundError,
    PayloadTooLargeError,
    PaymentRequiredError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServiceUnavailableError,
    StreamInterruptedError,
    Timeout,
    UnprocessableEntityError,
)
from faultd import (
    HANG,
    anthropic_error,
    close,
    cut,
    drip,
    error,
    event_stream,
    hang,
    json_reply,
    raw,
    reply,
    send,
    sse,
    stream,
    text,
)
from hosted import (
    ANTHROPIC,
    OPENAI,
    acall,
    arguments,
    call,
    fails,
    shows_no_secret,
    survives_copies,
    text_reply,
)

ONCE = {"max_retries": 0}
STATUSES = [
    (400, BadRequestError),
    (401, AuthenticationError),
    (402, PaymentRequiredError),
    (403, PermissionDeniedError),
    (404, NotFoundError),
    (408, Timeout),
    (409, ConflictError),
    (413, PayloadTooLargeError),
    (422, UnprocessableEntityError),
    (429, RateLimitError),
    (500, InternalServerError),
    (502, BadGatewayError),
    (503, ServiceUnavailableError),
    (529, InternalServerError),
]


@pytest.mark.parametrize("kwargs", [{}, {"stream": True}], ids=["whole", "stream"])
@pytest.mark.parametrize(("status", "cls"), STATUSES)
@pytest.mark.parametrize("model", [OPENAI, ANTHROPIC])
def test_statuses(upstream, model, status, cls, kwargs):
    make = error if model == OPENAI else anthropic_error
    header = "x-request-id" if model == OPENAI else "request-id"
    upstream.script(make(status, "some_error", "what is wrong", headers={header: "req_7"}))
    caught = fails(cls, upstream, model, **ONCE, **kwargs)
    assert "what is wrong" in caught.message
    assert caught.status_code == status
    assert caught.request_id == "req_7"
    assert caught.retry_after is None
    assert caught.partial_response is None
    (attempt,) = caught.attempts
    assert attempt.target == model
    assert attempt.status == status
    assert attempt.elapsed > 0


@pytest.mark.parametrize(
    ("reply_", "cls"),
    [
        (error(400, "context_length_exceeded", "too many tokens"), ContextWindowExceededError),
        (error(429, "insufficient_quota", "You exceeded your current quota"), QuotaExceededError),
        (error(404, "model_not_found", "The model does not exist"), NotFoundError),
        (reply(500, "<html><h1>Oops</h1></html>", {"content-type": "text/html"}), InternalServerError),
        (reply(503, ""), ServiceUnavailableError),
    ],
)
def test_errors_by_their_words(upstream, reply_, cls):
    upstream.script(reply_)
    assert fails(cls, upstream, **ONCE).status_code == reply_["status"]


HTML = {"content-type": "text/html"}
JSON = {"content-type": "application/json"}
NOT_ANSWERS = {
    "a page": reply(200, "<!doctype html><title>Sign in</title>", HTML),
    "half a JSON": reply(200, '{"id": "x", "choices": [{"index": 0, "mess', JSON),
    "nothing": reply(200, "", JSON),
    "nothing at all": reply(200, ""),
    "null": reply(200, "null", JSON),
    "a list": reply(200, "[]", JSON),
    "a text": reply(200, '"hi"', JSON),
    "no choices": reply(200, '{"id": "x", "object": "chat.completion"}', JSON),
    "of another type": reply(200, '{"choices": [{"message": "hi"}]}', JSON),
    "a tail of garbage": reply(200, '{"choices": []} trailing', JSON),
}


@pytest.mark.parametrize("what", NOT_ANSWERS)
@pytest.mark.parametrize("kwargs", [{}, {"stream": True}], ids=["whole", "stream"])
@pytest.mark.parametrize("model", [OPENAI, ANTHROPIC])
def test_what_is_no_answer(upstream, model, what, kwargs):
    """Never an empty text as if it were one."""
    upstream.script(NOT_ANSWERS[what])

    def run():
        list(call(upstream, model, **ONCE, **kwargs))

    with pytest.raises((APIResponseValidationError, StreamInterruptedError)) as caught:
        run()
    assert len(str(caught.value)) < 2000
    assert caught.value.llm_provider == model.partition("/")[0]
    shows_no_secret(survives_copies(caught.value))


def test_an_error_inside_a_200(upstream):
    body = {"error": {"message": "overloaded", "type": "server_error", "code": "rate_limit_exceeded"}}
    upstream.script(json_reply(body))
    caught = fails(RateLimitError, upstream, **ONCE)
    assert "overloaded" in caught.message


LENGTH = [("content-type", "application/json"), ("content-length", "100000")]


@pytest.mark.parametrize(
    "reply_",
    [
        reply(200, '{"id": "x", "choices": [', LENGTH, end="fin"),
        reply(200, [send('{"id": "x",'), cut("rst")], JSON, framing="chunked"),
        text_reply("hi", cut_after=300),
    ],
    ids=["a length that lies", "reset", "cut"],
)
def test_an_answer_that_breaks_off(upstream, reply_):
    upstream.script(reply_)
    caught = fails(StreamInterruptedError, upstream, **ONCE)
    assert caught.status_code == 502
    assert len(caught.attempts) == 1


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_no_answer_at_all(upstream, how):
    upstream.script(close(how))
    caught = fails(APIConnectionError, upstream, max_retries=2, retry_delay=0.01)
    assert isinstance(caught, ConnectionError)
    assert [attempt.status for attempt in caught.attempts] == [None] * 3
    assert len(upstream.requests()) == 3


def free_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


def test_nobody_listens(upstream):
    kwargs = {"max_retries": 1, "retry_delay": 0.01}
    caught = fails(APIConnectionError, upstream, base_url=free_address(), **kwargs)
    assert "cannot connect" in caught.message
    assert len(caught.attempts) == 2


def partial(caught):
    return caught.partial_response.choices[0].message.content


CUTS = {
    "cut": (StreamInterruptedError, stream(["one ", "two"], finish=False, then=[cut()])),
    "reset": (StreamInterruptedError, stream(["one ", "two"], 20, finish=False, then=[cut("rst")])),
    "a whole body without its end": (StreamInterruptedError, stream(["one ", "two"], finish=False)),
    "an event that is no JSON": (
        APIResponseValidationError,
        stream(["one ", "two"], finish=False, then=[send('data: {"choices": [{\n\n')]),
    ),
    "an error as an event": (
        InternalServerError,
        stream(
            ["one ", "two"],
            finish=False,
            then=[send('data: {"error": {"message": "it broke", "type": "server_error"}}\n\n')],
        ),
    ),
}


@pytest.mark.parametrize("what", CUTS)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_stream_that_breaks_off(upstream, what, asynchronous):
    """What had come is delivered, then the error, which has it too; and it is not asked again."""
    cls, reply_ = CUTS[what]
    upstream.script(reply_)
    read = []
    if asynchronous:

        async def main():
            async for chunk in await acall(upstream, stream=True):
                read.append(chunk.choices[0].delta.content)

        with pytest.raises(cls) as raised:
            asyncio.run(main())
        caught = shows_no_secret(survives_copies(raised.value))
    else:
        caught = fails(cls, upstream, stream=True, read=read)
    assert "".join(filter(None, read)) == partial(caught) == "one two"
    assert caught.partial_response.choices[0].finish_reason is None
    assert caught.partial_response._hidden_params["custom_llm_provider"] == "openai"
    assert len(upstream.requests()) == 1
    for copied in (pickle.loads(pickle.dumps(caught)), copy.deepcopy(caught)):
        assert copied.partial_response == caught.partial_response
        assert copied.attempts == caught.attempts


def test_an_anthropic_stream_that_breaks_off(upstream):
    message = {"id": "m", "role": "assistant", "model": "claude", "content": []}
    events = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "one"}},
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
    ]
    upstream.script(event_stream(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events))
    caught = fails(ServiceUnavailableError, upstream, ANTHROPIC, stream=True)
    assert partial(caught) == "one"


def test_an_error_before_the_first_content_is_asked_again(upstream):
    broken = sse(['{"error": {"message": "it broke", "type": "server_error"}}'], times=1)
    upstream.script([broken, text("hi", times=None)])
    assert (
        "".join(
            chunk.choices[0].delta.content or "" for chunk in call(upstream, stream=True, retry_delay=0.01)
        )
        == "hi"
    )
    assert len(upstream.requests()) == 2


def timed(cls, upstream, limit, **kwargs):
    start = time.monotonic()
    caught = fails(cls, upstream, **kwargs)
    # At most 250 ms past its deadline; a busy test machine gets ten times that.
    assert limit <= time.monotonic() - start < limit + 2.5
    assert upstream.wait(in_flight=0)
    return caught


@pytest.mark.parametrize(
    ("reply_", "kwargs", "named"),
    [
        (hang(), {"timeout": 0.2}, "total"),
        (hang(), {"timeout": 0.2, "stream": True}, "total"),
        (hang(), {"first_byte_timeout": 0.2, "stream": True}, "first-byte"),
        (stream(["a"], finish=False, then=[HANG]), {"idle_timeout": 0.2, "stream": True}, "idle"),
        (stream(["a"], finish=False, then=[HANG]), {"timeout": 0.2, "stream": True}, "total"),
        (reply(200, [send('{"id"'), HANG], JSON, framing="chunked"), {"timeout": 0.2}, "total"),
        (reply(200, [drip(b" " * 1000, 1, 10)], JSON), {"timeout": 0.2}, "total"),
    ],
)
def test_deadlines(upstream, reply_, kwargs, named):
    upstream.script(reply_)
    caught = timed(Timeout, upstream, 0.2, **kwargs)
    assert isinstance(caught, TimeoutError)
    assert f"the {named} deadline of 200ms" in caught.message
    # It may have been paid for: it is not asked again.
    assert len(upstream.requests()) == 1


def test_a_deadline_while_connecting(upstream):
    """A server that accepts and never says anything: a handshake that does not end."""
    upstream.script({"on_connect": ["hang"], "replies": []})
    start = time.monotonic()
    with pytest.raises(Timeout, match="the connect deadline of 200ms passed"):
        call(upstream, base_url=f"https://127.0.0.1:{upstream.port}/v1", connect_timeout=0.2, **ONCE)
    assert 0.2 <= time.monotonic() - start < 2.5


def test_asynchronous_deadlines(upstream):
    upstream.script(hang())

    async def main():
        with pytest.raises(Timeout):
            await acall(upstream, timeout=0.1)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(acall(upstream), 0.1)

    asyncio.run(main())
    assert upstream.wait(requests=2, in_flight=0, closed=2)


def test_retries_are_counted_and_waited_for(upstream):
    upstream.script(error(503))
    start = time.monotonic()
    caught = fails(ServiceUnavailableError, upstream, max_retries=3, retry_delay=0.05)
    assert 0.15 <= time.monotonic() - start < 1.5
    assert len(caught.attempts) == len(upstream.requests()) == 4
    assert {attempt.status for attempt in caught.attempts} == {503}
    upstream.script([error(503, times=2), text("hi", times=None)], clear=True)
    assert call(upstream, num_retries=2, retry_delay=0.01).choices[0].message.content == "hi"
    assert len(upstream.requests()) == 3


def test_what_the_provider_asks_to_wait(upstream):
    upstream.script([error(429, headers={"retry-after": "0.2"}, times=1), text("hi", times=None)])
    start = time.monotonic()
    assert call(upstream).choices[0].message.content == "hi"
    assert 0.2 <= time.monotonic() - start < 2.5
    upstream.script(error(429, headers={"retry-after": "3600"}))
    start = time.monotonic()
    caught = fails(RateLimitError, upstream)
    assert time.monotonic() - start < 2.5
    assert caught.retry_after == 3600
    assert "3600s" in caught.hint
    upstream.script(error(429, headers={"retry-after-ms": "1500"}))
    assert fails(RateLimitError, upstream, **ONCE).retry_after == 1.5


def test_fallbacks_that_fail_too(upstream):
    upstream.script(error(503))
    kwargs = {"max_retries": 1, "retry_delay": 0.01}
    fallback = {"model": ANTHROPIC, "base_url": upstream.url, "api_key": "another"}
    with pytest.raises(ServiceUnavailableError) as caught:
        call(upstream, **kwargs, fallbacks=[fallback])
    assert [attempt.target for attempt in caught.value.attempts] == [OPENAI, OPENAI, ANTHROPIC, ANTHROPIC]
    assert caught.value.llm_provider == "anthropic"
    shows_no_secret(survives_copies(caught.value))


def test_an_error_that_repeats_the_key(upstream):
    """Some providers quote what was sent."""
    key = arguments(upstream)["api_key"]
    for status in (400, 401, 500):
        upstream.script(error(status, key, f"bad: {key}", key, headers={"x-request-id": key}))
        with pytest.raises(antiphon.APIStatusError) as caught:
            call(upstream, **ONCE)
        shows_no_secret(caught.value)
    upstream.script(reply(200, f"<html>Bearer {key}</html>", HTML))
    shows_no_secret(fails(APIResponseValidationError, upstream, **ONCE))
    upstream.script(stream(["a"], finish=False, then=[send(f"data: {key}\n\n")]))
    shows_no_secret(fails(APIResponseValidationError, upstream, stream=True))


def test_a_request_that_is_too_large_is_not_sent(upstream):
    with pytest.raises(PayloadTooLargeError):
        call(upstream, messages="x" * (101 << 20))
    assert upstream.requests() == []


def test_odd_bytes(upstream):
    upstream.script(raw(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n\xff\xfe\x00{}"))
    fails(APIResponseValidationError, upstream, **ONCE)
    upstream.script(raw(b"SSH-2.0-OpenSSH_9.6\r\n"))
    fails(APIConnectionError, upstream, **ONCE)


def test_model_names_do_not_leave_their_place(upstream):
    for name in ("../../x", "a?b=c", "a#b", "a%2e%2e"):
        assert call(upstream, f"openai/{name}").choices
    for request, name in zip(upstream.requests(), ("../../x", "a?b=c", "a#b", "a%2e%2e"), strict=True):
        assert request["target"] == "/v1/chat/completions"
        assert json.loads(request["body"])["model"] == name


def test_a_proxy_of_the_environment_is_used(python, upstream, monkeypatch):
    """And what it answers is told as the proxy's."""
    upstream.script(reply(407, "", {"proxy-authenticate": "Basic"}))
    monkeypatch.setenv("HTTP_PROXY", upstream.url)
    process = python(
        """
import sys
from antiphon import APIConnectionError, completion
try:
    completion("hi", "openai/m", base_url=sys.argv[1], api_key="k", max_retries=0)
except APIConnectionError as error:
    print(error.status_code, error)
""",
        free_address().replace("127.0.0.1", "upstream.invalid"),
    )
    assert process.stdout.startswith("407 the proxy asks for credentials")
    assert upstream.requests()[0]["target"].startswith("http://upstream.invalid")
