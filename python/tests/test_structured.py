"""Answers in a form: pydantic models, dataclasses and TypedDicts, whole and streamed, sync and async."""

import asyncio
import copy
import json
import pickle
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any, Literal, Optional, TypedDict

import antiphon
import pytest
from antiphon import async_completion, completion
from antiphon._antiphon import LOCAL_MODELS
from conftest import CHORISTER
from hosted import call, fails, message_reply, text_reply
from pydantic import BaseModel, field_validator


class Recipe(BaseModel):
    name: str
    ingredients: list[str]


@dataclass
class Size:
    width: int
    unit: Literal["cm", "in"] = "cm"


@dataclass
class Frame:
    """A picture's frame."""

    title: Annotated[str, "what is in it"]
    size: Size
    tags: set[str] = field(default_factory=set)
    inner: Optional["Frame"] = None


class City(TypedDict, total=False):
    name: str
    people: int


PANCAKES = '{"name": "Pancakes", "ingredients": ["flour", "milk"]}'
FRAME = """{"title": "Sea", "size": {"width": 40.0, "unit": "in"}, "tags": ["a"],
    "inner": {"title": "x", "size": {"width": 1}}}"""


def mocked(form, text, **options):
    return completion("hi", model="gpt-4o-mini", response_format=form, mock_response=text, **options)


def test_a_pydantic_model():
    response = mocked(Recipe, PANCAKES)
    assert response.choices[0].message.content == PANCAKES
    assert response.parsed == Recipe(name="Pancakes", ingredients=["flour", "milk"])
    assert response.parsed is response.choices[0].message.parsed
    # It is no field: what is printed and dumped is what OpenAI's client prints and dumps.
    assert "parsed" not in repr(response)
    assert "parsed" not in response.choices[0].message.model_dump()
    for again in (pickle.loads(pickle.dumps(response)), copy.deepcopy(response)):
        assert again == response
        assert again.parsed == response.parsed


def test_dataclasses_and_typed_dicts():
    frame = mocked(Frame, FRAME).parsed
    assert frame == Frame("Sea", Size(40, "in"), {"a"}, Frame("x", Size(1)))
    assert type(frame.size.width) is int
    assert mocked(City, '{"name": "Oslo"}').parsed == {"name": "Oslo"}


def test_json_as_it_is():
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    assert mocked(form, '{"a": 5}').parsed == {"a": 5}
    assert mocked({"type": "json_object"}, '{"b": [1]}').parsed == {"b": [1]}
    assert completion("hi", model="m/x", mock_response="hi").parsed is None


def test_several_answers_are_each_parsed():
    response = mocked(Recipe, PANCAKES, n=2)
    assert [choice.message.parsed.name for choice in response.choices] == ["Pancakes", "Pancakes"]


@pytest.mark.parametrize("text", ["Pancakes!", '{"name": "Pancakes"}', '{"name": 1, "ingredients": []}'])
def test_what_does_not_fit_is_an_error_with_the_raw_text(text):
    with pytest.raises(antiphon.JSONSchemaValidationError) as caught:
        mocked(Recipe, text)
    assert caught.value.raw == text
    assert caught.value.partial_response.choices[0].message.content == text
    response = mocked(Recipe, text, enable_json_schema_validation=False)
    assert response.choices[0].message.content == text
    assert response.parsed is None


class Even(BaseModel):
    number: int

    @field_validator("number")
    @classmethod
    def is_even(cls, number):
        if number % 2:
            raise ValueError("must be even")
        return number


def test_the_models_own_rules_hold_too():
    assert mocked(Even, '{"number": 4}').parsed == Even(number=4)
    for stream in (False, True):
        with pytest.raises(antiphon.JSONSchemaValidationError, match="must be even") as caught:
            list(mocked(Even, '{"number": 3}', stream=stream))
        assert caught.value.raw == '{"number": 3}'


def test_objects_grow_while_they_are_streamed():
    stream = mocked(Recipe, PANCAKES, stream=True)
    seen = []
    for _ in stream:
        if stream.partial not in seen:
            seen.append(stream.partial)
    assert {"name": "Pancakes"} in seen
    assert seen[-1] == {"name": "Pancakes", "ingredients": ["flour", "milk"]}
    assert stream.parsed == Recipe.model_validate_json(PANCAKES)
    assert stream.response.parsed is stream.parsed


def test_a_stream_that_does_not_fit_ends_in_an_error():
    stream = mocked(Recipe, '{"name": "Pancakes"}', stream=True)
    text = ""
    with pytest.raises(antiphon.JSONSchemaValidationError) as caught:  # noqa: PT012
        for chunk in stream:
            text += chunk.choices[0].delta.content or ""
    assert text == caught.value.raw == '{"name": "Pancakes"}'
    assert stream.parsed is None


