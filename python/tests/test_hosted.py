"""Hosted calls through the binding, against an upstream that behaves."""

import asyncio
import json
import sys

import antiphon
import pytest
from antiphon import AuthenticationError, ModelResponse, acompletion, completion
from conftest import CHORISTER
from faultd import Faultd, error, json_reply, stream, text
from hosted import (
    ANTHROPIC,
    CANARY,
    HI,
    OPENAI,
    acall,
    arguments,
    call,
    fails,
    header,
    message_reply,
    shows_no_secret,
    survives_copies,
    text_reply,
)

BOTH = pytest.mark.parametrize("model", [OPENAI, ANTHROPIC])


def content(response):
    return response.choices[0].message.content


def joined(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


@BOTH
def test_whole(upstream, model):
    response = call(upstream, model, temperature=0.5)
    assert type(response) is ModelResponse
    assert content(response) == "Hello from faultd."
    assert response.choices[0].finish_reason == "stop"
    assert response.usage.prompt_tokens == 9
    assert response.usage.total_tokens == 9 + response.usage.completion_tokens
    assert response._hidden_params["custom_llm_provider"] == model.partition("/")[0]
    assert response._hidden_params["model_id"] == model.partition("/")[2]
    assert response._hidden_params["cache_hit"] is False
    assert response.warnings == []
    shows_no_secret(survives_copies(response))
    (request,) = upstream.requests()
    body = json.loads(request["body"])
    assert body["model"] == model.partition("/")[2]
    assert body["temperature"] == 0.5
    assert not body.get("stream")
    key = header(request, "authorization" if model == OPENAI else "x-api-key")
    assert key == (f"Bearer {CANARY}" if model == OPENAI else CANARY)


@BOTH
def test_stream(upstream, model):
    chunks = call(upstream, model, stream=True, stream_options={"include_usage": True})
    assert chunks.response.choices
    read = list(chunks)
    assert joined(read) == "Hello from faultd."
    assert [chunk.choices[0].finish_reason for chunk in read if chunk.choices][-1] == "stop"
    assert read[-1].usage.total_tokens == chunks.usage.total_tokens > 9
    assert content(chunks.response) == "Hello from faultd."
    assert chunks._hidden_params["custom_llm_provider"] == model.partition("/")[0]
    for chunk in read:
        shows_no_secret(survives_copies(chunk))
    shows_no_secret(survives_copies(chunks.response))
    assert upstream.bodies()[0]["stream"] is True


@BOTH
def test_asynchronous(upstream, model):
    async def main():
        whole = await acall(upstream, model)
        stream = await acall(upstream, model, stream=True)
        chunks = [chunk async for chunk in stream]
        async with await acall(upstream, model, stream=True) as closed:
            await anext(closed)
        return content(whole), joined(chunks), content(stream.response)

    assert asyncio.run(main()) == ("Hello from faultd.",) * 3


def test_streams_are_not_to_be_copied(upstream):
    import copy
    import pickle

    async def opened():
        return await acall(upstream, stream=True)

    for stream_ in (call(upstream, stream=True), asyncio.run(opened())):
        for copied in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match=r"a stream cannot be copied or pickled.*stream\.response"):
                copied(stream_)
        shows_no_secret(stream_.response)


CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": CITY}}


def test_tools(upstream):
    function = {"name": "weather", "arguments": '{"city": "Oslo"}'}
    message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
    }
    upstream.script([message_reply(message, "tool_calls"), text_reply("Cold.")])
    response = call(upstream, tools=[TOOL], tool_choice="auto")
    (asked,) = response.choices[0].message.tool_calls
    assert (asked.id, asked.function.name) == ("call_1", "weather")
    assert json.loads(asked.function.arguments) == {"city": "Oslo"}
    assert response.choices[0].finish_reason == "tool_calls"
    # Our own message goes back as it is.
    answered = {"role": "tool", "tool_call_id": asked.id, "content": "-3 C"}
    assert content(call(upstream, messages=[*HI, response.choices[0].message, answered])) == "Cold."
    first, second = upstream.bodies()
    assert first["tools"] == [TOOL]
    assert second["messages"][1]["tool_calls"][0]["function"] == function
    assert second["messages"][2] == answered


PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
ADA = '{"name": "Ada", "age": 36}'


def test_response_format_as_a_dict(upstream):
    upstream.script(text_reply(ADA))
    form = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON, "strict": True}}
    response = call(upstream, response_format=form)
    assert json.loads(content(response)) == {"name": "Ada", "age": 36}
    assert response._hidden_params["structured_output"] == "native"
    assert upstream.bodies()[0]["response_format"]["json_schema"]["schema"] == PERSON


