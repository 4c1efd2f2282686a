"""Answers in pieces."""

import asyncio
import gc
import pickle
import time
import weakref

import antiphon
import pytest
from antiphon import AsyncCompletionStream, CompletionStream, ModelResponse, acompletion, completion

SLOW = {"mock_delay": 0.05}


def texts(chunks):
    return [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]


def stream(text="I am fine", **kwargs):
    return completion("hi", mock_response=text, stream=True, **kwargs)


@pytest.mark.parametrize("kwargs", [{}, SLOW])
def test_chunks(kwargs):
    opened = stream(**kwargs)
    assert isinstance(opened, CompletionStream)
    assert iter(opened) is opened
    chunks = list(opened)
    assert texts(chunks) == ["", "I", " am", " fine", None]
    assert [chunk.choices[0].delta.role for chunk in chunks] == ["assistant", None, None, None, None]
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None, None, None, None, "stop"]
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert next(opened, None) is None


def test_a_chunk_has_all_its_keys():
    chunk = next(stream())
    assert list(chunk.keys()) == ["id", "created", "model", "object", "system_fingerprint", "choices"]
    assert list(chunk.choices[0].keys()) == ["finish_reason", "index", "delta", "logprobs"]
    assert list(chunk.choices[0].delta.keys()) == ["content", "role", "function_call", "tool_calls"]
    assert pickle.loads(pickle.dumps(chunk)) == chunk


def test_usage_is_shown_only_where_it_was_asked_for():
    *_, last = stream(stream_options={"include_usage": True})
    assert last.choices == []
    assert last.usage.total_tokens > 0
    assert all(chunk.usage is None for chunk in stream())
    opened = stream()
    list(opened)
    assert opened.usage == last.usage


def test_the_stream_folds_to_the_whole_answer():
    opened = stream(n=2)
    list(opened)
    whole = completion("hi", mock_response="I am fine", n=2)
    assert isinstance(opened.response, ModelResponse)
    assert opened.response.choices == whole.choices
    assert opened.response.usage == whole.usage
    assert opened.response is opened.response
    assert opened._hidden_params == whole._hidden_params


def test_tool_calls_come_in_pieces():
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    body = {"object": "chat.completion", "id": "a", "created": 1, "model": "m"}
    body["choices"] = [{"index": 0, "finish_reason": "tool_calls", "message": message}]
    opened = completion("hi", mock_response=body, stream=True)
    pieces = [piece for chunk in opened for piece in chunk.choices[0].delta.tool_calls or []]
    assert pieces[0].id == "c"
    assert pieces[0].type == "function"
    assert pieces[0].function.name == "f"
    assert "".join(piece.function.arguments or "" for piece in pieces) == '{"a": 1}'
    assert opened.response.choices[0].message.tool_calls[0].function.arguments == '{"a": 1}'
    assert opened.response.choices[0].finish_reason == "tool_calls"


def test_with_closes():
    with stream() as opened:
        next(opened)
        next(opened)
    assert next(opened, None) is None
    assert opened.response.choices[0].message.content.startswith("I")
    opened.close()


def test_a_stream_is_freed_when_it_is_dropped():
    for kwargs in ({}, SLOW):
        opened = stream(**kwargs)
        next(opened)
        watch = weakref.ref(opened)
        del opened
        gc.collect()
        assert watch() is None


def test_an_error_at_the_start_is_an_error_of_the_call():
    with pytest.raises(antiphon.RateLimitError):
        stream("antiphon.RateLimitError")
    with pytest.raises(antiphon.Timeout):
        stream(mock_delay=5, timeout=0.05)


def test_a_stream_does_not_pickle():
    with pytest.raises(TypeError):
        pickle.dumps(stream())


@pytest.mark.parametrize("kwargs", [{}, SLOW])
def test_asynchronous(kwargs):
    async def main():
        opened = await acompletion("hi", mock_response="I am fine", stream=True, **kwargs)
        assert isinstance(opened, AsyncCompletionStream)
        pieces = texts([chunk async for chunk in opened])
        assert opened.response.choices[0].message.content == "I am fine"
        assert opened.usage.total_tokens > 0
        with pytest.raises(StopAsyncIteration):
            await anext(opened)
        return pieces

    assert asyncio.run(main()) == ["", "I", " am", " fine", None]


def test_async_with_closes():
    async def main():
        async with await acompletion("hi", mock_response="I am fine", stream=True) as opened:
            await anext(opened)
        assert [chunk async for chunk in opened] == []
        await opened.aclose()

    asyncio.run(main())


def test_long_streams_are_fast():
    start = time.perf_counter()
    assert len(list(stream("word " * 20_000))) > 20_000
    assert time.perf_counter() - start < 10
