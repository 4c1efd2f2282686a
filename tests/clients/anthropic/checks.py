"""The official `anthropic` client against `/v1/messages`."""

import anthropic
from harness import (
    KEY,
    KEYED_URL,
    LOCAL,
    QUESTION,
    URL,
    needs,
    raises,
    raises_async,
)
from pydantic import BaseModel

MESSAGES = "POST /v1/messages"
COUNT = "POST /v1/messages/count_tokens"
ASK = [{"role": "user", "content": QUESTION}]
HELLO = 'Hello there, é \U0001f914 \u2028 "q" \\n'
TOOLS = [
    {
        "name": "get_weather",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
        "cache_control": {"type": "ephemeral"},
    }
]


def client(url=URL, **fields):
    fields.setdefault("api_key", "anything")
    return anthropic.Anthropic(base_url=url, max_retries=0, timeout=30, **fields)


def later():
    return anthropic.AsyncAnthropic(base_url=URL, api_key="anything", max_retries=0, timeout=30)


def fields(model=LOCAL, **more):
    # The client no longer types sampling parameters; the API still takes them.
    body = {"temperature": 0, **more.pop("extra_body", {})}
    return {"model": model, "max_tokens": 100, "messages": ASK, "extra_body": body, **more}


def ask(model=LOCAL, of=None, **more):
    return (of or client()).messages.create(**fields(model, **more))


def streamed(model=LOCAL, **more):
    """The final message of a stream, and the types of its events."""
    with client().messages.stream(**fields(model, **more)) as stream:
        kinds = [event.type for event in stream]
        return stream.get_final_message(), kinds


@needs(MESSAGES)
def check_create():
    message = ask()
    assert message.type == "message"
    assert message.role == "assistant"
    assert message.model
    (block,) = message.content
    assert block.type == "text"
    assert "Paris" in block.text
    assert message.stop_reason == "end_turn"
    assert message.usage.input_tokens > 0
    assert message.usage.output_tokens > 0


@needs(MESSAGES)
def check_stream_is_create():
    message, kinds = streamed()
    assert message.content[0].text == ask().content[0].text
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens > 0
    assert kinds[0] == "message_start"
    assert kinds[-1] == "message_stop"


@needs(MESSAGES)
def check_raw_events():
    kinds = [event.type for event in client().messages.create(**fields(stream=True))]
    assert kinds[:3] == ["message_start", "content_block_start", "content_block_delta"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]


@needs(MESSAGES)
def check_text_stream():
    with client().messages.stream(**fields()) as stream:
        assert "Paris" in "".join(stream.text_stream)


@needs(MESSAGES)
async def check_async():
    message = await later().messages.create(**fields())
    async with later().messages.stream(**fields()) as stream:
        text = "".join([piece async for piece in stream.text_stream])
    assert text == message.content[0].text


@needs(MESSAGES)
def check_system_and_turns():
    text = {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}
    for system in ["Be brief.", [text]]:
        assert "Paris" in ask(system=system).content[0].text
    turns = [*ASK, {"role": "assistant", "content": [{"type": "text", "text": "Paris."}]}, *ASK]
    assert ask(messages=turns).content


@needs(MESSAGES)
def check_stop_sequences_and_limits():
    message = ask(max_tokens=1)
    assert message.stop_reason == "max_tokens"
    assert message.usage.output_tokens == 1
    assert "Paris" not in ask(stop_sequences=["Paris"]).content[0].text
    message = ask("claude-stop-whole/m", stop_sequences=["END"])
    assert message.stop_reason == "stop_sequence"
    assert message.stop_sequence


@needs(MESSAGES)
def check_hosted_text_is_what_was_sent():
    for model in ["echo/m", "claude/m"]:
        assert ask(model).content[0].text == HELLO, model
        assert streamed(model)[0].content[0].text == HELLO, model


@needs(MESSAGES)
def check_tools():
    for name in ["tool", "claude-tool"]:
        message = ask(f"{name}-whole/m", tools=TOOLS)
        call = message.content[-1]
        assert (call.type, call.name, call.input["city"]) == ("tool_use", "get_weather", "Paris"), name
        assert call.id
        assert message.stop_reason == "tool_use"
        message, _ = streamed(f"{name}-stream/m", tools=TOOLS)
        assert message.content[-1].input["city"] == "Paris", name
        assert message.stop_reason == "tool_use"


@needs(MESSAGES)
def check_parallel_tools():
    message, _ = streamed("parallel-stream/m", tools=TOOLS, tool_choice={"type": "any"})
    calls = [block for block in message.content if block.type == "tool_use"]
    assert [call.input["city"] for call in calls] == ["Paris", "Rome"]


@needs(MESSAGES)
def check_a_tool_round():
    for name in ["tool", "claude-tool"]:
        first = ask(f"{name}-whole/m", tools=TOOLS)
        result = {"type": "tool_result", "tool_use_id": first.content[-1].id, "content": "rain"}
        turns = [
            *ASK,
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": [result, {"type": "text", "text": "And tomorrow?"}]},
        ]
        for model in ["echo/m", "claude/m", LOCAL]:
            assert ask(model, messages=turns, tools=TOOLS).content, (name, model)


@needs(MESSAGES)
def check_thinking():
    block = ask("claude-thinking-whole/m").content[0]
    assert block.type == "thinking"
    assert block.signature
    message, _ = streamed("claude-thinking-stream/m")
    assert message.content[0].to_dict() == block.to_dict()
    for message in [ask("reasoning-whole/m"), streamed("reasoning-stream/m")[0]]:
        assert [block.type for block in message.content] == ["thinking", "text"]
        assert message.content[0].thinking == "2 + 2 is 4."