def test_response_format_as_a_model(upstream):
    pydantic = pytest.importorskip("pydantic")
    person = pydantic.create_model("Person", name=(str, ...), age=(int, ...))
    upstream.script(text_reply(ADA))
    response = call(upstream, response_format=person)
    assert person.model_validate_json(content(response)).age == 36
    sent = upstream.bodies()[0]["response_format"]["json_schema"]
    assert sent["name"] == "Person"
    assert set(sent["schema"]["properties"]) == {"name", "age"}


def test_response_format_by_a_tool(upstream):
    body = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-3-haiku-20240307",
        "content": [{"type": "tool_use", "id": "t", "name": "json_response", "input": json.loads(ADA)}],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 2},
    }
    upstream.script(json_reply(body))
    form = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON}}
    response = call(upstream, "anthropic/claude-3-haiku-20240307", max_tokens=64, response_format=form)
    assert json.loads(content(response)) == {"name": "Ada", "age": 36}
    assert response.choices[0].finish_reason == "stop"
    assert response.choices[0].message.tool_calls is None
    assert response._hidden_params["structured_output"] == "tool"


def test_what_is_known_beside_the_answer(upstream):
    upstream.script(text_reply())
    response = call(upstream)
    known = response._hidden_params
    assert known["request_id"] == "req_1"
    # 9 tokens in and 2 out, at the prices of gpt-4o-mini.
    assert known["response_cost"] == pytest.approx(9 * 0.15e-6 + 2 * 0.60e-6)
    unpriced = call(upstream, "openai/a-model-nobody-knows")
    assert unpriced._hidden_params["response_cost"] is None


def test_drop_params(upstream):
    with pytest.raises(antiphon.UnsupportedParamsError, match="top_k") as caught:
        call(upstream, top_k=5)
    assert "drop_params=True" in str(caught.value)
    assert upstream.requests() == []
    response = call(upstream, top_k=5, drop_params=True)
    assert any("top_k was dropped" in warning for warning in response.warnings)
    assert "top_k" not in upstream.bodies()[0]


def test_an_unknown_parameter_is_passed_on_and_told(upstream):
    response = call(upstream, vendor_flag=7, extra_body={"other": [1]})
    assert any("vendor_flag" in warning for warning in response.warnings)
    (body,) = upstream.bodies()
    assert (body["vendor_flag"], body["other"]) == (7, [1])


def test_a_fallback_to_another_upstream(upstream):
    with Faultd(error(503, message="down", kind="server_error")) as broken:
        fallback = {"model": ANTHROPIC, "base_url": upstream.url, "api_key": "another"}
        for kwargs in ({}, {"stream": True}):
            answer = call(broken, max_retries=0, fallbacks=[fallback], **kwargs)
            if kwargs:
                assert joined(answer) == "Hello from faultd."
                answer = answer.response
            assert content(answer) == "Hello from faultd."
            assert answer._hidden_params["custom_llm_provider"] == "anthropic"
            assert any("a fallback was asked" in warning for warning in answer.warnings)
            shows_no_secret(answer)
    # The first one's key is not the second one's.
    assert [header(request, "x-api-key") for request in upstream.requests()] == ["another"] * 2
    assert not any(CANARY in str(request) for request in upstream.requests())


@pytest.mark.skipif(not antiphon._antiphon.LOCAL_MODELS, reason="this build has no local models")
def test_a_fallback_to_the_built_in_model(upstream):
    upstream.script(error(500))
    response = call(upstream, messages="What is the capital of France?", max_retries=0, fallbacks=[CHORISTER])
    assert content(response) == "The capital of France is Paris."
    assert response._hidden_params["custom_llm_provider"] == "local"
    assert response._hidden_params["response_cost"] == 0


@pytest.mark.parametrize("asynchronous", [False, True])
def test_dry_run(upstream, asynchronous):
    kwargs = arguments(upstream, dry_run=True, temperature=0.5, extra_headers={"x-own": "secret-too"})
    explained = asyncio.run(acompletion(**kwargs)) if asynchronous else completion(**kwargs)
    assert type(explained) is dict
    assert explained["url"] == f"{upstream.url}/v1/chat/completions"
    assert explained["headers"]["authorization"] == "Bearer ****"
    assert explained["headers"]["x-own"] == "****"
    assert explained["body"]["temperature"] == 0.5
    shows_no_secret(explained)
    assert upstream.record()["accepted"] == 0


def test_extra_headers(upstream):
    call(upstream, extra_headers={"X-Own": "mine", "user-agent": "me/1"})
    (request,) = upstream.requests()
    assert header(request, "x-own") == "mine"
    assert header(request, "user-agent") == "me/1"
    for wrong in ({"x-own": "a\r\nhost: b"}, {"bad name": "x"}, {"host": "elsewhere"}):
        with pytest.raises(antiphon.InvalidRequestError):
            call(upstream, extra_headers=wrong)
    with pytest.raises(antiphon.InvalidRequestError) as caught:
        call(upstream, api_key=f"{CANARY}\r\nx: y")
    shows_no_secret(caught.value)
    assert len(upstream.requests()) == 1


