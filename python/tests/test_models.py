"""What is known of models, and what calls cost."""

import antiphon
import pytest
from antiphon import (
    NotFoundError,
    completion,
    completion_cost,
    cost_per_token,
    get_model_info,
    register_model,
    search_models,
)


def test_a_model_is_told_in_litellms_words():
    info = get_model_info("gpt-4o-mini")
    assert (info["key"], info["litellm_provider"], info["mode"]) == ("gpt-4o-mini", "openai", "chat")
    assert (info["max_tokens"], info["max_input_tokens"], info["max_output_tokens"]) == (16384, 128000, 16384)
    assert (info["input_cost_per_token"], info["output_cost_per_token"]) == (1.5e-07, 6e-07)
    assert info["supports_function_calling"] is True
    assert info["supports_audio_input"] is None
    assert info["source"].startswith("https://")
    assert len(info["source_date"]) == len("2026-11-21")


@pytest.mark.parametrize(
    ("model", "provider", "key"),
    [
        ("openai/gpt-4o-mini-2024-07-18", None, "gpt-4o-mini"),
        ("claude-haiku-4-5-20251001", None, "claude-haiku-4-5"),
        ("openai/gpt-oss-20b", "groq", "groq/openai/gpt-oss-20b"),
        ("groq/openai/gpt-oss-20b", "groq", "groq/openai/gpt-oss-20b"),
        ("text-embedding-3-small", None, "text-embedding-3-small"),
        ("gpt-3.5-turbo-instruct", None, "gpt-3.5-turbo-instruct"),
        ("local/chorister", None, "local/chorister"),
    ],
)
def test_names_are_found(model, provider, key):
    assert get_model_info(model, provider)["key"] == key


def test_what_is_not_known_is_an_error_with_a_near_name():
    with pytest.raises(NotFoundError, match="gpt-4o-mimi") as caught:
        get_model_info("gpt-4o-mimi")
    assert caught.value.hint == 'did you mean "gpt-4o-mini"?'


def test_the_map_is_a_plain_dict_with_litellms_keys(python):
    program = """
import antiphon, json
models = antiphon.model_cost
assert type(models) is dict and models is antiphon.model_cost
assert next(iter(models)) == "sample_spec"
assert models["gpt-4o"]["input_cost_per_token"] == 2.5e-06
assert models["groq/openai/gpt-oss-20b"]["litellm_provider"] == "groq"
assert models["text-embedding-3-small"]["output_vector_size"] == 1536
json.dumps(models)
assert "gpt-4o" in antiphon.available_models and antiphon.available_models[0] == "local/chorister"
names = len(antiphon.available_models)

told = antiphon.register_model({"mine/m": {"input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}})
assert told is antiphon.model_cost and models["mine/m"]["input_cost_per_token"] == 1e-06
assert antiphon.get_model_info("mine/m")["output_cost_per_token"] == 2e-06
assert antiphon.available_models[names:] == ["mine/m"]
antiphon.register_model({"gpt-4o": {"input_cost_per_token": 1.0, "output_cost_per_token": 1.0}})
response = antiphon.completion("hi", model="gpt-4o", mock_response="ho")
assert response._hidden_params["response_cost"] == response.usage.total_tokens
response = antiphon.completion("hi", model="mine/m", mock_response="ho")
assert abs(response._hidden_params["response_cost"] - 3e-06) < 1e-12
"""
    python(program)


def test_a_forked_child_knows_what_was_registered(python):
    program = """
import antiphon, os, sys
if not hasattr(os, "fork"):
    sys.exit()
antiphon.register_model({"mine/m": {"input_cost_per_token": 1e-06, "output_cost_per_token": 0}})
child = os.fork()
if not child:
    os._exit(antiphon.get_model_info("mine/m")["input_cost_per_token"] != 1e-06)
assert os.waitpid(child, 0)[1] == 0
"""
    python(program)


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ({"m": 5}, r'model_cost\["m"\]: must be a dict'),
        ({"m": {"input_cost_per_token": -1}}, r"input_cost_per_token: must be a number, not less than 0"),
    ],
)
def test_a_wrong_price_is_refused(models, words):
    with pytest.raises(antiphon.InvalidRequestError, match=words):
        register_model(models)


