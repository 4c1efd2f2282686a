"""`antiphon.litellm`: programs written for LiteLLM, against an upstream, mocks and chorister."""

import asyncio
import inspect
import time

import antiphon
import antiphon.litellm as litellm
import litellm_facts as facts
import pydantic
import pytest
from conftest import CHORISTER
from faultd import error, stream
from hosted import CANARY, HI, header, shows_no_secret, survives_copies, text_reply

FRANCE = [{"role": "user", "content": "What is the capital of France?"}]
PARIS = "The capital of France is Paris."


@pytest.fixture
def openai(upstream, monkeypatch):
    """An upstream that OpenAI's models are asked at, as the environment says."""
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("OPENAI_API_BASE", upstream.url + "/v1")
    return upstream


@pytest.fixture
def setting(monkeypatch):
    """Assigns a setting of the module for one test."""
    return lambda name, value: monkeypatch.setattr(litellm, name, value)


@pytest.mark.parametrize("name", facts.SIGNATURES)
def test_signatures_are_litellms(name):
    function = getattr(litellm, name)
    assert inspect.isfunction(function)
    assert list(inspect.signature(function).parameters) == facts.SIGNATURES[name].split()
    assert function.__module__ in ("antiphon", "antiphon.litellm")


def test_async_functions_have_the_signatures_of_their_twins():
    for name in ("text_completion", "embedding"):
        twin = getattr(litellm, f"a{name}")
        assert inspect.iscoroutinefunction(twin)
        assert list(inspect.signature(twin).parameters) == facts.SIGNATURES[name].split()
    assert inspect.iscoroutinefunction(litellm.acompletion)


def test_a_whole_answer(openai):
    openai.script(text_reply("Paris"))
    response = litellm.completion(model="gpt-4o-mini", messages=FRANCE, temperature=0.2, max_tokens=9)
    assert isinstance(response, litellm.ModelResponse)
    assert response.choices[0].message.content == "Paris"
    assert response["choices"][0]["message"]["content"] == "Paris"
    assert response.usage.total_tokens == response["usage"]["total_tokens"] == 11
    assert response.json()["choices"][0]["message"]["role"] == "assistant"
    assert response.model_dump() == response.json()
    assert response._hidden_params["response_cost"] > 0
    assert response._hidden_params["custom_llm_provider"] == "openai"
    assert 0 < response._hidden_params["_response_ms"] < 60_000
    survives_copies(shows_no_secret(response))
    (request,) = openai.requests()
    assert request["target"] == "/v1/chat/completions"
    body = openai.bodies()[0]
    assert (body["model"], body["messages"], body["temperature"]) == ("gpt-4o-mini", FRANCE, 0.2)


def test_positions_are_litellms(openai):
    litellm.completion("gpt-4o", HI, 30, 0.5, 0.9, 2)
    body = openai.bodies()[0]
    assert (body["temperature"], body["top_p"], body["n"]) == (0.5, 0.9, 2)


def test_a_stream(openai):
    openai.script(stream(["Pa", "ris"]))
    chunks = litellm.completion(model="gpt-4o", messages=FRANCE, stream=True)
    assert isinstance(chunks, litellm.CustomStreamWrapper)
    texts = [chunk["choices"][0]["delta"]["content"] or "" for chunk in chunks]
    assert "".join(texts) == "Paris"
    assert not isinstance(texts, litellm.CustomStreamWrapper)


def test_asynchronous_calls(openai):
    async def main():
        openai.script(text_reply("Paris"))
        response = await litellm.acompletion(model="gpt-4o", messages=FRANCE)
        assert response.choices[0].message.content == "Paris"
        openai.script(stream(["Pa", "ris"]))
        chunks = await litellm.acompletion(model="gpt-4o", messages=FRANCE, stream=True)
        assert isinstance(chunks, litellm.CustomStreamWrapper)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])

    assert asyncio.run(main()) == "Paris"