def test_addresses_from_the_environment(upstream, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", upstream.url + "/v1")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", upstream.url)
    for model in (OPENAI, ANTHROPIC):
        assert content(completion("hi", model, api_key=CANARY)) == "Hello from faultd."
    with Faultd(text("argument")) as other:
        assert content(call(other)) == "argument"
    assert [request["target"] for request in upstream.requests()] == ["/v1/chat/completions", "/v1/messages"]


def test_tokens_and_organisations_from_the_environment(upstream, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", CANARY)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-1")
    completion("hi", ANTHROPIC, base_url=upstream.url)
    completion("hi", ANTHROPIC, base_url=upstream.url, api_key="given")
    call(upstream)
    token, key, openai = upstream.requests()
    assert header(token, "authorization") == f"Bearer {CANARY}"
    assert header(token, "x-api-key") is None
    assert header(key, "x-api-key") == "given"
    assert header(key, "authorization") is None
    assert header(openai, "openai-organization") == "org-1"
    assert header(openai, "openai-project") == "proj-1"


KEYS = """
import sys
from antiphon import completion
for key in ({"api_key": "argument"}, {}):
    completion("hi", "openai/gpt-4o-mini", base_url=sys.argv[1] + "/v1", **key)
"""


def test_where_keys_are_found(upstream, python, tmp_path, monkeypatch):
    """The argument comes before the environment, that before the stored keys, then the configuration."""
    monkeypatch.setenv("ANTIPHON_CONFIG_DIR", str(tmp_path))
    (tmp_path / "config.toml").write_text('[providers.openai]\napi_key = "configured"\n')
    (tmp_path / "keys.json").write_text('{"openai": "stored"}')
    monkeypatch.setenv("OPENAI_API_KEY", "environment")
    python(KEYS, upstream.url)
    monkeypatch.delenv("OPENAI_API_KEY")
    python(KEYS, upstream.url)
    (tmp_path / "keys.json").unlink()
    python(KEYS, upstream.url)
    found = [header(request, "authorization") for request in upstream.requests()]
    wanted = ["argument", "environment", "argument", "stored", "argument", "configured"]
    assert found == [f"Bearer {key}" for key in wanted]


@pytest.mark.parametrize(
    ("model", "variable"), [(OPENAI, "OPENAI_API_KEY"), (ANTHROPIC, "ANTHROPIC_API_KEY")]
)
@pytest.mark.parametrize("kwargs", [{}, {"stream": True}])
def test_a_missing_key(model, variable, kwargs):
    with pytest.raises(AuthenticationError) as caught:
        completion("hi", model, **kwargs)
    told = str(caught.value)
    assert variable in told
    assert "api_key" in told
    assert f"antiphon keys set {model.partition('/')[0]}" in told
    assert told.endswith(f'model="{CHORISTER}"')
    assert caught.value.llm_provider == model.partition("/")[0]
    survives_copies(caught.value)


def test_a_key_that_is_refused(upstream):
    upstream.script(error(401, "invalid_api_key", f"Incorrect API key provided: {CANARY}."))
    refused = fails(AuthenticationError, upstream)
    assert refused.status_code == 401
    assert refused.code == "invalid_api_key"
    assert len(refused.attempts) == 1


def test_a_call_starts_the_worker_and_import_does_not(python, upstream):
    if sys.platform != "linux":
        pytest.skip("reads /proc")
    python(
        """
import os, sys
def state():
    sockets = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
               if os.path.exists(f"/proc/self/fd/{fd}")]
    return len(os.listdir("/proc/self/task")), sum(name.startswith("socket") for name in sockets)
before = state()
import antiphon
assert state() == before == (1, 0), state()
call = dict(model="openai/gpt-4o-mini", base_url=sys.argv[1] + "/v1", api_key="k")
antiphon.completion("hi", dry_run=True, **call)
assert state()[0] == 1
antiphon.completion("hi", **call)
threads, sockets = state()
assert threads == 2, threads
assert sockets == 1, sockets
names = [open(f"/proc/self/task/{task}/comm").read().strip() for task in os.listdir("/proc/self/task")]
assert "antiphon" in names, names
""",
        upstream.url,
    )


def test_one_connection_serves_calls_one_after_the_other(upstream):
    for _ in range(5):
        call(upstream)
        list(call(upstream, stream=True))
    assert upstream.record()["accepted"] == 1


def test_a_stream_that_comes_slowly(upstream):
    upstream.script(stream(["a", "b", "c"], every_ms=20))
    assert joined(call(upstream, stream=True)) == "abc"
