"""What `antiphon.litellm` tells of models, prices and tokens, held against LiteLLM 1.109.1."""

import antiphon.litellm as litellm
import litellm_facts as facts
import pytest
from conftest import CHORISTER
from hosted import HI


@pytest.mark.parametrize("ability", facts.ABILITIES)
def test_abilities(ability):
    supports = getattr(litellm, f"supports_{ability}")
    assert {model: supports(model) for model in facts.ABILITIES[ability]} == facts.ABILITIES[ability]
    assert supports("gpt-4o", None) is supports("openai/gpt-4o") is supports("gpt-4o", "openai")


def test_the_catalogue():
    assert type(litellm.model_cost) is dict
    assert set(litellm.model_cost["sample_spec"]) >= set(facts.SAMPLE_SPEC)
    assert litellm.model_cost["gpt-4o"]["litellm_provider"] == "openai"
    assert "gpt-4o" in litellm.model_list
    assert "sample_spec" not in litellm.model_list
    assert "gpt-4o" in litellm.models_by_provider["openai"]
    assert litellm.LlmProviders.OPENAI in litellm.provider_list
    assert litellm.LlmProviders.OPENAI.value == litellm.LlmProviders.OPENAI == "openai"


def test_facts_of_a_model():
    info = litellm.get_model_info("gpt-4o")
    assert (info["key"], info["litellm_provider"], info["mode"]) == ("gpt-4o", "openai", "chat")
    assert (info["max_input_tokens"], info["max_output_tokens"]) == (128000, 16384)
    assert (info["input_cost_per_token"], info["output_cost_per_token"]) == (2.5e-06, 1e-05)
    assert litellm.get_max_tokens("gpt-4o") == 16384
    assert litellm.get_max_tokens("claude-sonnet-4-5") == 64000
    for function in (litellm.get_model_info, litellm.get_max_tokens):
        with pytest.raises(litellm.ModelNotMappedError, match="is not in the catalogue"):
            function("nonsense-x")


def test_costs():
    assert litellm.cost_per_token("gpt-4o", 1000, 1000) == pytest.approx((0.0025, 0.01))
    assert litellm.cost_per_token("claude-sonnet-4-5", 1000, 1000) == pytest.approx((0.003, 0.015))
    response = litellm.completion("gpt-4o", HI, mock_response="It's sunny")
    usage = response.usage
    expected = usage.prompt_tokens * 2.5e-06 + usage.completion_tokens * 1e-05
    assert litellm.completion_cost(response) == pytest.approx(expected)
    assert litellm.completion_cost(completion_response=response, model="gpt-4o") == pytest.approx(expected)
    assert litellm.completion_cost(model="gpt-4o", prompt="hi there", completion="fine") == pytest.approx(
        1.5e-05
    )
    price = {"input_cost_per_token": 1.0, "output_cost_per_token": 2.0}
    assert litellm.completion_cost(response, custom_cost_per_token=price) == (
        usage.prompt_tokens + 2 * usage.completion_tokens
    )
    assert litellm.completion_cost(litellm.completion(CHORISTER, HI)) == 0.0
    with pytest.raises(litellm.NotFoundError):
        litellm.completion_cost(model="nonsense-x", prompt="hi", completion="x")
    with pytest.raises(litellm.NotFoundError):
        litellm.cost_per_token("nonsense-x", 1, 1)


def test_a_model_of_ones_own(monkeypatch):
    litellm.register_model(
        {
            "custom_openai/own": {
                "input_cost_per_token": 1e-3,
                "output_cost_per_token": 2e-3,
                "supports_vision": True,
            }
        }
    )
    response = litellm.completion("custom_openai/own", HI, mock_response="x")
    usage = response.usage
    cost = usage.prompt_tokens * 1e-3 + usage.completion_tokens * 2e-3
    assert response._hidden_params["response_cost"] == pytest.approx(cost)
    assert litellm.supports_vision("custom_openai/own")
    response = litellm.completion(
        "custom_openai/other", HI, mock_response="x", input_cost_per_token=1.0, output_cost_per_token=0.0
    )
    assert response._hidden_params["response_cost"] == response.usage.prompt_tokens
    with pytest.raises(litellm.BadRequestError, match="model_cost: must be a dict"):
        litellm.register_model("https://example.com/prices.json")


def test_tokens():
    # cl100k and o200k of these are what tiktoken says.
    assert litellm.encode("gpt-4o", "hello world") == [24912, 2375]
    assert litellm.decode("gpt-4o", [24912, 2375]) == "hello world"
    assert litellm.token_counter("gpt-4o", text="hello world") == 2
    assert litellm.token_counter(model="gpt-4o", messages=HI) == 8
    assert litellm.token_counter(CHORISTER, text="What is the capital of France?") > 0
    sound = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    messages = [{"role": "user", "content": [sound]}]
    assert litellm.token_counter("gpt-4o", messages=messages, default_token_count=7) == 14


def test_messages_that_are_too_long():
    long = "hello " * 200
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "first " * 200},
        {"role": "user", "content": long},
        {"role": "user", "content": "last"},
    ]
    before = [dict(message) for message in messages]
    kept = litellm.trim_messages(messages, model="gpt-4o", max_tokens=60)
    assert messages == before
    assert litellm.token_counter("gpt-4o", messages=kept) <= 60
    assert kept[0] == messages[0]
    assert kept[-1] == messages[-1]
    assert len(kept) == 3
    head, _, tail = kept[1]["content"].partition("..")
    assert long.startswith(head)
    assert long.endswith(tail)
    assert litellm.trim_messages(HI, model="gpt-4o") == HI
    kept, left = litellm.trim_messages(HI, model="gpt-4o", return_response_tokens=True)
    assert (kept, left) == (HI, 96000 - 8)
    with pytest.raises(litellm.BadRequestError, match="the system messages alone"):
        litellm.trim_messages([{"role": "system", "content": long}], model="gpt-4o", max_tokens=20)
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    tools = [
        {"role": "user", "content": long},
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c", "content": "3"},
    ]
    assert litellm.trim_messages(tools, model="gpt-4o", max_tokens=80)[-2:] == tools[-2:]


def test_models_that_there_is_a_key_for(monkeypatch):
    assert "gpt-4o" not in litellm.get_valid_models()
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    assert "gpt-4o" in litellm.get_valid_models()
    assert "gpt-4o" in litellm.get_valid_models(custom_llm_provider="openai")
    assert "claude-sonnet-4-5" not in litellm.get_valid_models()


def test_chunks_without_usage_are_counted():
    chunks = list(litellm.completion("gpt-4o", HI, mock_response="It's sunny", stream=True))
    built = litellm.stream_chunk_builder(chunks, messages=HI)
    # As LiteLLM counts them: eight of the prompt, and of the answer.
    assert (built.usage.prompt_tokens, built.usage.total_tokens) == (8, 8 + built.usage.completion_tokens)
    assert built.usage.completion_tokens == litellm.token_counter("gpt-4o", text="It's sunny")


def test_a_function_as_a_tool():
    def weather(city: str, days: int = 1) -> str:
        """The weather of a city."""
        return f"{city} {days}"

    tool = litellm.utils.function_to_dict(weather)
    assert (tool["name"], tool["description"]) == ("weather", "The weather of a city.")
    assert tool["parameters"]["properties"]["city"]["type"] == "string"
    assert tool["parameters"]["required"] == ["city"]
