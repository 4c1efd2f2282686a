"""Whatever is given: an answer, or an error of ours that names the field. Never a crash or a panic."""

import inspect
import json
import math
import os
from dataclasses import asdict, dataclass, field, make_dataclass
from typing import Literal, Optional

import antiphon
import pytest
from antiphon import completion, single
from antiphon._antiphon import option_names
from antiphon._parsed import build
from antiphon._schema import response_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = 2_000 if os.environ.get("ANTIPHON_SOAK") else 200
settings.register_profile(
    "antiphon",
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("antiphon")

# What would write or wait is left out; the values of all others are anything.
LEFT_OUT = {"cache_path", "cache_enabled", "mock_delay", "mock_response", "mock_tool_calls", "kwargs"}
PARAMETERS = sorted({*inspect.signature(completion).parameters, *option_names} - LEFT_OUT)

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.binary(max_size=4)
    | st.just(object())
    | st.just(math.nan)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | st.integers(), inner),
    max_leaves=6,
)
names = st.sampled_from(PARAMETERS) | st.text(max_size=10)


def outcome(call):
    """The answer; or `None`, where it is refused with an error that one can act on."""
    try:
        return call()
    except antiphon.InternalError:
        raise
    except antiphon.AntiphonError as error:
        if not str(error).strip():
            raise
    except TypeError as error:
        # Python's own words for a wrong number of arguments.
        if "argument" not in str(error):
            raise
    return None


@given(st.dictionaries(names, values, max_size=4))
def test_completion_takes_it_or_says_why_not(kwargs):
    kwargs.setdefault("messages", "hi")
    answer = outcome(lambda: completion(mock_response="x", **kwargs))
    if isinstance(answer, antiphon.CompletionStream):
        outcome(lambda: list(answer))
    elif isinstance(answer, antiphon.ModelResponse):
        # As many answers as were asked for, whatever else was said.
        assert len(answer.choices) == (int(kwargs.get("n") or 1))
        assert answer.choices[0].message.content == "x"
    else:
        assert answer is None or kwargs.get("dry_run") or kwargs.get("return_cache_key")


@given(st.lists(values, max_size=6), st.dictionaries(names, values, max_size=2))
def test_positions_are_as_good_as_names(args, kwargs):
    kwargs.pop("mock_response", None)
    outcome(lambda: completion(*args, mock_response="x", **kwargs))


@given(st.dictionaries(st.sampled_from(["role", "content", "name", "tool_calls", "tool_call_id"]), values))
def test_any_message(message):
    answer = outcome(lambda: completion([message], mock_response="x"))
    assert answer is None or message.get("role")


@given(values, values, values, values)
def test_single_takes_it_or_says_why_not(prompt, model, system, multi):
    answer = outcome(lambda: single(prompt, model, system, multi=multi, mock_response="x"))
    if answer is not None:
        assert answer == "x" or answer[0] == "x"


@given(values)
def test_any_mock(mock):
    outcome(lambda: completion("hi", mock_response=mock))


@given(values)
def test_any_mock_of_tool_calls(calls):
    outcome(lambda: completion("hi", mock_tool_calls=calls))


@dataclass
class Leaf:
    word: str
    number: float = 0.5


# A type of a field, with values of it.
simple = [
    (str, st.text()),
    (int, st.integers(-(2**53), 2**53)),
    (float, st.floats(allow_nan=False, allow_infinity=False)),
    (bool, st.booleans()),
    (Literal["a", "b"], st.sampled_from(["a", "b"])),
    (Leaf, st.builds(Leaf, st.text(), st.floats(allow_nan=False, allow_infinity=False))),
]
fields = [
    *simple,
    *[(list[kind], st.lists(of, max_size=3)) for kind, of in simple],
    *[(dict[str, kind], st.dictionaries(st.text(), of, max_size=3)) for kind, of in simple],
    *[(Optional[kind], st.none() | of) for kind, of in simple],  # noqa: UP045
    (tuple[int, str], st.tuples(st.integers(), st.text())),
]


@st.composite
def instances(draw):
    """A dataclass made up, and an instance of it."""
    chosen = draw(st.lists(st.sampled_from(fields), min_size=1, max_size=4))
    made = make_dataclass("Made", [(f"f{i}", kind) for i, (kind, _) in enumerate(chosen)])
    return made, made(*[draw(of) for _, of in chosen])


@given(instances())
def test_what_is_written_of_a_class_is_read_as_its_instance(made):
    kind, instance = made
    text = json.dumps(asdict(instance))
    read = build(kind, json.loads(text), "made")
    assert read == instance
    assert response_format(kind)["json_schema"]["schema"]["properties"].keys() == vars(instance).keys()


@given(instances())
def test_its_schema_holds_for_it(made):
    """Held against its own schema by the core: what is written of a class always fits."""
    kind, instance = made
    text = json.dumps(asdict(instance))
    try:
        response = completion("hi", response_format=kind, mock_response=text)
    except antiphon.InvalidRequestError as error:
        # Half a surrogate pair is no text.
        pytest.fail(str(error))
    assert response.parsed == instance


@dataclass
class Node:
    word: str
    children: list["Node"] = field(default_factory=list)


nodes = st.recursive(
    st.builds(Node, st.text()),
    lambda inner: st.builds(Node, st.text(), st.lists(inner, max_size=3)),
    max_leaves=8,
)


@given(nodes)
def test_a_class_that_refers_to_itself(node):
    response = completion("hi", response_format=Node, mock_response=json.dumps(asdict(node)))
    assert response.parsed == node
