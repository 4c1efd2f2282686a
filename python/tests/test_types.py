"""The objects of an answer: access, printing, dumps, copies."""

import copy
import json
import pickle

import antiphon
import pytest
from antiphon import Choices, Message, ModelResponse, ModelResponseStream, Usage, completion
from antiphon._types import MissingFieldError

CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}


def answer(**message):
    body = {
        "id": "a",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **message}}],
    }
    return completion("hi", mock_response={"object": "chat.completion", **body})


@pytest.fixture
def response():
    return completion("hi", mock_response="Hello.")


def test_access(response):
    assert response["choices"][0]["message"]["content"] == "Hello."
    assert response.get("model") == response.model
    assert response.get("nothing", 5) == 5
    assert "usage" in response
    assert "nothing" not in response
    assert list(response.keys()) == [
        "id",
        "created",
        "model",
        "object",
        "system_fingerprint",
        "choices",
        "usage",
    ]
    assert dict(response) == {**response} == dict(response.items())


def test_what_is_not_set(response):
    message = response.choices[0].message
    assert message.refusal is None
    assert message["refusal"] is None
    assert message.annotations is message.audio is message.reasoning_content is None
    assert response.choices[0].logprobs is None
    assert "refusal" not in message
    assert "refusal" not in repr(message)
    assert "refusal" not in message.model_dump()
    with pytest.raises(AttributeError, match="nothing"):
        _ = message.nothing
    for error in (AttributeError, KeyError, MissingFieldError):
        with pytest.raises(error, match="has no field 'nothing'"):
            message["nothing"]
    with pytest.raises(KeyError):
        message["keys"]


def test_nested_objects_are_made_once_and_writable(response):
    message = response.choices[0].message
    assert response.choices[0].message is message
    message.content = "Bye."
    message["mood"] = "fine"
    response["extra"] = 1
    assert response.model_dump()["choices"][0]["message"]["content"] == "Bye."
    assert json.loads(response.model_dump_json())["choices"][0]["message"]["mood"] == "fine"
    assert pickle.loads(pickle.dumps(response)).choices[0].message.content == "Bye."
    del response["extra"]
    del message.mood
    assert "extra" not in response
    assert "mood" not in message
    with pytest.raises(KeyError):
        del response["extra"]


def test_dumps(response):
    dump = response.model_dump()
    assert dump == response.dict() == response.json() == response.to_dict()
    assert dump == json.loads(response.model_dump_json()) == json.loads(response.to_json())
    assert dump["choices"][0]["message"] == {
        "content": "Hello.",
        "role": "assistant",
        "tool_calls": None,
        "function_call": None,
    }
    assert type(dump["choices"][0]) is dict
    dump["choices"][0]["message"]["content"] = "changed"
    assert response.choices[0].message.content == "Hello."
    assert response.model_dump(include={"id"}) == {"id": response.id}
    assert "id" not in response.model_dump(exclude={"id"}, exclude_unset=True, by_alias=True)
    assert "system_fingerprint" not in response.model_dump(exclude_none=True)
    assert "tool_calls" not in response.model_dump_json(exclude_none=True)


def test_copies(response):
    for copied in (
        copy.deepcopy(response),
        pickle.loads(pickle.dumps(response)),
        ModelResponse(**response.model_dump()),
    ):
        assert copied == response
        assert copied is not response
        assert copied.choices[0] is not response.choices[0]
        assert str(copied) == str(response)
    assert copy.deepcopy(response)._hidden_params == response._hidden_params
    assert copy.copy(response).choices is response.choices
    changed = copy.deepcopy(response)
    changed.choices[0].message.content = "Bye."
    assert changed != response
    assert response != response.model_dump()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_class_round_trips(protocol):
    classes = [
        value
        for value in vars(antiphon).values()
        if isinstance(value, type) and issubclass(value, antiphon._types.Object)
    ]
    assert len(classes) > 15
    for cls in classes:
        assert cls.__module__ == "antiphon"
        made = cls()
        made.x = 1
        if protocol >= 2:
            assert pickle.loads(pickle.dumps(made, protocol)) == made
        assert copy.deepcopy(made) == made


def test_hidden_params_are_no_field(response):
    # gpt-4o-mini, by its usage: 1 token in, 2 out.
    assert response._hidden_params["response_cost"] == pytest.approx((0.15 + 2 * 0.60) / 1e6)
    assert response._hidden_params["custom_llm_provider"] == "openai"
    assert response._hidden_params["cache_hit"] is False
    assert "_hidden_params" not in response
    assert "_hidden_params" not in response.model_dump()
    assert "_hidden_params" not in repr(response)
    assert response.warnings == []
    local = completion("hi", "local/chorister", mock_response="Hello.")
    assert local._hidden_params["response_cost"] == 0.0


def test_a_notebook_shows_the_text(response):
    assert response._repr_markdown_() == "Hello."
    assert ModelResponse(choices=[])._repr_markdown_() == ""


def test_tool_calls():
    message = answer(content=None, tool_calls=[CALL]).choices[0].message
    call = message.tool_calls[0]
    assert repr(call) == (
        "ChatCompletionMessageToolCall(function=Function(arguments='{\"a\": 1}', name='f'), "
        "id='call_1', type='function')"
    )
    assert call["function"]["name"] == "f"
    assert message.content is None


def test_everything_that_a_message_can_hold():
    citation = {"type": "url_citation", "url_citation": {"url": "http://a", "title": "A"}}
    message = answer(
        content="x",
        refusal="no",
        reasoning_content="hm",
        annotations=[citation],
        function_call={"name": "f", "arguments": "{}"},
        future={"a": [1, 2.5, None, True]},
    )
    message = message.choices[0].message
    assert message.refusal == "no"
    assert message.reasoning_content == "hm"
    assert message.annotations[0].url_citation.url == "http://a"
    assert message.function_call.name == "f"
    assert message.future == {"a": [1, 2.5, None, True]}


def test_constructors():
    message = {"content": "x", "tool_calls": [CALL]}
    made = ModelResponse(choices=[{"message": message}], usage={"prompt_tokens": 2})
    assert made.id.startswith("chatcmpl-")
    assert made.object == "chat.completion"
    assert made.choices[0].finish_reason == "stop"
    assert made.choices[0].message.tool_calls[0].function.name == "f"
    assert made.usage.total_tokens == 2
    assert Choices(finish_reason=None).finish_reason == "stop"
    assert Message("hi").role == "assistant"
    assert Usage(1, 2).total_tokens == 3
    assert antiphon.ChatCompletionMessageToolCall(function={"name": "f", "arguments": {"a": 1}}).id
    delta = {"content": "x", "tool_calls": [{"index": 0, "id": "c"}]}
    chunk = ModelResponseStream(choices=[{"delta": delta}])
    assert chunk.choices[0].delta.tool_calls[0].index == 0
    assert chunk.object == "chat.completion.chunk"


def test_objects_are_unhashable_and_true():
    with pytest.raises(TypeError):
        hash(Usage())
    assert bool(antiphon.Attempt()) is True
    assert str(antiphon.Attempt()) == "Attempt()"


def test_a_mock_is_a_response_of_ours(response):
    again = completion("hi", mock_response=response)
    assert again == response
    assert again is not response
