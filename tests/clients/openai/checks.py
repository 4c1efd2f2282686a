"""The official `openai` client against `/v1`."""

import openai
from harness import (
    COLON_KEY,
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

ASK = [{"role": "user", "content": QUESTION}]
HELLO = 'Hello there, é \U0001f914 \u2028 "q" \\n'
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]


def client(url=URL, key="anything", path="/v1"):
    return openai.OpenAI(base_url=url + path, api_key=key, max_retries=0, timeout=30)


def later():
    return openai.AsyncOpenAI(base_url=URL + "/v1", api_key="anything", max_retries=0, timeout=30)


def ask(model=LOCAL, of=None, **fields):
    return (of or client()).chat.completions.create(model=model, messages=ASK, **fields)


def check_chat_whole():
    answer = ask(temperature=0)
    assert "Paris" in answer.choices[0].message.content
    assert answer.object == "chat.completion"
    assert answer.id
    assert answer.choices[0].finish_reason == "stop"
    usage = answer.usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens > 0


def check_chat_streamed_is_chat_whole():
    chunks = list(ask(temperature=0, stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == ask(temperature=0).choices[0].message.content
    assert len(chunks) > 2
    assert chunks[0].choices[0].delta.role == "assistant"
    assert all(chunk.usage is None for chunk in chunks)


def check_usage_of_a_stream():
    *_, last = ask(temperature=0, stream=True, stream_options={"include_usage": True})
    assert last.choices == []
    assert last.usage.completion_tokens > 0


async def check_async():
    answer = await later().chat.completions.create(model=LOCAL, messages=ASK, temperature=0)
    stream = await later().chat.completions.create(model=LOCAL, messages=ASK, temperature=0, stream=True)
    text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
    assert text == answer.choices[0].message.content


def check_stream_helper():
    with client().chat.completions.stream(model=LOCAL, messages=ASK, temperature=0) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    assert "Paris" in final.choices[0].message.content


def check_hosted_text_is_what_was_sent():
    assert ask("echo/m").choices[0].message.content == HELLO
    pieces = [chunk.choices[0].delta.content or "" for chunk in ask("echo/m", stream=True) if chunk.choices]
    assert "".join(pieces) == HELLO
    assert ask("claude/m").choices[0].message.content == HELLO


def check_limits_and_stops():
    short = ask(max_tokens=1, temperature=0)
    assert short.choices[0].finish_reason == "length"
    assert short.usage.completion_tokens == 1
    stopped = ask(stop=["Paris"], temperature=0).choices[0]
    assert "Paris" not in stopped.message.content
    assert stopped.finish_reason == "stop"


def check_several_choices():
    assert [choice.index for choice in ask(n=2).choices] == [0, 1]


def check_logprobs():
    answer = ask(logprobs=True, top_logprobs=2, max_tokens=3)
    tokens = answer.choices[0].logprobs.content
    assert len(tokens) == 3
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 2 for token in tokens)


def check_parse():
    class City(BaseModel):
        name: str

    answer = client().chat.completions.parse(
        model=LOCAL, messages=ASK, response_format=City, max_tokens=60, temperature=0
    )
    assert isinstance(answer.choices[0].message.parsed, City)


def check_tools_whole():
    for model in ["tool-whole/m", "claude-tool-whole/m"]:
        answer = ask(model, tools=TOOLS)
        (call,) = answer.choices[0].message.tool_calls
        assert call.function.name == "get_weather", model
        assert "Paris" in call.function.arguments
        assert answer.choices[0].finish_reason == "tool_calls"


def check_tools_streamed():
    # This client takes the calls of a message in the order of their places alone, whoever sends them.
    cases = [("tool-stream/m", []), ("claude-parallel-stream/m", ["get_time"]), ("claude-tool-stream/m", [])]
    for model, further in cases:
        with client().chat.completions.stream(model=model, messages=ASK, tools=TOOLS) as stream:
            for _ in stream:
                pass
            calls = stream.get_final_completion().choices[0].message.tool_calls
        assert [call.function.name for call in calls] == ["get_weather", *further], model
        assert "Paris" in calls[0].function.arguments


def check_a_tool_round():
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    messages = [
        *ASK,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
    ]
    for model in ["echo/m", "claude/m"]:
        answer = client().chat.completions.create(model=model, messages=messages, tools=TOOLS)
        assert answer.choices[0].message.content == HELLO


def check_reasoning():
    message = ask("claude-thinking-whole/m").choices[0].message
    assert message.reasoning_content
    assert message.content


def check_usage_details():
    usage = ask("cached-whole/m").usage
    assert usage.prompt_tokens_details.cached_tokens == 1024
    assert usage.completion_tokens_details.reasoning_tokens == 30


def check_models():
    models = [model.id for model in client().models.list()]
    assert LOCAL in models
    assert "llama-7b" in models


def check_one_model():
    assert client().models.retrieve("llama-7b").id == "llama-7b"
    assert client().models.retrieve(LOCAL).id == LOCAL
    raises(openai.NotFoundError, lambda: client().models.retrieve("nobody/knows"))


def check_unknown_model():
    for stream in [False, True]:
        error = raises(openai.NotFoundError, lambda stream=stream: ask("nobody/knows", stream=stream))
        assert error.code == "model_not_found", error
        assert "nobody" in error.message


async def check_unknown_model_async():
    await raises_async(
        openai.NotFoundError, lambda: later().chat.completions.create(model="nobody/knows", messages=ASK)
    )


def check_bad_parameter_is_named():
    error = raises(openai.BadRequestError, lambda: ask(temperature="hot"))
    assert error.param == "temperature", error
    error = raises(openai.BadRequestError, lambda: ask("echo/m", extra_body={"api_key": "x"}))
    assert error.param == "api_key", error


def check_wrong_key():
    raises(openai.AuthenticationError, lambda: ask(of=client(KEYED_URL, "wrong")))
    for key in [KEY, COLON_KEY]:
        assert "Paris" in ask(of=client(KEYED_URL, key), temperature=0).choices[0].message.content


def check_limits_upstream():
    error = raises(openai.RateLimitError, lambda: ask("limited/m"))
    assert error.response.headers["retry-after"] == "120"


def check_upstream_failures():
    raises(openai.InternalServerError, lambda: ask("broken/m"))
    raises(openai.InternalServerError, lambda: ask("overloaded/m"))
    error = raises(openai.InternalServerError, lambda: ask("forbidden/m"))
    assert error.status_code == 502
    raises(openai.InternalServerError, lambda: ask("dead/m"))
    error = raises(openai.BadRequestError, lambda: ask("crowded/m"))
    assert error.code == "context_length_exceeded"


def check_a_stream_that_breaks():
    pieces = []

    def read():
        pieces.extend(chunk.choices[0].delta.content or "" for chunk in ask("cut/m", stream=True))

    error = raises(openai.APIError, read)
    assert "".join(pieces) == "Hello"
    assert error.code == "stream_interrupted", error


def check_request_ids():
    answer = client().chat.completions.with_raw_response.create(model="echo/m", messages=ASK)
    assert answer.headers["x-request-id"]
    assert answer.parse().choices[0].message.content == HELLO
    error = raises(openai.NotFoundError, lambda: ask("nobody/knows"))
    assert error.request_id


def check_below_llm_engine():
    answer = ask(of=client(path="/llm-engine/v1"), temperature=0)
    assert "Paris" in answer.choices[0].message.content


@needs("POST /v1/completions")
def check_completions():
    complete = client().completions.create
    answer = complete(model=LOCAL, prompt=QUESTION, max_tokens=5, temperature=0)
    assert answer.object == "text_completion"
    assert answer.choices[0].text
    assert answer.usage.completion_tokens <= 5
    stream = complete(model=LOCAL, prompt=QUESTION, max_tokens=5, temperature=0, stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream if chunk.choices) == answer.choices[0].text
    several = complete(model=LOCAL, prompt=["a", "b"], max_tokens=2)
    assert [choice.index for choice in several.choices] == [0, 1]


@needs("POST /v1/completions")
def check_completions_errors():
    create = client().completions.create
    raises(openai.NotFoundError, lambda: create(model="nobody/knows", prompt="a"))
    raises(openai.BadRequestError, lambda: create(model=LOCAL, prompt="a", max_tokens="many"))


@needs("POST /v1/embeddings")
def check_embeddings():
    # The client asks for base64 where it is not told otherwise, and decodes it.
    as_base64 = client().embeddings.create(model="vectors/m", input=["a", "b"])
    as_floats = client().embeddings.create(model="vectors/m", input=["a", "b"], encoding_format="float")
    assert [item.index for item in as_base64.data] == [0, 1]
    pairs = zip(as_base64.data[0].embedding, as_floats.data[0].embedding, strict=True)
    assert all(abs(left - right) < 1e-6 for left, right in pairs)
    assert as_base64.usage.prompt_tokens > 0
    error = raises(openai.BadRequestError, lambda: client().embeddings.create(model=LOCAL, input="a"))
    assert "gives no embeddings" in str(error)


@needs("POST /v2/chat/completions")
def check_v2():
    of = client(path="/v2")
    assert "Paris" in ask(of=of, temperature=0).choices[0].message.content
    assert list(ask(of=of, stream=True))


@needs("POST /v2/completions")
def check_v2_completions():
    answer = client(path="/v2").completions.create(model=LOCAL, prompt="a", max_tokens=2)
    assert answer.choices[0].text is not None