async def _asynchronous():
    response = await async_completion("hi", model="m/x", response_format=Recipe, mock_response=PANCAKES)
    assert response.parsed.name == "Pancakes"
    stream = await async_completion(
        "hi", model="m/x", response_format=Recipe, mock_response=PANCAKES, stream=True
    )
    async for _ in stream:
        assert stream.partial is None or stream.partial.keys() <= {"name", "ingredients"}
    assert stream.parsed == response.parsed


def test_asynchronously():
    asyncio.run(_asynchronous())


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("json", "got 'json'"),
        (5, "got 5"),
        (list[str], "list[str]"),
        (str, "got str"),
        (Colour, "Colour"),
        (Recipe(name="a", ingredients=[]), "give the class itself"),
        (lambda: None, "lambda"),
    ],
)
def test_a_response_format_that_is_no_type(form, said):
    with pytest.raises(antiphon.InvalidRequestError) as caught:
        mocked(form, "{}")
    assert caught.value.param == "response_format"
    assert said in str(caught.value)


def test_a_field_that_has_no_form_in_json():
    @dataclass
    class Odd:
        call: complex

    with pytest.raises(antiphon.InvalidRequestError, match="complex has no form in JSON"):
        mocked(Odd, "{}")


def schema_of(form):
    """The schema as it is sent to a provider that enforces it."""
    request = completion("hi", model="openai/gpt-4o", api_key="k" * 20, response_format=form, dry_run=True)
    return request["body"]["response_format"]["json_schema"]


def test_the_schema_is_sent_as_the_provider_enforces_it():
    sent = schema_of(Frame)
    assert sent["strict"] is True
    assert sent["name"] == "Frame"
    frame = sent["schema"]["$defs"]["Frame"] if "$defs" in sent["schema"] else sent["schema"]
    assert frame["required"] == ["title", "size", "tags", "inner"]
    assert frame["additionalProperties"] is False
    assert frame["properties"]["title"] == {"type": "string", "description": "what is in it"}
    assert frame["properties"]["inner"] == {"anyOf": [{"$ref": "#/$defs/Frame"}, {"type": "null"}]}

    class Open(BaseModel):
        counts: dict[str, int]

    assert "strict" not in schema_of(Open)


def test_docstring_and_generic_names():
    assert schema_of(Frame)["description"] == "A picture's frame."
    assert "description" not in schema_of(Size)

    class Row(TypedDict):
        value: Any
        other: int | None

    other = schema_of(Row)["schema"]["properties"]["other"]
    assert other == {"anyOf": [{"type": "integer"}, {"type": "null"}]}


def schema_asked(upstream):
    return [json.loads(request["body"]) for request in upstream.requests()]


def test_a_provider_with_schemas_is_asked_again_once(upstream):
    upstream.script([text_reply('{"name": "Pancakes"}'), text_reply(PANCAKES)])
    response = call(upstream, response_format=Recipe)
    assert response.parsed == Recipe.model_validate_json(PANCAKES)
    assert response._hidden_params["structured_output"] == "native"
    assert response.usage.total_tokens == 22
    assert "was asked again" in response.warnings[0]
    first, second = schema_asked(upstream)
    assert first["response_format"]["json_schema"]["strict"] is True
    assert second["messages"][-2] == {"role": "assistant", "content": '{"name": "Pancakes"}'}


def test_the_error_after_that_has_the_raw_text(upstream):
    upstream.script([text_reply("No recipe today.")])
    error = fails(antiphon.JSONSchemaValidationError, upstream, response_format=Recipe)
    assert error.raw == "No recipe today."
    assert len(upstream.requests()) == 2


def test_a_provider_without_schemas_is_asked_by_a_tool(upstream):
    made = {"id": "c", "type": "function", "function": {"name": "json_response", "arguments": PANCAKES}}
    message = {"role": "assistant", "content": None, "tool_calls": [made]}
    upstream.script([message_reply(message, "tool_calls")])
    response = call(upstream, "minimax/MiniMax-M2", response_format=Recipe)
    assert response.parsed.name == "Pancakes"
    assert response.choices[0].message.tool_calls is None
    assert response._hidden_params["structured_output"] == "tool"


def test_a_refusal_is_no_instance(upstream):
    upstream.script([message_reply({"role": "assistant", "content": None, "refusal": "I'd rather not."})])
    response = call(upstream, response_format=Recipe)
    assert response.parsed is None
    assert response.choices[0].message.refusal == "I'd rather not."
    assert len(upstream.requests()) == 1


def test_a_limit_is_told(upstream):
    message = {"role": "assistant", "content": '{"name": "Pan'}
    upstream.script([message_reply(message, "length")])
    error = fails(antiphon.JSONSchemaValidationError, upstream, response_format=Recipe)
    assert "raise max_tokens" in str(error)
    assert len(upstream.requests()) == 1


@pytest.mark.skipif(not LOCAL_MODELS, reason="built without local models")
def test_the_local_model_always_fits():
    for form in (Recipe, Size):
        response = completion("Anything", CHORISTER, response_format=form, max_tokens=400)
        assert isinstance(response.parsed, form)
        assert response._hidden_params["structured_output"] == "native"
