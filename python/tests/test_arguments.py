"""Which argument is which, and what signatures show."""

import asyncio
import inspect
import pickle

import pytest
from antiphon import InvalidRequestError, _antiphon, acompletion, async_completion, completion

LIST = [{"role": "user", "content": "hi"}]

# LiteLLM's order, from the third parameter on.
LITELLM = [
    "timeout",
    "temperature",
    "top_p",
    "n",
    "stream",
    "stream_options",
    "stop",
    "max_completion_tokens",
    "max_tokens",
    "modalities",
    "prediction",
    "audio",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "user",
    "reasoning_effort",
    "verbosity",
    "response_format",
    "seed",
    "tools",
    "tool_choice",
    "logprobs",
    "top_logprobs",
    "parallel_tool_calls",
]


def model_of(*args, **kwargs):
    return completion(*args, mock_response="x", **kwargs).model


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        (("hi", "gpt-4o"), {}),
        (("hi",), {"model": "gpt-4o"}),
        ((LIST, "gpt-4o"), {}),
        (("gpt-4o", LIST), {}),
        (("gpt-4o", tuple(LIST)), {}),
        (("gpt-4o",), {"messages": "hi"}),
        (("gpt-4o",), {"messages": LIST}),
        ((), {"messages": LIST, "model": "gpt-4o"}),
        (("hi", "gpt-4o", 5, 0.5, 1.0), {}),
        (("gpt-4o", LIST, 5, 0.5, 1.0), {}),
    ],
)
def test_positions(args, kwargs):
    assert model_of(*args, **kwargs) == "gpt-4o"


def test_positions_from_the_third_on():
    assert len(completion("hi", "m/x", None, 0.5, None, 3, mock_response="x").choices) == 3
    with pytest.raises(InvalidRequestError, match=r"^temperature: must be a number, got a string"):
        completion("hi", "m/x", 5, "hot", mock_response="x")


@pytest.mark.parametrize(
    ("args", "kwargs", "name"),
    [
        (("hi", "gpt-4o"), {"model": "gpt-4o"}, "model"),
        (("gpt-4o", "hi"), {"messages": "hi"}, "messages"),
        (("gpt-4o", LIST), {"messages": LIST}, "messages"),
        (("hi", "gpt-4o", 5), {"timeout": 5}, "timeout"),
    ],
)
def test_a_name_given_twice(args, kwargs, name):
    with pytest.raises(TypeError, match=rf"^completion\(\) got multiple values for argument '{name}'$"):
        completion(*args, **kwargs)


def test_too_many():
    with pytest.raises(TypeError, match=r"^completion\(\) takes from 0 to 27 positional"):
        completion(*["x"] * 30)


def test_none():
    with pytest.raises(InvalidRequestError, match=r"^messages: is required"):
        completion()
    assert completion("hi", None, temperature=None, mock_response="x", vendor_flag=None).choices


def test_signature():
    parameters = inspect.signature(completion).parameters
    assert list(parameters)[: len(LITELLM) + 2] == ["messages", "model", *LITELLM]
    assert set(_antiphon.option_names) <= set(parameters)
    assert inspect.signature(async_completion) == inspect.signature(completion)
    assert inspect.iscoroutinefunction(async_completion)
    assert acompletion is async_completion
    by_position = [name for name, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert by_position == ["messages", "model", *LITELLM]


def test_functions_pickle():
    assert pickle.loads(pickle.dumps(completion)) is completion
    assert pickle.loads(pickle.dumps(async_completion)) is async_completion


def test_asynchronous_arguments_are_the_same():
    answer = asyncio.run(async_completion("gpt-4o", LIST, mock_response="x"))
    assert answer.model == "gpt-4o"
    with pytest.raises(TypeError, match="multiple values for argument 'model'"):
        asyncio.run(async_completion("hi", "gpt-4o", model="gpt-4o"))


def test_help_says_what_it_does():
    assert "Asks a model" in completion.__doc__
    assert "Asks a model" in async_completion.__doc__