def test_chorister():
    assert litellm.completion(CHORISTER, FRANCE).choices[0].message.content == PARIS
    chunks = litellm.completion(CHORISTER, FRANCE, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == PARIS
    assert asyncio.run(litellm.acompletion(CHORISTER, FRANCE)).choices[0].message.content == PARIS


def test_mocks():
    assert litellm.mock_completion("gpt-4o", HI, mock_response="x").choices[0].message.content == "x"
    response = litellm.completion("gpt-4o", HI, mock_response="It's sunny")
    assert response.choices[0].message.content == "It's sunny"
    for name, status in (
        ("RateLimitError", 429),
        ("InternalServerError", 500),
        ("ContextWindowExceededError", 400),
    ):
        with pytest.raises(getattr(litellm, name)) as caught:
            litellm.completion("gpt-4o", HI, mock_response=f"litellm.{name}", num_retries=0)
        assert (caught.value.status_code, caught.value.model) == (status, "gpt-4o")
    with pytest.raises(ZeroDivisionError):
        litellm.completion("gpt-4o", HI, mock_response=ZeroDivisionError("mine"))
    body = {
        "id": "x",
        "choices": [{"message": {"role": "assistant", "content": "dict"}, "finish_reason": "stop"}],
    }
    assert litellm.completion("gpt-4o", HI, mock_response=body).choices[0].message.content == "dict"
    calls = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    response = litellm.completion("gpt-4o", HI, mock_tool_calls=calls)
    assert response.choices[0].message.tool_calls[0].function.name == "f"


def test_a_mocked_timeout():
    start = time.monotonic()
    with pytest.raises(litellm.Timeout) as caught:
        litellm.completion("gpt-4o", HI, mock_timeout=True, timeout=0.2)
    assert 0.15 < time.monotonic() - start < 5
    assert caught.value.status_code == 408
    start = time.monotonic()
    litellm.completion("gpt-4o", HI, mock_response="x", mock_delay=0.1)
    assert time.monotonic() - start >= 0.1


@pytest.mark.parametrize("name", facts.EXCEPTIONS)
def test_exceptions_stand_in_both_places(name):
    cls = getattr(litellm, name)
    assert cls is getattr(litellm.exceptions, name)
    assert issubclass(cls, litellm.OpenAIError)
    made = cls(message="mine", llm_provider="openai", model="gpt-4o", response=None, num_retries=2)
    assert (made.message, made.llm_provider, made.model, made.num_retries) == ("mine", "openai", "gpt-4o", 2)
    if facts.EXCEPTIONS[name] is not None:
        assert made.status_code == facts.EXCEPTIONS[name]
    assert survives_copies(made).message == "mine"


def test_other_classes_of_errors():
    made = litellm.exceptions.APIError(status_code=503, message="mine", llm_provider="x", model="y")
    assert (made.status_code, str(made)) == (503, "mine")
    budget = litellm.BudgetExceededError(current_cost=2.0, max_budget=1.0)
    assert (budget.current_cost, budget.max_budget) == (2.0, 1.0)
    assert str(budget)
    survives_copies(budget)
    assert issubclass(litellm.exceptions.RejectedRequestError, litellm.BadRequestError)
    assert issubclass(litellm.ModelNotMappedError, litellm.NotFoundError)
    assert all(issubclass(cls, Exception) for cls in litellm.exceptions.LITELLM_EXCEPTION_TYPES)


def test_errors_of_a_provider(openai):
    for status, cls in (
        (401, litellm.AuthenticationError),
        (404, litellm.NotFoundError),
        (429, litellm.RateLimitError),
    ):
        openai.script(error(status))
        with pytest.raises(cls) as caught:
            litellm.completion("gpt-4o", HI, num_retries=0)
        assert (caught.value.status_code, caught.value.llm_provider, caught.value.model) == (
            status,
            "openai",
            "gpt-4o",
        )
        shows_no_secret(caught.value)
    with pytest.raises(litellm.BadRequestError):
        litellm.completion("nonsense/model", HI)


def test_retries_and_their_setting(openai, setting):
    openai.script([error(500, headers={"retry-after-ms": "1"}, times=None)])
    for options, attempts in (({"num_retries": 1}, 2), ({"max_retries": 0}, 1), ({}, 3)):
        openai.clear()
        with pytest.raises(litellm.InternalServerError):
            litellm.completion("gpt-4o", HI, **options)
        assert len(openai.requests()) == attempts
    setting("num_retries", 0)
    openai.clear()
    with pytest.raises(litellm.InternalServerError):
        litellm.completion("gpt-4o", HI)
    assert len(openai.requests()) == 1


def test_keys_and_addresses_as_settings(upstream, setting):
    setting("api_base", upstream.url + "/v1")
    setting("openai_key", "openai-key")
    setting("groq_key", "groq-key")
    sent = []
    for model, api_key in (
        ("gpt-4o", None),
        ("groq/m", None),
        ("mistral/m", "own-key"),
        ("openai/m", "own-key"),
    ):
        litellm.completion(model, HI, api_key=api_key)
        sent.append(header(upstream.requests()[-1], "authorization"))
    assert sent == ["Bearer openai-key", "Bearer groq-key", "Bearer own-key", "Bearer own-key"]
    setting("api_key", "one-key")
    for model, key in (("gpt-4o", "one-key"), ("groq/m", "groq-key"), ("mistral/m", "one-key")):
        litellm.completion(model, HI)
        assert header(upstream.requests()[-1], "authorization") == f"Bearer {key}"
    # A model of this process has no address.
    assert litellm.completion(CHORISTER, FRANCE).choices[0].message.content == PARIS


def test_headers(openai, setting):
    setting("headers", {"x-all": "1"})
    setting("organization", "org")
    litellm.completion("gpt-4o", HI, headers={"x-one": "2"}, extra_headers={"x-two": "3"})
    request = openai.requests()[0]
    names = ("x-all", "openai-organization", "x-one", "x-two")
    assert [header(request, name) for name in names] == ["1", "org", "2", "3"]


def test_drop_params(openai, setting):
    with pytest.raises(litellm.UnsupportedParamsError):
        litellm.completion("gpt-4o", HI, top_k=5)
    litellm.completion("gpt-4o", HI, top_k=5, drop_params=True)
    setting("drop_params", True)
    response = litellm.completion("gpt-4o", HI, top_k=5)
    assert "top_k" in response.warnings[0]
    setting("drop_params", False)
    litellm.completion("gpt-4o", HI, top_k=5, temperature=1, additional_drop_params=["top_k"])
    assert all("top_k" not in body for body in openai.bodies())


def test_names_of_models(openai, setting):
    setting("model_alias_map", {"mine": "gpt-4o-mini"})
    litellm.completion("mine", HI)
    litellm.completion("some/model", HI, custom_llm_provider="openai")
    litellm.completion("openai/gpt-4o", HI, custom_llm_provider="openai")
    assert [body["model"] for body in openai.bodies()] == ["gpt-4o-mini", "some/model", "gpt-4o"]


def test_fallbacks(openai, setting):
    openai.script([error(404), error(404), text_reply("second"), text_reply("third")])
    response = litellm.completion("gpt-4o", HI, fallbacks=["openai/gpt-4o-mini", CHORISTER])
    assert response.choices[0].message.content
    openai.script([error(404), text_reply("second")])
    setting("model_fallbacks", ["gpt-4o-mini"])
    assert litellm.completion("gpt-4o", HI).choices[0].message.content == "second"


def test_a_larger_context(openai):
    message = "This model's maximum context length is 8192 tokens."
    openai.script([error(400, "context_length_exceeded", message), text_reply("it fits")])
    response = litellm.completion("gpt-4", HI, context_window_fallback_dict={"gpt-4": "gpt-4o"})
    assert response.choices[0].message.content == "it fits"
    assert [body["model"] for body in openai.bodies()] == ["gpt-4", "gpt-4o"]
    openai.script([error(400, "context_length_exceeded", message), text_reply("it fits")])
    wider = asyncio.run(litellm.acompletion("gpt-4", HI, context_window_fallback_dict={"gpt-4": "gpt-4o"}))
    assert wider.choices[0].message.content == "it fits"
    openai.script(error(400, "context_length_exceeded", message))
    with pytest.raises(litellm.ContextWindowExceededError):
        litellm.completion("gpt-4", HI, context_window_fallback_dict={"gpt-3.5-turbo": "gpt-4o"})


def test_timeouts(openai, setting):
    class Timeout:
        """As httpx has it."""

        connect, read, write, pool = 1.0, 0.2, None, None

    openai.script(text_reply("late", delay_ms=3000))
    for timeout in (0.2, "0.2", Timeout()):
        with pytest.raises(litellm.Timeout):
            litellm.completion("gpt-4o", HI, timeout=timeout)
    setting("request_timeout", 0.2)
    with pytest.raises(litellm.Timeout):
        litellm.completion("gpt-4o", HI)
    with pytest.raises(litellm.Timeout):
        litellm.completion("gpt-4o", HI, timeout=60, stream=True, stream_timeout=0.2)
    with pytest.raises(litellm.BadRequestError, match=r"^timeout: must be seconds"):
        litellm.completion("gpt-4o", HI, timeout="soon")


def test_what_is_not_sent(openai):
    litellm.completion(
        "gpt-4o",
        HI,
        metadata={"trace": "x"},
        litellm_call_id="c",
        tags=["a"],
        rpm=3,
        verbose=True,
        model_info={"id": "x"},
        **{"no-log": True},
    )
    body = openai.bodies()[0]
    assert set(body) <= {"model", "messages", "stream", "stream_options"}
    litellm.completion("gpt-4o", HI, made_up_by_the_provider=1)
    assert openai.bodies()[1]["made_up_by_the_provider"] == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("client", object()),
        ("model_list", [{"model_name": "x"}]),
        ("ssl_verify", False),
        ("aws_secret_access_key", CANARY),
        ("vertex_credentials", CANARY),
        ("guardrails", ["x"]),
        ("retry_policy", {"TimeoutErrorRetries": 1}),
        ("input_cost_per_second", 1.0),
        ("additional_drop_params", ["tools[*].strict"]),
    ],
)
def test_what_is_refused(openai, name, value):
    with pytest.raises(litellm.BadRequestError) as caught:
        litellm.completion("gpt-4o", HI, **{name: value})
    assert str(caught.value).startswith(f"{name}: antiphon.litellm does not have it\nhint: ")
    assert caught.value.param == name
    shows_no_secret(caught.value)
    assert not openai.requests()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ssl_verify", False),
        ("client_session", object()),
        ("pre_call_rules", [len]),
        ("post_call_rules", [len]),
    ],
)
def test_settings_that_are_refused(openai, setting, name, value):
    setting(name, value)
    with pytest.raises(litellm.BadRequestError, match=f"^{name}: "):
        litellm.completion("gpt-4o", HI)
    assert not openai.requests()


