"""Raw prompts: the objects of the answer, its stream, and where the prompt goes."""

import asyncio
import copy
import inspect
import pickle

import antiphon
import pytest
from antiphon import async_text_completion, text_completion
from conftest import CHORISTER
from faultd import Faultd, error, json_reply

INSTRUCT = "openai/gpt-3.5-turbo-instruct"


def answer(*texts, **more):
    choices = [
        {"text": text, "index": index, "logprobs": None, "finish_reason": "stop"}
        for index, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    body = {"id": "cmpl-1", "object": "text_completion", "created": 1760000000, "model": "m"}
    return json_reply({**body, "choices": choices, "usage": usage, **more})


def options(upstream, model=INSTRUCT, **more):
    return {
        "model": model,
        "base_url": f"{upstream.url}/v1",
        "api_key": "canary",
        "retry_delay": 0.001,
        **more,
    }


def test_an_answer_prints_as_other_answers_do():
    with Faultd(answer("Paris.")) as upstream:
        response = text_completion("The capital of France is", **options(upstream, max_tokens=5))
        sent, body = upstream.requests()[0], upstream.bodies()[0]
    assert sent["target"] == "/v1/completions"
    assert body == {
        "model": "gpt-3.5-turbo-instruct",
        "prompt": "The capital of France is",
        "max_tokens": 5,
    }
    assert isinstance(response, antiphon.TextCompletionResponse)
    assert response.choices[0].text == response["choices"][0]["text"] == "Paris."
    assert str(response) == (
        "TextCompletionResponse(\n"
        "    id='cmpl-1',\n"
        "    created=1760000000,\n"
        "    model='m',\n"
        "    object='text_completion',\n"
        "    choices=[\n"
        "        TextChoices(\n"
        "            finish_reason='stop',\n"
        "            index=0,\n"
        "            logprobs=None,\n"
        "            text='Paris.'\n"
        "        )\n"
        "    ],\n"
        "    usage=Usage(\n"
        "        completion_tokens=2,\n"
        "        prompt_tokens=3,\n"
        "        total_tokens=5,\n"
        "        completion_tokens_details=None,\n"
        "        prompt_tokens_details=None\n"
        "    )\n"
        ")"
    )
    for copied in (pickle.loads(pickle.dumps(response)), copy.deepcopy(response)):
        assert copied == response
        assert copied._hidden_params == response._hidden_params
    assert response._hidden_params["custom_llm_provider"] == "openai"
    assert response._repr_markdown_() == "Paris."


def test_probabilities_stay_as_they_came():
    logprobs = {
        "text_offset": [0, 2],
        "token_logprobs": [None, -0.5],
        "tokens": ["Hi", "!"],
        "top_logprobs": [None, {"!": -0.5, "?": -2.0}],
    }
    choice = {"text": "Hi!", "index": 0, "logprobs": logprobs, "finish_reason": "stop"}
    with Faultd(answer(choices=[choice])) as upstream:
        response = text_completion("Hi", echo=True, logprobs=2, **options(upstream))
    assert isinstance(response.choices[0].logprobs, antiphon.Logprobs)
    assert response.choices[0].logprobs.model_dump() == logprobs


def test_a_stream_brings_pieces_of_the_same_class():
    with Faultd() as upstream:
        stream = text_completion(
            "hi", stream=True, stream_options={"include_usage": True}, **options(upstream, "openai/gpt-4o")
        )
        chunks = list(stream)
        sent, body = upstream.requests()[0], upstream.bodies()[0]
    assert {type(chunk) for chunk in chunks} == {antiphon.TextCompletionResponse}
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens > 0
    whole = "".join(chunk.choices[0].text for chunk in chunks[:-1])
    assert whole
    assert stream.response.choices[0].text == whole
    assert type(stream.response) is antiphon.TextCompletionResponse
    # The model only answers chats.
    assert sent["target"] == "/v1/chat/completions"
    assert body["messages"] == [{"role": "user", "content": "hi"}]


def test_the_async_twin_and_what_stands_around_a_call(tmp_path):
    with Faultd([error(429, "rate_limit_exceeded", "slow down"), answer("one"), answer("two")]) as upstream:
        call = options(upstream, cache_path=tmp_path)

        async def both():
            first = await async_text_completion("x", **call)
            stream = await antiphon.atext_completion("x", stream=True, **call)
            return first, [chunk async for chunk in stream]

        first, chunks = asyncio.run(both())
        assert first.choices[0].text == "one"
        assert "".join(chunk.choices[0].text for chunk in chunks) == "one"
        assert text_completion("x", **call)._hidden_params["cache_hit"]
        assert len(upstream.requests()) == 2
        key = text_completion("x", return_cache_key=True, **call)
        assert key != text_completion("y", return_cache_key=True, **call)
        assert key != antiphon.completion("x", return_cache_key=True, **call)
        explained = text_completion("x", dry_run=True, **call)
        assert explained["url"].endswith("/v1/completions")
        assert explained["body"]["prompt"] == "x"


def test_a_mock_and_its_errors():
    response = text_completion(["a", "b"], "m/x", mock_response="hi", n=2)
    assert [choice.text for choice in response.choices] == ["hi"] * 4
    with pytest.raises(antiphon.RateLimitError):
        text_completion("a", "m/x", mock_response="litellm.RateLimitError")
    with pytest.raises(KeyError):
        text_completion("a", "m/x", mock_response=KeyError("mine"))


def test_local_prompts_go_to_the_model_as_they_are():
    prompt = "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n"
    chat = antiphon.completion("What is the capital of France?", CHORISTER)
    raw = text_completion(prompt, CHORISTER, max_tokens=60)
    assert raw.choices[0].text == chat.choices[0].message.content
    assert raw.usage == chat.usage
    assert raw._hidden_params["response_cost"] == 0.0
    several = text_completion([prompt, "Once"], CHORISTER, n=2, max_tokens=8)
    assert [choice.index for choice in several.choices] == [0, 1, 2, 3]
    assert several.choices[0].text == several.choices[1].text
    alone = text_completion("Once", CHORISTER, max_tokens=8)
    assert several.choices[2].text == alone.choices[0].text
    assert several.usage.prompt_tokens == raw.usage.prompt_tokens + alone.usage.prompt_tokens
    stream = text_completion(prompt, CHORISTER, max_tokens=60, stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream) == raw.choices[0].text
    with pytest.raises(antiphon.UnsupportedParamsError, match="suffix"):
        text_completion("a", CHORISTER, suffix="b")


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({}, "prompt: is required"),
        ({"prompt": []}, "prompt: is empty"),
        ({"prompt": 5}, "prompt: must be a text, a list of tokens, or a list of either"),
        ({"prompt": ["a", 1]}, r"prompt\[1\]: must be a text or a list of tokens"),
        ({"prompt": "a", "logprobs": True}, "logprobs: must be a whole number"),
        ({"prompt": "a", "tools": [{"type": "web"}]}, "tools: a text completion has no such parameter"),
        ({"prompt": "a", "temprature": 1}, "temprature: is no parameter"),
    ],
)
def test_bad_input_names_the_field(kwargs, message):
    with pytest.raises(antiphon.InvalidRequestError, match=message):
        text_completion(model="m/x", mock_response="hi", **kwargs)


def test_the_signature_names_the_parameters():
    parameters = inspect.signature(text_completion).parameters
    assert list(parameters)[:4] == ["prompt", "model", "best_of", "echo"]
    assert inspect.signature(async_text_completion) == inspect.signature(text_completion)
    assert inspect.iscoroutinefunction(async_text_completion)
    with pytest.raises(TypeError, match=r"text_completion\(\) takes from 0 to 2 positional arguments but 3"):
        text_completion("a", "m/x", 5)
