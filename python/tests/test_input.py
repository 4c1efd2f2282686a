"""Python's values as a request: what passes, and what is refused with the field's name."""

import copy
import decimal
import enum
import types

import pytest
from antiphon import InvalidRequestError, Message, completion


def refused(**kwargs):
    kwargs.setdefault("messages", "hi")
    with pytest.raises(InvalidRequestError) as caught:
        completion(mock_response="x", **kwargs)
    error = caught.value
    assert isinstance(error, ValueError)
    assert error.status_code == 400
    return error


def message(**fields):
    return {"messages": [{"role": "user", "content": "hi"}, {"role": "user", **fields}]}


nested = current = []
for _ in range(100_000):
    current.append([])
    current = current[0]
itself = {}
itself["a"] = [itself]


@pytest.mark.parametrize(
    ("kwargs", "param", "text"),
    [
        ({"temperature": float("nan")}, "temperature", "must be finite"),
        ({"temperature": float("inf")}, "temperature", "must be finite"),
        ({"top_p": float("-inf")}, "top_p", "must be finite"),
        ({"extra_body": {"a": [1, {"b c": float("nan")}]}}, 'extra_body.a[1]["b c"]', "must be finite"),
        ({"messages": "\ud800"}, "messages", "lone surrogate"),
        (message(content="a\udfffb"), "messages[1].content", "lone surrogate"),
        (message(content=[{"text": "\ud800"}]), "messages[1].content[0].text", "lone surrogate"),
        ({"metadata": {"\ud800": "a"}}, "metadata", "lone surrogate"),
        ({"messages": b"hi"}, "messages", "must be text, got bytes"),
        (message(content=bytearray(b"hi")), "messages[1].content", "must be text, got bytearray"),
        ({"seed": 2**64}, "seed", "more than 64 bits"),
        ({"seed": -(2**63) - 1}, "seed", "more than 64 bits"),
        ({"messages": nested}, None, "nested more than 128 levels deep, or contains itself"),
        ({"metadata": itself}, None, "contains itself"),
        ({"messages": object()}, "messages", "got object"),
        ({"messages": {"hi"}}, "messages", "got set"),
        ({"messages": (m for m in ["hi"])}, "messages", "got generator"),
        ({"tools": [int]}, "tools[0]", "int is no pydantic model"),
        ({"metadata": {1.5: "a"}}, "metadata", "has a key that is no string: float"),
        ({"temperature": "hot"}, "temperature", "must be a number, got a string"),
        ({"temperature": True}, "temperature", "must be a number, got a boolean"),
        ({"n": 1.5}, "n", "must be a whole number"),
        ({"timeout": -1}, "timeout", "must be seconds"),
        ({"api_key": 5}, "api_key", "must be a string"),
        ({"messages": []}, "messages", "is empty"),
        (message(), "messages[1].content", "may be null only"),
        (message(content="x", name="a b"), "messages[1].name", "64 letters"),
        ({"messages": [{"role": "function", "content": "x"}]}, "messages[0].name", "is required"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id", "is required"),
        ({"response_format": dict}, "response_format", "got dict"),
        ({"temprature": 1}, "temprature", 'did you mean "temperature"?'),
    ],
)
def test_refused(kwargs, param, text):
    error = refused(**kwargs)
    assert text in str(error)
    if param is not None:
        assert error.param == param
        assert str(error).startswith(f"{param}: ")


class Text(str):
    pass


class Level(enum.IntEnum):
    ONE = 1


class Index:
    def __index__(self):
        return 2


class Dumps:
    def model_dump(self, mode):
        assert mode == "json"
        return {"role": "user", "content": "hi"}


class ToDict:
    def to_dict(self):
        return {"role": "user", "content": "hi"}


@pytest.mark.parametrize(
    "kwargs",
    [
        {"messages": Text("hi")},
        {"n": Level.ONE},
        {"n": Index()},
        {"temperature": decimal.Decimal("0.5")},
        {"temperature": 1},
        {"max_tokens": 10.0},
        {"seed": -(2**63)},
        {"logit_bias": {50256: -100}},
        {"stop": ("a", "b")},
        {"messages": [Dumps()]},
        {"messages": [ToDict(), Message("hi", "user")]},
        {"messages": [types.MappingProxyType({"role": "user", "content": "hi"})]},
        {"messages": "\U0001f600 \0 \u2028"},
        {"messages": ""},
        {"response_format": {"type": "text"}},
    ],
)
def test_accepted(kwargs):
    kwargs.setdefault("messages", "hi")
    assert completion(mock_response="x", **kwargs).choices[0].message.content == "x"


def test_what_a_value_raises_is_raised():
    class Broken:
        def model_dump(self, mode):
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        completion([Broken()], mock_response="x")


def test_input_is_never_changed():
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "hi"}], "name": None},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": {"a": 1}}},
    ]
    kwargs = {"extra_body": {"a": {"b": 1}}, "metadata": {"c": "d"}, "stop": ["x"]}
    before = copy.deepcopy((messages, kwargs))
    completion(messages, mock_response="x", **kwargs)
    assert (messages, kwargs) == before


def test_an_answer_goes_back_as_a_message():
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    answer = {"object": "chat.completion", "id": "a", "created": 1, "model": "m", "choices": [
        {"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "tool_calls": [call]}}
    ]}  # fmt: skip
    message = completion("hi", mock_response=answer).choices[0].message
    result = {"role": "tool", "tool_call_id": "c", "content": "1"}
    assert completion([message, result], mock_response="x").choices


def test_a_pydantic_model_is_a_schema():
    pydantic = pytest.importorskip("pydantic")

    class Recipe(pydantic.BaseModel):
        name: str

    class Message(pydantic.BaseModel):
        role: str
        content: str

    message = Message(role="user", content="hi")
    response = completion([message], response_format=Recipe, mock_response='{"name": "x"}')
    assert response.parsed == Recipe(name="x")


def test_no_secret_is_in_an_error():
    for kwargs in ({"temperature": float("nan")}, {"model": "nobody/x"}, {"temprature": 1}):
        with pytest.raises(Exception, match=r".") as caught:
            completion("hi", api_key="canary-key", **kwargs)
        assert "canary" not in str(caught.value) + repr(caught.value) + repr(vars(caught.value))