def test_settings_that_programs_assign(openai, setting):
    for name in ("set_verbose", "suppress_debug_info", "modify_params", "telemetry"):
        setting(name, not getattr(litellm, name))
    litellm._turn_on_debug()
    assert litellm.completion("gpt-4o", HI).choices


def test_a_cache_in_memory(openai, setting):
    openai.script([text_reply("first"), text_reply("second"), text_reply("third")])
    setting("cache", litellm.Cache(namespace="test_a_cache_in_memory"))
    first = litellm.completion("gpt-4o", HI)
    again = litellm.completion("gpt-4o", HI)
    assert again.choices[0].message.content == "first"
    assert again.id == first.id
    assert again._hidden_params["cache_hit"] is True
    assert litellm.completion("gpt-4o", HI, cache={"no-cache": True}).choices[0].message.content == "second"
    assert litellm.completion("gpt-4o", HI, caching=False).choices[0].message.content == "third"
    litellm.disable_cache()
    assert litellm.cache is None


def test_a_cache_in_a_folder(openai, setting, tmp_path):
    openai.script([text_reply("first"), text_reply("second"), text_reply("third")])
    setting("cache", None)
    litellm.enable_cache(type="disk", disk_cache_dir=str(tmp_path / "answers"))
    first = litellm.completion("gpt-4o", HI)
    assert asyncio.run(litellm.acompletion("gpt-4o", HI)).id == first.id
    assert list((tmp_path / "answers").iterdir())
    litellm.update_cache(type="disk", disk_cache_dir=str(tmp_path / "answers"), mode="default_off")
    assert litellm.completion("gpt-4o", HI).choices[0].message.content == "second"
    assert litellm.completion("gpt-4o", HI, cache={"use-cache": True}).id == first.id
    litellm.update_cache("disk", disk_cache_dir=str(tmp_path / "answers"), supported_call_types=["embedding"])
    assert litellm.completion("gpt-4o", HI).choices[0].message.content == "third"