def test_models_are_found_by_words():
    assert "text-embedding-3-large" in search_models("EMBEDDING openai")
    assert all(name.startswith("groq/") for name in search_models("groq"))
    assert search_models("no such thing") == []


def test_a_mock_of_a_priced_model_costs_what_its_usage_says():
    response = completion("a prompt of some words", model="gpt-4o-mini", mock_response="and an answer")
    usage = response.usage
    expected = (usage.prompt_tokens * 0.15 + usage.completion_tokens * 0.6) / 1e6
    assert response._hidden_params["response_cost"] == pytest.approx(expected)
    assert completion_cost(response) == pytest.approx(expected)
    assert completion_cost(completion_response=response.model_dump()) == pytest.approx(expected)


def test_a_streamed_mock_costs_the_same():
    stream = completion("hi", model="gpt-4o-mini", mock_response="ho ho", stream=True)
    assert list(stream)
    usage = stream.response.usage
    expected = (usage.prompt_tokens * 0.15 + usage.completion_tokens * 0.6) / 1e6
    assert stream.response._hidden_params["response_cost"] == pytest.approx(expected)


def test_a_local_model_costs_nothing_and_an_unknown_one_nobody_knows_what():
    assert completion("hi", model="local/chorister")._hidden_params["response_cost"] == 0.0
    for model in ("openrouter/nobody/knows", "openai/gpt-nothing"):
        response = completion("hi", model=model, mock_response="x")
        assert response._hidden_params["response_cost"] is None
        assert completion_cost(response) is None
    assert completion_cost(model="nobody/knows", prompt="a", completion="b") is None
    assert cost_per_token("nobody/knows", 1, 1) == (None, None)


def test_another_tier_of_service_has_a_price_that_is_not_known():
    body = {"usage": {"prompt_tokens": 1, "completion_tokens": 1}, "model": "gpt-5", "service_tier": "flex"}
    assert completion_cost(body) is None
    assert completion_cost({**body, "service_tier": "default"}) is not None


def test_a_provider_that_says_what_a_call_cost_is_believed():
    body = {"usage": {"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.25}, "model": "openrouter/a/b"}
    assert completion_cost(body) == 0.25


def test_texts_and_counts_have_a_cost():
    assert completion_cost(model="gpt-4o", prompt="hello world") == pytest.approx(2 * 2.5e-06)
    messages = [{"role": "user", "content": "hello world"}]
    counted = completion_cost(model="gpt-4o", messages=messages, completion="x")
    assert counted == pytest.approx((3 + 1 + 2 + 3) * 2.5e-06 + 1e-05)
    assert cost_per_token("gpt-4o", 1000, 100) == pytest.approx((0.0025, 0.001))
    cached = cost_per_token("gpt-4o", 1000, 0, cache_read_input_tokens=1000)
    assert cached == pytest.approx((0.00125, 0.0))
    written = cost_per_token("claude-sonnet-4-5", 1000, 0, cache_creation_input_tokens=1000)
    assert written == pytest.approx((0.00375, 0.0))
    prices = {"input_cost_per_token": 1.0, "output_cost_per_token": 2.0}
    assert cost_per_token("whatever", 2, 3, custom_cost_per_token=prices) == (2.0, 6.0)
    with pytest.raises(TypeError, match="needs a completion_response"):
        completion_cost()


def test_a_long_prompt_has_its_own_price():
    assert cost_per_token("gpt-5.4", 272_000, 0)[0] == pytest.approx(0.272 * 2.5)
    assert cost_per_token("gpt-5.4", 272_001, 0)[0] == pytest.approx(0.272001 * 5)


def test_a_hosted_call_costs_what_its_usage_says(upstream):
    response = completion("hi", model="gpt-4o-mini", base_url=upstream.url + "/v1", api_key="k")
    usage = response.usage
    expected = (usage.prompt_tokens * 0.15 + usage.completion_tokens * 0.6) / 1e6
    assert response._hidden_params["response_cost"] == pytest.approx(expected)
    assert completion_cost(response) == pytest.approx(expected)