@needs(MESSAGES)
def check_thinking_goes_back():
    first = ask("claude-thinking-whole/m")
    turns = [*ASK, {"role": "assistant", "content": first.content}, *ASK]
    assert ask("claude/m", messages=turns).content[0].text == HELLO


@needs(MESSAGES)
def check_refusal():
    for message in [ask("refusal-whole/m"), streamed("refusal-stream/m")[0]]:
        assert message.stop_reason == "refusal"
        assert message.content[0].text == "I can't help with that."


@needs(MESSAGES)
def check_blocks_of_the_providers_own():
    kinds = [block.type for block in ask("claude-search-whole/m").content]
    assert "web_search_tool_result" in kinds
    message, _ = streamed("claude-search-stream/m")
    assert "web_search_tool_result" in [block.type for block in message.content]


@needs(MESSAGES)
def check_cached_tokens():
    usage = ask("cached-whole/m").usage
    assert (usage.input_tokens, usage.cache_read_input_tokens) == (976, 1024)
    usage = ask("claude-cache-whole/m").usage
    assert usage.cache_read_input_tokens is not None


@needs(MESSAGES)
def check_images_and_documents():
    png = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    words = {"type": "text", "media_type": "text/plain", "data": "The grass is green."}
    turn = [
        {"type": "image", "source": png},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {"type": "document", "source": words, "title": "Grass", "citations": {"enabled": True}},
        {"type": "text", "text": "What is that?"},
    ]
    for model in ["echo/m", "claude/m"]:
        assert ask(model, messages=[{"role": "user", "content": turn}]).content[0].text == HELLO


@needs(MESSAGES)
def check_output_format():
    class City(BaseModel):
        name: str

    message = client().messages.parse(**fields(output_format=City))
    assert isinstance(message.parsed_output, City)


@needs(MESSAGES)
def check_unknown_model():
    for act in [lambda: ask("nobody/knows"), lambda: streamed("nobody/knows")]:
        error = raises(anthropic.NotFoundError, act)
        assert error.type == "not_found_error", error
        assert "nobody" in error.api_message


@needs(MESSAGES)
async def check_unknown_model_async():
    await raises_async(anthropic.NotFoundError, lambda: later().messages.create(**fields("nobody/knows")))


@needs(MESSAGES)
def check_bad_parameters_are_named():
    def refused(**more):
        error = raises(anthropic.BadRequestError, lambda: ask(**more))
        assert error.type == "invalid_request_error", error
        return error.api_message

    assert refused(max_tokens=-1).startswith("max_tokens")
    assert refused(messages=[]).startswith("messages")
    assert refused(messages=[{"role": "boss", "content": "x"}]).startswith("messages[0].role")
    assert refused(extra_body={"api_key": "x"}).startswith("api_key")
    assert refused(tools=[{"name": "f"}]).startswith("tools[0].input_schema")


@needs(MESSAGES)
def check_keys():
    raises(anthropic.AuthenticationError, lambda: ask(of=client(KEYED_URL, api_key="wrong")))
    assert ask(of=client(KEYED_URL, api_key=KEY)).content
    assert ask(of=client(KEYED_URL, api_key=None, auth_token=KEY)).content


@needs(MESSAGES)
def check_upstream_failures():
    error = raises(anthropic.RateLimitError, lambda: ask("limited/m"))
    assert error.response.headers["retry-after"] == "120"
    assert error.type == "rate_limit_error"
    raises(anthropic.InternalServerError, lambda: ask("broken/m"))
    raises(anthropic.InternalServerError, lambda: ask("dead/m"))
    error = raises(anthropic.OverloadedError, lambda: ask("overloaded/m"))
    assert error.type == "overloaded_error"
    error = raises(anthropic.InternalServerError, lambda: ask("forbidden/m"))
    assert error.status_code == 502
    error = raises(anthropic.BadRequestError, lambda: ask("crowded/m"))
    assert error.error_code == "context_length_exceeded"


@needs(MESSAGES)
def check_a_stream_that_breaks():
    pieces = []

    def read():
        with client().messages.stream(**fields("cut/m")) as stream:
            pieces.extend(stream.text_stream)

    error = raises(anthropic.APIStatusError, read)
    assert "".join(pieces) == "Hello"
    assert error.type == "api_error", error


@needs(MESSAGES)
def check_request_ids():
    assert ask("echo/m")._request_id
    assert raises(anthropic.NotFoundError, lambda: ask("nobody/knows")).request_id


@needs(COUNT)
def check_count_tokens():
    count = client().messages.count_tokens
    short = count(model=LOCAL, messages=ASK).input_tokens
    assert short > 0
    assert short == ask().usage.input_tokens
    assert count(model=LOCAL, messages=[*ASK, *ASK]).input_tokens > short
    assert count(model=LOCAL, messages=ASK, system="Be brief.").input_tokens > short
    assert count(model="echo/gpt-4o-mini", messages=ASK, tools=TOOLS).input_tokens > 0


@needs(COUNT)
def check_count_tokens_errors():
    count = client().messages.count_tokens
    raises(anthropic.NotFoundError, lambda: count(model="nobody/knows", messages=ASK))
    error = raises(anthropic.BadRequestError, lambda: count(model=LOCAL, messages=[]))
    assert error.api_message.startswith("messages")


@needs(MESSAGES)
def check_models():
    models = list(client().models.list())
    assert LOCAL in [model.id for model in models]
    assert all(model.type == "model" and model.display_name for model in models)
    assert client().models.retrieve("llama-7b").id == "llama-7b"