def test_caches_that_are_not_there():
    for arguments in ({"type": "redis", "host": "h"}, {"type": "s3"}, {"qdrant_api_base": "x"}):
        with pytest.raises(litellm.BadRequestError, match="cache of type"):
            litellm.Cache(**arguments)


def test_many_at_once(openai):
    questions = [[{"role": "user", "content": str(number)}] for number in range(20)]
    answers = litellm.batch_completion("gpt-4o", questions, max_tokens=5)
    assert [answer.choices[0].message.content for answer in answers] == ["Hello from faultd."] * 20
    assert {body["messages"][0]["content"] for body in openai.bodies()} == {str(n) for n in range(20)}
    failed = litellm.batch_completion(
        "gpt-4o", [HI, HI], mock_response="litellm.RateLimitError", num_retries=0
    )
    assert [type(answer) for answer in failed] == [litellm.RateLimitError] * 2


def test_many_models_at_once():
    answer = litellm.batch_completion_models(models=["nonsense/x", CHORISTER], messages=FRANCE)
    assert answer.choices[0].message.content == PARIS
    answers = litellm.batch_completion_models_all_responses(models=["nonsense/x", CHORISTER], messages=FRANCE)
    assert [answer.choices[0].message.content for answer in answers] == [PARIS]
    with pytest.raises(litellm.BadRequestError):
        litellm.batch_completion_models(models=["nonsense/x"], messages=FRANCE)
    with pytest.raises(litellm.BadRequestError, match="models: is required"):
        litellm.batch_completion_models(messages=FRANCE)


