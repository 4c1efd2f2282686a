"""`single`: a prompt in, a text out; and conversations that the caller keeps."""

import asyncio
import copy
import inspect
import json
import pickle

import antiphon
import hosted
import pytest
from antiphon import (
    APIResponseValidationError,
    InvalidRequestError,
    Message,
    ModelResponse,
    async_completion,
    async_single,
    completion,
    llm,
    single,
)
from conftest import CHORISTER
from faultd import Faultd, text
from pydantic import BaseModel

HELPFUL = {"role": "system", "content": "You are a helpful assistant."}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
CALLING = hosted.message_reply({"role": "assistant", "content": None, "tool_calls": [CALL]}, "tool_calls")


def user(content):
    return {"role": "user", "content": content}


def assistant(content):
    return {"role": "assistant", "content": content}


def ask(upstream, *args, **kwargs):
    return single(*args, base_url=upstream.url + "/v1", api_key="x", **kwargs)


def in_a_loop(*args, **kwargs):
    return asyncio.run(async_single(*args, **kwargs))


BOTH = pytest.mark.parametrize("call", [single, in_a_loop], ids=["sync", "async"])


@BOTH
def test_the_text(call):
    assert call("hi", mock_response="Hello.") == "Hello."
    assert call(prompt="What is the capital of France?", model=CHORISTER) == "The capital of France is Paris."


@pytest.mark.parametrize(
    ("system", "messages"),
    [
        (None, [HELPFUL, user("hi")]),
        ("Be brief.", [{"role": "system", "content": "Be brief."}, user("hi")]),
        ("", [user("hi")]),
    ],
)
def test_the_messages(upstream, system, messages):
    ask(upstream, "hi", "openai/m", system)
    assert upstream.bodies()[0]["messages"] == messages


def test_positions_from_the_fourth_on_are_those_of_completion(upstream):
    ask(upstream, "hi", "openai/m", None, 20, 0.5, 0.9, seed=7)
    [body] = upstream.bodies()
    assert (body["model"], body["temperature"], body["top_p"], body["seed"]) == ("m", 0.5, 0.9, 7)


def test_a_prompt_of_parts(upstream):
    parts = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
    ]
    _, context = ask(upstream, parts, "openai/m", multi=True)
    assert upstream.bodies()[0]["messages"][1]["content"] == parts
    assert context["messages"][1] == user(parts)
    parts[0]["text"] = "changed"
    assert context["messages"][1]["content"][0]["text"] == "What is it?"


@BOTH
def test_a_conversation(call):
    with Faultd([text("One."), text("Two."), text("Three.")]) as upstream:
        where = {"base_url": upstream.url + "/v1", "api_key": "x"}
        said, first = call("a", "openai/m", multi=True, **where)
        assert (said, first["messages"]) == ("One.", [HELPFUL, user("a"), assistant("One.")])
        kept = copy.deepcopy(first)

        said, second = call("b", multi=first, **where)
        assert said == "Two."
        assert second == {
            "model": "openai/m",
            "messages": [HELPFUL, user("a"), assistant("One."), user("b"), assistant("Two.")],
        }
        assert first == kept
        assert json.loads(json.dumps(second)) == second

        _, other = call("c", "openai/n", multi=json.loads(json.dumps(first)), **where)
        assert other["model"] == "openai/n"
        assert first == kept
        sent = upstream.bodies()
    assert [body["model"] for body in sent] == ["m", "m", "n"]
    assert [body["messages"] for body in sent] == [
        [HELPFUL, user("a")],
        second["messages"][:-1],
        [*kept["messages"], user("c")],
    ]


def test_a_conversation_shares_nothing_with_the_one_before():
    _, first = single("a", mock_response="x", multi=True)
    _, second = single("b", mock_response="y", multi=first)
    second["messages"][0]["content"] = "changed"
    assert first["messages"][0] == HELPFUL
    assert second["model"] is None


def test_the_full_response():
    response = single("hi", return_full_response=True, mock_response="x")
    assert type(response) is ModelResponse
    response, context = single("hi", multi=True, return_full_response=True, mock_response="x")
    assert type(response) is ModelResponse
    assert context["messages"][-1] == assistant("x")


def test_a_conversation_with_tools():
    with Faultd([CALLING, text("It rains.")]) as upstream:
        response, context = ask(upstream, "Oslo?", "openai/m", multi=True, return_full_response=True)
        assert response.choices[0].message.tool_calls[0].function.name == "weather"
        assert context["messages"][-1] == {**assistant(None), "tool_calls": [CALL]}
        assert json.loads(json.dumps(context)) == context
        context["messages"].append({"role": "tool", "tool_call_id": "call_1", "content": "rain"})
        said, _ = ask(upstream, "So?", multi=context)
        assert said == "It rains."
        assert upstream.bodies()[1]["messages"] == [*context["messages"], user("So?")]


def test_an_answer_without_text():
    with Faultd(CALLING) as upstream, pytest.raises(APIResponseValidationError) as caught:
        ask(upstream, "Oslo?", "openai/m")
    error = caught.value
    assert error.message == "the answer has no text, only calls of tools: weather"
    assert error.hint == "return_full_response=True gives the whole answer"
    assert (error.llm_provider, error.model) == ("openai", "m")
    assert error.partial_response.choices[0].message.tool_calls


