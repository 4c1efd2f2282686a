"""adulib 0.4.6, as its registry has it, with `antiphon.litellm` in LiteLLM's place."""

import pytest
from faultd import Faultd, error, json_reply
from hosted import CANARY

#: What every program here begins with: adulib's cache is a folder of its own.
BEGIN = """
import asyncio, os, sys, tempfile
import antiphon.litellm
sys.modules["litellm"] = antiphon.litellm
import adulib.llm as llm
from adulib.caching import set_default_cache_path
set_default_cache_path(tempfile.mkdtemp())
HI = [{"role": "user", "content": "hi"}]
"""


@pytest.fixture
def adulib(python, monkeypatch):
    """Runs a program of adulib in a fresh interpreter; OpenAI is an upstream of the test."""
    with Faultd() as upstream:
        monkeypatch.setenv("OPENAI_API_KEY", CANARY)
        monkeypatch.setenv("OPENAI_API_BASE", upstream.url + "/v1")

        def run(program):
            process = python(BEGIN + program)
            assert process.stderr == ""
            return process.stdout

        run.upstream = upstream
        yield run


def test_completion_and_its_cache(adulib):
    adulib(
        """
response, cache_hit, log = llm.completion("gpt-4o-mini", HI)
assert response.choices[0].message.content == "Hello from faultd."
assert cache_hit is False
assert log["method"] == "completion" and log["model"] == "gpt-4o-mini"
assert log["cost"] == response._hidden_params["response_cost"] > 0
assert log["input_tokens"] == 8 and log["output_tokens"] > 0
again, cache_hit, _ = llm.completion("gpt-4o-mini", HI)
assert cache_hit is True and again == response
other, cache_hit, _ = llm.completion("gpt-4o-mini", HI, cache_key_prefix="other")
assert cache_hit is False and other.choices[0].message.content == "Hello from faultd."
assert isinstance(llm.completion("gpt-4o-mini", HI, return_cache_key=True), tuple)
"""
    )
    assert len(adulib.upstream.requests()) == 2


def test_single_and_multi(adulib):
    adulib(
        """
text, cache_hit, log = llm.single("hi", model="gpt-4o-mini")
assert text == "Hello from faultd."
(text, context), _, _ = llm.single("hi", model="gpt-4o-mini", system="Be brief.", multi=True)
(text, context), _, _ = llm.single("and again", multi=context)
roles = [message["role"] for message in context["messages"]]
assert roles == ["system", "user", "assistant", "user", "assistant"]
response, _, _ = llm.single("whole", model="gpt-4o-mini", return_full_response=True)
assert response.usage.total_tokens > 0
"""
    )


def test_asynchronous_and_in_batches(adulib):
    adulib(
        """
from adulib.asynchronous import batch_executor
async def main():
    response, cache_hit, log = await llm.async_completion("gpt-4o-mini", HI)
    assert response.choices[0].message.content == "Hello from faultd."
    text, _, _ = await llm.async_single("hi there", model="gpt-4o-mini")
    results = await batch_executor(
        llm.async_single,
        constant_kwargs={"model": "gpt-4o-mini"},
        batch_kwargs=[{"prompt": str(number)} for number in range(20)],
        concurrency_limit=5,
        verbose=False,
    )
    assert [text for text, _, _ in results] == ["Hello from faultd."] * 20
asyncio.run(main())
"""
    )
    assert len(adulib.upstream.requests()) == 22


def vectors(count):
    data = [{"object": "embedding", "index": index, "embedding": [0.5, index]} for index in range(count)]
    usage = {"prompt_tokens": count, "total_tokens": count}
    return json_reply({"object": "list", "model": "text-embedding-3-small", "data": data, "usage": usage})


def test_embeddings(adulib):
    adulib.upstream.script([vectors(count) for count in (2, 2, 1, 1, 1, 1)])
    adulib(
        """
response, cache_hit, log = llm.embedding("text-embedding-3-small", ["one", "two"])
assert len(response.data) == 2 and len(response.data[0]["embedding"]) > 0
assert log["method"] == "embedding" and log["input_tokens"] == 2
assert llm.embedding("text-embedding-3-small", ["one", "two"])[1] is True
vectors, responses = llm.batch_embeddings("text-embedding-3-small", ["a", "b", "c"], batch_size=2)
assert len(vectors) == 3 and len(responses) == 2
model = "text-embedding-3-small"
vectors, _ = asyncio.run(llm.async_batch_embeddings(model, ["d", "e", "f"], batch_size=1))
assert len(vectors) == 3
"""
    )


def test_text_completions(adulib):
    adulib(
        """
model = "gpt-3.5-turbo-instruct"
response, cache_hit, log = llm.text_completion(model=model, prompt="Once upon", max_tokens=9)
assert response.choices[0].text
assert log["method"] == "text_completion" and log["output_tokens"] > 0
response, _, _ = asyncio.run(llm.async_text_completion(model=model, prompt="a time"))
assert response.choices[0].text
"""
    )


def test_models_and_tokens(adulib):
    adulib(
        """
assert "gpt-4o" in llm.available_models and "sample_spec" not in llm.available_models
assert "gpt-4o-mini" in llm.search_models("4O-MINI")
assert llm.token_counter(model="gpt-4o", text="hello world") == 2
assert llm.token_counter(model="gpt-4o", messages=HI) == 8
"""
    )


def test_call_logs_and_costs(adulib):
    adulib(
        """
path = os.path.join(tempfile.mkdtemp(), "calls.jsonl")
llm.set_call_log_save_path(path)
llm.start_tracking()
async def main():
    for _ in range(2):
        await llm.async_completion("gpt-4o-mini", HI)
asyncio.run(main())
assert [cache_hit for _, cache_hit in llm.get_tracked_logs()] == [False, True]
assert "Total calls: 2" in llm.print_tracking_stats(get_as_str=True)
assert len(llm.stop_tracking()) == 2
assert llm.get_total_costs() == llm.get_total_costs("gpt-4o-mini") > 0
assert llm.get_total_tokens() == llm.get_total_input_tokens() + llm.get_total_output_tokens() > 8
assert len(llm.get_call_logs("gpt-4o-mini")) == 1
assert "gpt-4o-mini" in open(path).read()
"""
    )


def test_retries(adulib):
    adulib.upstream.script([error(429), {"auto": {"text": "healed", "tongue": "auto"}}])
    adulib(
        """
response, _, _ = llm.completion("gpt-4o-mini", HI, retry_delay=0, num_retries=0)
assert response.choices[0].message.content == "healed"
from adulib.llm._utils import MaximumRetriesException
try:
    mock = {"mock_response": "litellm.RateLimitError", "num_retries": 0}
    llm.completion("gpt-4o", HI, max_retries=2, retry_delay=0, **mock)
except MaximumRetriesException as error:
    assert len(error.retry_exceptions) == 2
    assert type(error.retry_exceptions[0]) is antiphon.litellm.RateLimitError
else:
    raise AssertionError
"""
    )


def test_mocks_and_chorister(adulib):
    output = adulib(
        """
print(llm.single("What is the capital of Sweden?", model="gpt-4o", mock_response="Stockholm")[0])
question = [{"role": "user", "content": "What is the capital of France?"}]
response, _, log = llm.completion("local/chorister", question)
print(response.choices[0].message.content, log["cost"])
"""
    )
    assert output == "Stockholm\nThe capital of France is Paris. 0.0\n"