def test_chunks_come_to_an_answer(openai):
    openai.script(stream(["Pa", "ris"]))
    chunks = list(litellm.completion("gpt-4o", FRANCE, stream=True, stream_options={"include_usage": True}))
    built = litellm.stream_chunk_builder(chunks, messages=FRANCE)
    assert isinstance(built, litellm.ModelResponse)
    assert (built.choices[0].message.content, built.choices[0].finish_reason) == ("Paris", "stop")
    assert (built.usage.prompt_tokens, built.usage.completion_tokens, built.usage.total_tokens) == (9, 2, 11)
    assert (built.id, built.object) == (chunks[0].id, "chat.completion")
    assert litellm.stream_chunk_builder([]) is None
    part = litellm.stream_chunk_builder([chunk.model_dump() for chunk in chunks[:2]] + chunks[-1:])
    assert part.choices[0].message.content == "Pa"
    with pytest.raises(litellm.BadRequestError, match=r"^chunks\[0\]"):
        litellm.stream_chunk_builder([{"choices": 3}])


def test_chunks_of_tool_calls_come_to_calls():
    calls = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}]
    options = {"stream": True, "stream_options": {"include_usage": True}}
    chunks = list(litellm.completion("gpt-4o", HI, mock_tool_calls=calls, **options))
    built = litellm.stream_chunk_builder(chunks)
    assert built.choices[0].message.tool_calls[0].function.arguments == '{"a": 1}'
    assert built.choices[0].finish_reason == "tool_calls"


def test_answers_in_a_form(openai):
    class Person(pydantic.BaseModel):
        name: str

    openai.script(text_reply('{"name": "Ada"}'))
    message = litellm.completion("gpt-4o", HI, response_format=Person).choices[0].message
    assert message.content == '{"name": "Ada"}'
    assert message.parsed == Person(name="Ada")
    openai.script(text_reply("Ada"))
    with pytest.raises(litellm.JSONSchemaValidationError) as caught:
        litellm.completion("gpt-4o", HI, response_format=Person)
    assert caught.value.raw == "Ada"


def test_budget(openai, setting):
    setting("_current_cost", 0.0)
    setting("max_budget", 1e-9)
    litellm.completion("gpt-4o", HI)
    with pytest.raises(litellm.BudgetExceededError) as caught:
        litellm.completion("gpt-4o", HI)
    assert caught.value.current_cost == litellm._current_cost > caught.value.max_budget
    assert len(openai.requests()) == 1


def test_providers_of_models():
    for model, (name, provider) in facts.PROVIDERS.items():
        assert litellm.get_llm_provider(model)[:2] == (name, provider), model
    for model, address in facts.ADDRESSES.items():
        assert litellm.get_llm_provider(model)[3] == address
    assert litellm.get_llm_provider("x/y", custom_llm_provider="openai")[:2] == ("x/y", "openai")
    given = litellm.get_llm_provider("openai/x", api_base="http://localhost:1/v1", api_key="k")
    assert given == ("x", "openai", "k", "http://localhost:1/v1")
    assert litellm.get_llm_provider(CHORISTER) == ("chorister", "local", None, None)
    for model in ("nonsense", "nonsense/x"):
        with pytest.raises(litellm.BadRequestError):
            litellm.get_llm_provider(model)


def test_parameters_of_models():
    openai = litellm.get_supported_openai_params("gpt-4o")
    assert {"temperature", "tools", "tool_choice", "functions", "response_format", "logprobs", "user"} <= {
        *openai
    }
    assert "top_k" not in openai
    anthropic = litellm.get_supported_openai_params("claude-sonnet-4-5")
    assert {"temperature", "tools", "max_tokens", "stop", "thinking", "response_format"} <= {*anthropic}
    assert not {"logprobs", "frequency_penalty", "logit_bias", "seed"} & {*anthropic}
    assert "logprobs" not in litellm.get_supported_openai_params("x", "groq")
    assert litellm.get_supported_openai_params("nonsense") is None
    assert "temperature" in litellm.get_supported_openai_params(CHORISTER)
    assert "dimensions" in litellm.get_supported_openai_params(
        "text-embedding-3-small", request_type="embeddings"
    )


