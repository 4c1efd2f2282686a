"""Vectors of texts: hosted, local and mocked."""

import asyncio
import base64
import copy
import inspect
import pickle
import struct
import threading

import antiphon
import pytest
import tiny_bert
from antiphon import async_embedding, embedding
from faultd import Faultd, error, json_reply

MODEL = "openai/text-embedding-3-small"


def encoded(vector):
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def answer(*vectors, encode=encoded):
    data = [
        {"object": "embedding", "index": index, "embedding": encode(vector)}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": 4, "total_tokens": 4}
    model = "text-embedding-3-small"
    return json_reply({"object": "list", "data": data, "model": model, "usage": usage})


def options(upstream, model=MODEL, **more):
    return {
        "model": model,
        "base_url": f"{upstream.url}/v1",
        "api_key": "canary",
        "retry_delay": 0.001,
        **more,
    }


def test_vectors_by_attribute_and_by_item():
    with Faultd(answer([0.5, 0.25], [1.0, 0.0])) as upstream:
        response = embedding(["a", "b"], dimensions=2, user="u", **options(upstream))
        sent, body = upstream.requests()[0], upstream.bodies()[0]
    assert sent["target"] == "/v1/embeddings"
    assert body == {
        "model": "text-embedding-3-small",
        "input": ["a", "b"],
        "dimensions": 2,
        "user": "u",
        "encoding_format": "base64",
    }
    assert isinstance(response, antiphon.EmbeddingResponse)
    assert [d["embedding"] for d in response.data] == [[0.5, 0.25], [1.0, 0.0]]
    assert response["data"][1].embedding == [1.0, 0.0]
    assert (response.object, response.data[0].object, response.data[1].index) == ("list", "embedding", 1)
    assert str(embedding("x", mock_response=[0.5, 1])) == (
        "EmbeddingResponse(\n"
        "    model='text-embedding-3-small',\n"
        "    data=[\n"
        "        Embedding(\n"
        "            embedding=[0.5, 1.0],\n"
        "            index=0,\n"
        "            object='embedding'\n"
        "        )\n"
        "    ],\n"
        "    object='list',\n"
        "    usage=Usage(\n"
        "        completion_tokens=0,\n"
        "        prompt_tokens=1,\n"
        "        total_tokens=1,\n"
        "        completion_tokens_details=None,\n"
        "        prompt_tokens_details=None\n"
        "    )\n"
        ")"
    )
    for copied in (pickle.loads(pickle.dumps(response)), copy.deepcopy(response)):
        assert copied == response
        assert copied._hidden_params == response._hidden_params


def test_numbers_are_read_too_and_base64_is_given_where_it_is_asked_for():
    with Faultd(answer([0.5, -1.0], encode=list)) as upstream:
        call = options(upstream)
        assert embedding("a", **call).data[0].embedding == [0.5, -1.0]
        assert embedding("a", encoding_format="base64", **call).data[0].embedding == encoded([0.5, -1.0])


def test_what_stands_around_a_call(tmp_path):
    with Faultd([error(429, "rate_limit_exceeded", "slow down"), answer([0.1]), answer([0.2])]) as upstream:
        call = options(upstream, cache_path=tmp_path)
        first = embedding("x", **call)
        again = asyncio.run(async_embedding("x", encoding_format="float", **call))
        assert again == first
        assert again._hidden_params["cache_hit"]
        assert len(upstream.requests()) == 2
        assert embedding("x", return_cache_key=True, **call) != embedding("y", return_cache_key=True, **call)
        assert embedding("x", dry_run=True, **call)["url"].endswith("/v1/embeddings")
    with pytest.raises(antiphon.BadRequestError, match="Anthropic has no embeddings"):
        embedding("x", "anthropic/claude-sonnet-4-5", api_key="canary")
    with (
        Faultd(error(401, "invalid_api_key", "no such key")) as upstream,
        pytest.raises(antiphon.AuthenticationError),
    ):
        asyncio.run(antiphon.aembedding("x", **options(upstream)))


def test_the_default_model(monkeypatch):
    assert embedding("x", mock_response=[1]).model == "text-embedding-3-small"
    monkeypatch.setenv("ANTIPHON_EMBEDDING_MODEL", "openai/text-embedding-3-large")
    assert embedding("x", mock_response=[1])._hidden_params["model_id"] == "text-embedding-3-large"


def test_mocks_and_bad_input():
    response = embedding(["a", "b", [1, 2]], mock_response=[1, 2.5])
    assert [item.embedding for item in response.data] == [[1.0, 2.5]] * 3
    for kwargs, message in [
        ({"input": []}, "input: is empty"),
        ({"input": "a", "stream": True}, "stream: embeddings have no such parameter"),
        ({"input": "a", "encoding_format": "int8"}, 'encoding_format: must be "float" or "base64"'),
        ({"input": "a", "mock_response": "text"}, "mock_response: must be a list of numbers"),
        ({"input": "a", "mock_response": [1, "x"]}, r"mock_response\[1\]: must be a number"),
    ]:
        with pytest.raises(antiphon.InvalidRequestError, match=message):
            embedding(**{"mock_response": [1], **kwargs})
    with pytest.raises(antiphon.RateLimitError):
        embedding("a", mock_response="antiphon.RateLimitError")


def test_local_vectors(tmp_path):
    path = tmp_path / "tiny-bert.gguf"
    tiny_bert.write(path)
    model = f"local/{path}"
    response = embedding(["the cat sat", "dogs", "the cat sat"], model)
    first, other, again = (item.embedding for item in response.data)
    assert len(first) == tiny_bert.WIDTH
    assert abs(sum(number * number for number in first) - 1) < 1e-5
    assert first == pytest.approx(again, abs=1e-6)
    assert first != pytest.approx(other, abs=1e-2)
    # [CLS] and [SEP] are counted.
    assert response.usage.prompt_tokens == 5 + 4 + 5
    assert response._hidden_params["response_cost"] == 0.0
    assert response._hidden_params["custom_llm_provider"] == "local"
    alone = asyncio.run(async_embedding("dogs", model))
    assert alone.data[0].embedding == pytest.approx(other, abs=1e-6)
    with pytest.raises(antiphon.ContextWindowExceededError, match="has 42 tokens, and the model reads 24"):
        embedding("cat " * 40, model)
    with pytest.raises(antiphon.BadRequestError, match="generates no text"):
        antiphon.completion("hi", model)
    with pytest.raises(antiphon.BadRequestError, match="chorister generates text, and gives no embeddings"):
        embedding("hi", "local/chorister")


def test_callbacks_hear_of_it():
    reports, told = [], threading.Event()

    def callback(report):
        reports.append(report)
        told.set()

    antiphon.callbacks.append(callback)
    try:
        embedding(["a"], mock_response=[1])
        assert told.wait(10)
    finally:
        antiphon.callbacks.remove(callback)
    assert reports[0]["operation"] == "embeddings"
    assert reports[0]["messages"] == ["a"]
    assert isinstance(reports[0]["response"], antiphon.EmbeddingResponse)


def test_the_signature_names_the_parameters():
    parameters = inspect.signature(embedding).parameters
    assert list(parameters)[:5] == ["input", "model", "dimensions", "encoding_format", "user"]
    assert inspect.signature(async_embedding) == inspect.signature(embedding)
    assert inspect.iscoroutinefunction(async_embedding)
