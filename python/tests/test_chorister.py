"""The built-in model, through every way of calling."""

import asyncio
import json

import pytest
from antiphon import InvalidRequestError, LocalModelError, NotFoundError, acompletion, completion
from conftest import CHORISTER

CAPITAL = "What is the capital of France?"
PARIS = "The capital of France is Paris."


def text_of(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_whole():
    response = completion(CAPITAL, model=CHORISTER)
    assert response.choices[0].message.content == PARIS
    assert response.choices[0].finish_reason == "stop"
    assert response.usage.completion_tokens > 0
    assert response._hidden_params["response_cost"] == 0.0
    assert response._hidden_params["custom_llm_provider"] == "local"


def test_streamed():
    stream = completion(CAPITAL, CHORISTER, stream=True)
    chunks = list(stream)
    assert text_of(chunks) == PARIS
    assert chunks[0].choices[0].delta.role == "assistant"
    assert all(chunk.choices[0].delta.role is None for chunk in chunks[1:])
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].choices[0].delta.content is None
    assert len({chunk.id for chunk in chunks}) == 1
    assert stream.response.choices[0].message.content == PARIS
    assert stream.usage.completion_tokens > 0


def test_asynchronous():
    async def main():
        whole = await acompletion(CAPITAL, model=CHORISTER)
        stream = await acompletion(CAPITAL, model=CHORISTER, stream=True)
        return whole.choices[0].message.content, text_of([chunk async for chunk in stream])

    assert asyncio.run(main()) == (PARIS, PARIS)


def test_many_at_once():
    async def main():
        return await asyncio.gather(*[acompletion(CAPITAL, model=CHORISTER) for _ in range(16)])

    assert {answer.choices[0].message.content for answer in asyncio.run(main())} == {PARIS}


def test_a_draft_and_a_priority_change_no_answer():
    response = completion(CAPITAL, CHORISTER, draft=CHORISTER, priority=-3)
    assert response.choices[0].message.content == PARIS
    assert not response.warnings
    with pytest.raises(InvalidRequestError, match="priority: must be a whole number"):
        completion(CAPITAL, CHORISTER, priority="high")
    with pytest.raises(NotFoundError, match="nobody"):
        completion(CAPITAL, CHORISTER, draft="local/nobody")


def test_the_same_call_gives_the_same_answer():
    one, other = (completion("Tell me about the sea.", CHORISTER, max_tokens=20) for _ in range(2))
    assert one.choices == other.choices


def test_schema():
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    response = completion(
        "Extract name and age: Anna is 30 years old.",
        CHORISTER,
        response_format={"type": "json_schema", "json_schema": {"name": "person", "schema": schema}},
        max_tokens=200,
    )
    assert set(json.loads(response.choices[0].message.content)) == {"name", "age"}


def test_pydantic_schema():
    pydantic = pytest.importorskip("pydantic")

    class Person(pydantic.BaseModel):
        name: str
        age: int

    response = completion("Extract: Anna is 30 years old.", CHORISTER, response_format=Person, max_tokens=200)
    Person.model_validate_json(response.choices[0].message.content)


def test_a_named_tool_is_called():
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": parameters}}
    choice = {"type": "function", "function": {"name": "get_weather"}}
    question = [{"role": "user", "content": "What is the weather in Paris?"}]
    response = completion(question, CHORISTER, tools=[tool], tool_choice=choice, max_tokens=200)
    message = response.choices[0].message
    assert response.choices[0].finish_reason == "tool_calls"
    assert message.tool_calls[0].function.name == "get_weather"
    arguments = json.loads(message.tool_calls[0].function.arguments)
    assert set(arguments) == {"city"}
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "18 degrees, sunny"}
    answer = completion([*question, message, result], CHORISTER, tools=[tool], max_tokens=60)
    assert answer.choices[0].message.content


def test_logprobs():
    response = completion(CAPITAL, CHORISTER, logprobs=True, top_logprobs=2)
    tokens = response.choices[0].logprobs.content
    assert "".join(token.token for token in tokens) == PARIS
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 2 for token in tokens)


def test_a_half_read_stream_leaves_the_model_free():
    stream = completion("Count: one two three four five", CHORISTER, stream=True, max_tokens=200)
    next(stream)
    del stream
    assert completion(CAPITAL, CHORISTER).choices[0].message.content == PARIS


def test_a_name_that_is_near():
    with pytest.raises(NotFoundError, match=r'did you mean model="local/chorister"'):
        completion("hi", "local/choriste")


def test_a_file_that_is_no_model(tmp_path):
    path = tmp_path / "no.gguf"
    path.write_text("this is no model")
    with pytest.raises(LocalModelError):
        completion("hi", f"local/{path}")


def test_a_prompt_that_is_too_long():
    from antiphon import ContextWindowExceededError

    with pytest.raises(ContextWindowExceededError) as caught:
        completion("word " * 100_000, CHORISTER)
    assert caught.value.status_code == 400