def test_keys_in_the_environment(monkeypatch):
    missing = {"keys_in_environment": False, "missing_keys": ["OPENAI_API_KEY"]}
    there = {"keys_in_environment": True, "missing_keys": []}
    assert litellm.validate_environment("gpt-4o") == missing
    assert litellm.validate_environment("groq/x")["missing_keys"] == ["GROQ_API_KEY"]
    assert litellm.validate_environment("gpt-4o", api_key="k") == there
    assert litellm.validate_environment(CHORISTER) == litellm.validate_environment("nonsense") == there
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    assert litellm.validate_environment(model="gpt-4o") == there


def test_valid_keys(openai):
    assert litellm.check_valid_key("gpt-4o", "some-key") is True
    openai.script(error(401))
    assert litellm.check_valid_key("gpt-4o", "some-key") is False


def test_the_text_of_an_answer():
    assert litellm.get_response_string(litellm.completion("gpt-4o", HI, mock_response="a", n=2)) == "aa"
    chunk = next(iter(litellm.completion("gpt-4o", HI, mock_response="a", stream=True)))
    assert litellm.get_response_string(chunk) in ("", "a")


def test_what_is_not_there():
    for name in ("Router", "router.Router"):
        module, _, member = f"antiphon.litellm.{name}".rpartition(".")
        with pytest.raises(ImportError, match=r"no Router yet.*fallbacks"):
            exec(f"from {module} import {member}")
    with pytest.raises(AttributeError, match=r"^antiphon\.litellm has no 'image_generation'; docs/"):
        _ = litellm.image_generation
    with pytest.raises(TypeError):
        litellm.CustomStreamWrapper()


MODULE = """
import sys
import antiphon.litellm
sys.modules["litellm"] = antiphon.litellm
import litellm, litellm.exceptions, litellm.utils, litellm.main
from litellm import acompletion, Cache, CustomLogger, ModelResponse
from litellm.caching.caching import Cache as Again
from litellm.exceptions import BudgetExceededError, RateLimitError
from litellm.integrations.custom_logger import CustomLogger as Logger
from litellm.main import completion
from litellm.types.utils import Choices, Message, ModelResponse as Response, StandardLoggingPayload, Usage
from litellm.utils import CustomStreamWrapper, trim_messages
assert completion is litellm.completion is antiphon.litellm.completion
assert Response is ModelResponse is antiphon.ModelResponse
assert BudgetExceededError is litellm.BudgetExceededError is litellm.exceptions.BudgetExceededError
assert Again is Cache and Logger is CustomLogger and RateLimitError is antiphon.RateLimitError
assert litellm.utils.trim_messages is trim_messages is litellm.trim_messages
HI = [{"role": "user", "content": "hi"}]
assert isinstance(completion("gpt-4o", HI, mock_response="x", stream=True), CustomStreamWrapper)
try:
    completion("gpt-4o", HI, mock_response="litellm.RateLimitError", num_retries=0)
except litellm.exceptions.RateLimitError as error:
    print(type(error).__name__)
"""


def test_it_stands_in_litellms_place(python):
    assert python(MODULE).stdout == "RateLimitError\n"


def test_import_is_light(python):
    process = python(
        """
import sys
import antiphon
assert "antiphon.litellm" not in sys.modules
before = set(sys.modules)
import antiphon.litellm
print(*sorted(set(sys.modules) - before))
"""
    )
    assert process.stdout.split() == [
        "antiphon.litellm",
        "antiphon.litellm._exceptions",
        "antiphon.litellm._functions",
        "antiphon.litellm._settings",
        "antiphon.litellm._streams",
    ]


def test_every_name_is_there():
    later = {"Embedding", "EmbeddingResponse", "TextChoices", "TextCompletionResponse"}
    later |= {"model_cost", "model_list", "models_by_provider", "provider_list"}
    for name in litellm.__all__:
        if name not in later or hasattr(antiphon, "model_cost"):
            assert getattr(litellm, name) is not None
    assert set(litellm.__all__) <= set(dir(litellm))