def test_a_refusal():
    refusal = hosted.message_reply({"role": "assistant", "content": None, "refusal": "I would rather not."})
    with Faultd(refusal) as upstream:
        with pytest.raises(APIResponseValidationError, match="the model refused: I would rather not"):
            ask(upstream, "hi", "openai/m")
        _, context = ask(upstream, "hi", "openai/m", multi=True, return_full_response=True)
    assert context["messages"][-1] == {**assistant(None), "refusal": "I would rather not."}


def test_an_empty_text_is_a_text():
    assert single("hi", mock_response="") == ""


def test_messages_of_ours_in_a_context_become_plain():
    context = {"model": None, "messages": [HELPFUL, Message(content="Yes?")]}
    _, context = single("hi", multi=context, mock_response="x")
    assert context["messages"] == [HELPFUL, assistant("Yes?") | {"tool_calls": None, "function_call": None},
                                   user("hi"), assistant("x")]  # fmt: skip
    json.dumps(context)


@BOTH
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prompt": None}, "prompt: must be a string or a list of content parts, got None"),
        ({"system": 5}, "system: must be a string or a list of content parts, got int"),
        ({"model": 5}, "model: must be a string, got int"),
        ({"stream": True}, "stream: single returns the whole answer\nhint: call completion(…, stream=True)"),
        ({"messages": []}, "messages: single makes the messages itself\nhint: "),
        ({"multi": None}, "multi: must be True, False or a context that an earlier call returned, got None"),
        ({"multi": [user("hi")]}, "multi: must be True, False or a context"),
        ({"multi": {"messages": [HELPFUL]}}, "multi: is no context: it has no 'model'"),
        ({"multi": {"model": "m"}}, "multi: is no context: it has no 'messages'"),
        ({"multi": {"model": "m", "messages": [HELPFUL], "n": 2}}, "multi: is no context: it has an unknown"),
        ({"multi": {"model": 5, "messages": [HELPFUL]}}, "multi.model: must be a string, got int"),
        ({"multi": {"model": "m", "messages": "hi"}}, "multi.messages: must be a list of messages, got str"),
        ({"multi": {"model": "m", "messages": []}}, "multi.messages: is empty"),
        ({"multi": {"model": "m", "messages": [HELPFUL, "hi"]}}, "multi.messages[1]: must be a message"),
        ({"multi": {"model": "m", "messages": [{"content": "hi"}]}}, "multi.messages[0].role: is required"),
        (
            {"multi": {"model": "m", "messages": [HELPFUL]}, "system": "Be brief."},
            "system: the context has its system message already",
        ),
        ({"multi": {"model": None, "messages": [{"role": "tool", "content": "x"}]}}, "messages[0].tool_call"),
    ],
)  # fmt: skip
def test_what_is_refused(call, arguments, message):
    with pytest.raises(InvalidRequestError) as caught:
        call(**{"prompt": "hi", "mock_response": "x"} | arguments)
    assert isinstance(caught.value, ValueError)
    assert str(caught.value).startswith(message)
    assert caught.value.param.startswith(message.partition(":")[0])


def test_a_stream_by_position():
    with pytest.raises(InvalidRequestError, match="stream"):
        single("hi", None, None, None, None, None, None, True, mock_response="x")
    assert single("hi", None, None, None, None, None, None, False, mock_response="x") == "x"


class Recipe(BaseModel):
    name: str
    steps: list[str]


def test_a_form_leaves_json_in_the_text():
    recipe = Recipe.model_validate_json(single("Pancakes?", CHORISTER, response_format=Recipe))
    assert recipe.name


def test_what_calls_nothing_is_as_completion_gives_it():
    assert single("hi", "openai/m", api_key="x", dry_run=True)["body"]["messages"] == [HELPFUL, user("hi")]


def test_an_error_of_the_call():
    with pytest.raises(antiphon.RateLimitError, match="slow"):
        single("hi", mock_response=antiphon.RateLimitError("slow down"))


def test_cancelling_ends_the_call():
    async def leave():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(async_single("hi", mock_response="x", mock_delay=30), 0.05)

    asyncio.run(leave())


def test_the_second_place():
    assert llm.completion is completion
    assert llm.async_completion is async_completion
    assert llm.prompt is llm.single is single
    assert llm.async_prompt is llm.async_single is async_single


def test_the_functions():
    assert list(inspect.signature(single).parameters) == [
        "prompt", "model", "system", "args", "multi", "return_full_response", "kwargs",
    ]  # fmt: skip
    assert inspect.signature(async_single) == inspect.signature(single)
    assert inspect.iscoroutinefunction(async_single)
    for function in (single, async_single):
        assert pickle.loads(pickle.dumps(function)) is function
        assert b"._single" not in pickle.dumps(function)
        assert "text of its answer" in function.__doc__


def test_a_module_by_its_name(python):
    python("import antiphon; assert antiphon.llm.prompt('hi', mock_response='x') == 'x'")
    python("import antiphon.llm as llm; assert llm.single('hi', mock_response='x') == 'x'")
    process = python(
        "import sys; from antiphon import single; single('hi', mock_response='x');"
        "print(*(name for name in ('asyncio', 'typing', 'tqdm') if name in sys.modules))"
    )
    assert process.stdout.split() == []
