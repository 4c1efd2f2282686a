"""Tools: functions with hints, classes of arguments, dicts; and calls of them that are mocked."""

import json
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Annotated, Literal

import antiphon
import pytest
from antiphon import completion
from hosted import call
from pydantic import BaseModel, Field


class Unit(Enum):
    CELSIUS = "C"
    FAHRENHEIT = "F"


def google(city: str, unit: Unit = Unit.CELSIUS, days: int = 3):
    """The weather of a city.

    Asks the nearest station.

    Args:
        city (str): where,
            with the country
        days: how many

    Returns:
        A text.
    """


def numpy_style(city: str, days: "int | None" = None):
    """The weather of a city.

    Parameters
    ----------
    city : str
        where
    days : int
        how many
    """


def sphinx(city: Annotated[str, "told by the type"], days: Literal[1, 2]):
    """The weather of a city.

    :param city: where
    :param int days: how many
    :returns: a text
    """


class Lookup(BaseModel):
    """Finds a word."""

    word: str = Field(description="in lower case")


@dataclass
class Point:
    x: float
    y: float = 0.0


def sent(*tools):
    """What is sent for tools."""
    request = completion("hi", model="openai/gpt-4o", api_key="k" * 20, tools=list(tools), dry_run=True)
    return [tool["function"] for tool in request["body"]["tools"]]


def test_functions_become_tools():
    (function,) = sent(google)
    assert function == {
        "name": "google",
        "description": "The weather of a city.\n\nAsks the nearest station.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "where, with the country"},
                "unit": {"enum": ["C", "F"]},
                "days": {"type": "integer", "description": "how many", "default": 3},
            },
            "required": ["city"],
        },
    }


def test_docstrings_of_other_styles():
    one, other = sent(numpy_style, sphinx)
    assert one["description"] == other["description"] == "The weather of a city."
    assert one["parameters"]["properties"] == {
        "city": {"type": "string", "description": "where"},
        "days": {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "how many"},
    }
    assert other["parameters"]["properties"] == {
        "city": {"type": "string", "description": "told by the type"},
        "days": {"enum": [1, 2], "description": "how many"},
    }
    assert other["parameters"]["required"] == ["city", "days"]


def test_classes_and_dicts_become_tools():
    given = {"type": "function", "function": {"name": "time"}}
    lookup, point, time = sent(Lookup, Point, given)
    assert (lookup["name"], lookup["description"]) == ("Lookup", "Finds a word.")
    assert lookup["parameters"]["properties"]["word"]["description"] == "in lower case"
    assert point["parameters"]["required"] == ["x"]
    assert time == given["function"]


class Station:
    def weather(self, city: str) -> str:
        """The weather of a city."""
        return city

    async def forecast(self, city: str) -> str:
        return city


def test_methods_and_coroutines_become_tools():
    weather, forecast = sent(Station().weather, Station().forecast)
    assert list(weather["parameters"]["properties"]) == ["city"]
    assert forecast["name"] == "forecast"
    assert "description" not in forecast


def no_hint(city):
    """The weather."""


def many(*cities: str):
    """The weather."""


def missing(city: "Nowhere"):  # noqa: F821
    """The weather."""


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        (no_hint, "no_hint() has no type hint for 'city'"),
        (many, "many() takes '*cities'"),
        (missing, "the type hints of missing() cannot be read"),
        (partial(google, "Oslo"), "a function with a name"),
        (lambda city: city, "a function with a name"),
        (int, "int is no pydantic model"),
    ],
)
def test_what_is_no_tool(tool, said):
    with pytest.raises(antiphon.InvalidRequestError) as caught:
        sent(google, tool)
    assert caught.value.param == "tools[1]"
    assert said in str(caught.value)


def test_a_hosted_model_is_given_them(upstream):
    call(upstream, tools=[google])
    (request,) = upstream.requests()
    assert json.loads(request["body"])["tools"][0]["function"]["name"] == "google"


CALLS = [{"function": {"name": "weather", "arguments": '{"city": "New York"}'}}]


def test_mocked_calls_whole_and_streamed():
    response = completion("hi", model="m/x", mock_tool_calls=CALLS)
    (made,) = response.choices[0].message.tool_calls
    assert made.id.startswith("call_")
    assert (made.function.name, made.function.arguments) == ("weather", '{"city": "New York"}')
    assert response.choices[0].finish_reason == "tool_calls"
    assert response.choices[0].message.content is None
    calls = response.choices[0].message.tool_calls
    stream = completion("hi", model="m/x", mock_tool_calls=calls, stream=True)
    pieces = [piece for chunk in stream for piece in chunk.choices[0].delta.tool_calls or ()]
    assert "".join(piece.function.arguments or "" for piece in pieces) == '{"city": "New York"}'
    assert stream.response.choices == response.choices
    both = completion("hi", model="m/x", mock_tool_calls=CALLS, mock_response="Let me look.")
    assert both.choices[0].message.content == "Let me look."
