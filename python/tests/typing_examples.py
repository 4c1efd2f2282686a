"""Not run: `mypy --strict` reads this, so that the stubs say what users rely on."""

from dataclasses import dataclass
from typing import Any, TypedDict, assert_type

import antiphon
from antiphon import (
    AsyncCompletionStream,
    CompletionStream,
    Context,
    Message,
    ModelResponse,
    ModelResponseStream,
    RateLimitError,
    Timeout,
    acompletion,
    as_dict,
    async_completion,
    async_single,
    batch_executor,
    completion,
    llm,
    single,
)
from pydantic import BaseModel


def whole() -> str:
    response = completion("how are you?")
    assert_type(response, ModelResponse)
    assert_type(completion("hi", "local/chorister", 5.0, 0.5), ModelResponse)
    assert_type(completion("local/chorister", [{"role": "user", "content": "hi"}]), ModelResponse)
    messages = [Message(role="user", content="hi")]
    assert_type(completion(model="m", messages=messages, stream=False), ModelResponse)
    assert_type(completion("hi", vendor_flag=True, tools=[{"type": "function"}]), ModelResponse)
    refusal = RateLimitError("slow down", "openai", "gpt-4o")
    assert_type(completion("hi", mock_response=refusal), ModelResponse)
    assert_type(response.choices[0].message.tool_calls, list[antiphon.ChatCompletionMessageToolCall] | None)
    assert_type(response.usage, antiphon.Usage | None)
    assert_type(response.model_dump_json(), str)
    return response.choices[0].message.content or ""


class Recipe(BaseModel):
    name: str


@dataclass
class Person:
    name: str


class City(TypedDict):
    name: str


def weather(city: str) -> str:
    """The weather of a city."""
    return city


def formed() -> None:
    response = completion("hi", response_format=Recipe)
    assert_type(response, ModelResponse[Recipe])
    assert_type(response.parsed, Recipe | None)
    assert_type(response.choices[0].message.parsed, Recipe | None)
    assert_type(completion("hi", response_format=Person).parsed, Person | None)
    assert_type(completion("hi", response_format=City).parsed, City | None)
    completion("hi", response_format={"type": "json_object"}, tools=[weather, Recipe, {"type": "function"}])
    chunks = completion("hi", response_format=Recipe, stream=True)
    assert_type(chunks, CompletionStream[Recipe])
    for _ in chunks:
        print(chunks.partial)
    assert_type(chunks.parsed, Recipe | None)
    assert_type(chunks.response, ModelResponse[Recipe])


def streamed(stream: bool) -> None:
    chunks = completion("hi", stream=True)
    assert_type(chunks, CompletionStream)
    for chunk in chunks:
        assert_type(chunk, ModelResponseStream)
        assert_type(chunk.choices[0].delta.content, str | None)
    with completion("hi", model="local/chorister", stream=True) as opened:
        next(opened)
    assert_type(opened.response, ModelResponse)
    assert_type(completion("hi", stream=stream), ModelResponse | CompletionStream)


def ranked() -> None:
    response = antiphon.rerank("q", ["a", {"text": "b"}], "cohere/rerank-v3.5", top_n=1)
    assert_type(response, antiphon.RerankResponse)
    assert_type(antiphon.rerank("cohere/rerank-v3.5", "q", ["a"]).results[0].relevance_score, float)
    assert_type(antiphon.rerank("q", ["a"], "m/x", mock_response=[0.5]).usage, antiphon.Usage | None)
    assert_type(antiphon.rerank("q", ["a"], "m/x", dry_run=True), dict[str, Any])


async def asynchronous() -> None:
    assert_type(await antiphon.arerank(model="m", query="q", documents=["a"]), antiphon.RerankResponse)
    assert_type(await async_completion("hi"), ModelResponse)
    assert_type(await acompletion(model="m", messages="hi"), ModelResponse)
    assert_type((await acompletion("hi", response_format=Recipe)).parsed, Recipe | None)
    formed = await acompletion("hi", response_format=Recipe, stream=True)
    assert_type(formed, AsyncCompletionStream[Recipe])
    chunks = await acompletion("hi", stream=True)
    assert_type(chunks, AsyncCompletionStream)
    async for chunk in chunks:
        assert_type(chunk, ModelResponseStream)


def simple(context: Context, read: dict[str, Any], flag: bool) -> None:
    assert_type(single("hi"), str)
    assert_type(llm.prompt("hi", "m", "Be brief.", 5.0, 0.5, tools=[]), str)
    assert_type(single([{"type": "text", "text": "hi"}], multi=True), tuple[str, Context])
    assert_type(single("hi", multi=context), tuple[str, Context])
    assert_type(single("hi", return_full_response=True), ModelResponse[object])
    assert_type(single("hi", multi=context, return_full_response=True), tuple[ModelResponse[object], Context])
    text, _ = single("hi", multi=read)
    assert_type(text, str)
    single("hi", multi=flag)
    pair = single("hi", multi=context, return_full_response=flag)
    assert_type(pair, tuple[str, Context] | tuple[ModelResponse[object], Context])


async def batch(prompts: list[str]) -> None:
    assert_type(await async_single("hi"), str)
    assert_type(await llm.async_prompt("hi", multi=True), tuple[str, Context])
    rows = [{"prompt": prompt} for prompt in prompts]
    assert_type(await batch_executor(async_single, as_dict(model="m"), batch_kwargs=rows), list[str])
    assert_type(await antiphon.asynchronous.batch_executor(single, batch_args=[("hi",), ["hi"]]), list[str])
    found = await batch_executor(len, batch_args=[("hi",)], return_exceptions=True)
    assert_type(found, list[int | BaseException])


def errors() -> None:
    try:
        completion("hi")
    except Timeout as error:
        assert_type(error.retry_after, float | None)
        assert_type(error.partial_response, ModelResponse | None)
    except antiphon.AntiphonError as error:
        print(error.message, error.hint, error.param, error.status_code)


def reports(report: dict[str, object]) -> None:
    antiphon.callbacks.append(reports)
    antiphon.callbacks = [print]


def llm_engine() -> None:
    from antiphon import Completion
    from antiphon.llmengine import BatchCompletionsJob, CompletionSyncV1Response, File, Model
    from antiphon.llmengine.data_types import (
        CreateBatchCompletionsModelConfig,
        CreateBatchCompletionsV1RequestContent,
        CreateBatchCompletionsV1Response,
        ModelEndpointStatus,
    )

    assert_type(Completion.create("m", "p"), CompletionSyncV1Response)
    for event in Completion.create("m", "p", stream=True):
        assert_type(event.error.status_code if event.error else 0, int)
    config = CreateBatchCompletionsModelConfig(model="m", labels={"team": "a"})
    content = CreateBatchCompletionsV1RequestContent(prompts=["a"], max_new_tokens=1, temperature=0)
    assert_type(Completion.batch_create("o.json", config, content), CreateBatchCompletionsV1Response)
    rows = [{"messages": [{"role": "user", "content": "hi"}]}]
    assert_type(Completion.batch_create("o.json", config, rows, use_v2=True), BatchCompletionsJob)
    assert_type(Model.get("m", timeout=3).status, ModelEndpointStatus)
    assert_type([file.size for file in File.list().files], list[int])
