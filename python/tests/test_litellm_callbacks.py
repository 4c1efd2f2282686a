"""Who hears of a call made through `antiphon.litellm`: functions and `CustomLogger`s, by LiteLLM's lists."""

import asyncio
import datetime
import threading

import antiphon.litellm as litellm
import pytest
from faultd import HANG, error, stream
from hosted import CANARY, HI, secret_in


class Heard(list):
    """What was told, in order; waits for it."""

    def __init__(self):
        super().__init__()
        self.changed = threading.Condition()

    def add(self, *told):
        with self.changed:
            self.append(told)
            self.changed.notify_all()

    def wait(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self) >= count, 10), self
        return self[:count]

    def names(self, count):
        return [told[0] for told in self.wait(count)]


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def setting(monkeypatch):
    return lambda name, value: monkeypatch.setattr(litellm, name, value)


@pytest.fixture
def openai(upstream, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("OPENAI_API_BASE", upstream.url + "/v1")
    return upstream


@pytest.fixture
def logger(heard):
    class Logger(litellm.CustomLogger):
        def log_pre_api_call(self, model, messages, kwargs):
            heard.add("before", model, messages, kwargs)

        def log_success_event(self, kwargs, response_obj, start_time, end_time):
            heard.add("success", kwargs, response_obj, start_time, end_time)

        def log_failure_event(self, kwargs, response_obj, start_time, end_time):
            heard.add("failure", kwargs, response_obj, start_time, end_time)

        async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
            heard.add("async success", kwargs, response_obj, start_time, end_time)

        async def async_log_failure_event(self, kwargs, response_obj, start_time, end_time):
            heard.add("async failure", kwargs, response_obj, start_time, end_time)

    return Logger()


def test_a_function_hears_of_success(openai, heard, setting):
    setting("success_callback", [lambda *told: heard.add(*told)])
    response = litellm.completion(
        "gpt-4o", HI, metadata={"trace": "t"}, temperature=0.5, user="u", api_key=CANARY
    )
    ((kwargs, answer, start, end),) = heard.wait(1)
    assert answer is response
    assert isinstance(start, datetime.datetime)
    assert start < end
    assert (kwargs["model"], kwargs["messages"], kwargs["input"]) == ("gpt-4o", HI, HI)
    assert kwargs["litellm_params"]["metadata"] == {"trace": "t"}
    assert kwargs["optional_params"] == {"temperature": 0.5, "user": "u"}
    assert (kwargs["temperature"], kwargs["user"], kwargs["stream"]) == (0.5, "u", False)
    assert (kwargs["call_type"], kwargs["log_event_type"]) == ("completion", "post_api_call")
    assert kwargs["custom_llm_provider"] == "openai"
    assert kwargs["response_cost"] == response._hidden_params["response_cost"] > 0
    assert kwargs["cache_hit"] is False
    payload = kwargs["standard_logging_object"]
    assert (payload["status"], payload["model"], payload["id"]) == ("success", "gpt-4o", response.id)
    assert payload["total_tokens"] == response.usage.total_tokens
    assert payload["response_cost"] == kwargs["response_cost"]
    assert payload["response"] == response.model_dump()
    assert payload["metadata"] == {"trace": "t"}
    assert not secret_in(repr(kwargs))


def test_a_function_hears_of_failure(openai, heard, setting):
    setting("failure_callback", [lambda *told: heard.add(*told)])
    openai.script(error(401))
    with pytest.raises(litellm.AuthenticationError) as caught:
        litellm.completion("gpt-4o", HI)
    ((kwargs, answer, _, _),) = heard.wait(1)
    assert answer is None
    assert kwargs["exception"] is caught.value
    assert kwargs["traceback_exception"].startswith("Traceback")
    payload = kwargs["standard_logging_object"]
    assert payload["status"] == "failure"
    assert payload["error_information"]["error_class"] == "AuthenticationError"
    assert payload["error_information"]["error_code"] == "401"
    assert not secret_in(repr(kwargs))


def test_a_logger_and_sync_calls(openai, heard, logger, setting):
    setting("callbacks", [logger])
    litellm.completion("gpt-4o", HI)
    assert heard.names(2) == ["before", "success"]
    assert heard[0][1:3] == ("gpt-4o", HI)
    openai.script(stream(["Pa", "ris"]))
    chunks = litellm.completion("gpt-4o", HI, stream=True)
    assert heard.names(3)[2:] == ["before"]
    list(chunks)
    assert heard.names(4)[3:] == ["success"]
    kwargs, answer = heard[3][1:3]
    assert isinstance(answer, litellm.ModelResponse)
    assert answer.choices[0].message.content == "Paris"
    assert kwargs["complete_streaming_response"] is answer
    assert kwargs["stream"] is True
    with pytest.raises(litellm.RateLimitError):
        litellm.completion("gpt-4o", HI, mock_response="litellm.RateLimitError", num_retries=0)
    assert heard.names(6)[4:] == ["before", "failure"]


def test_a_logger_and_async_calls(openai, heard, logger, setting):
    setting("callbacks", [logger])

    async def main():
        await litellm.acompletion("gpt-4o", HI)
        openai.script(stream(["Pa", "ris"]))
        async for _ in await litellm.acompletion("gpt-4o", HI, stream=True):
            pass
        with pytest.raises(litellm.RateLimitError):
            await litellm.acompletion("gpt-4o", HI, mock_response="litellm.RateLimitError", num_retries=0)
        while len(heard) < 6:
            await asyncio.sleep(0.01)

    asyncio.run(main())
    assert sorted(heard.names(6)) == ["async failure"] + ["async success"] * 2 + ["before"] * 3
    streamed = next(told for told in heard if "async_complete_streaming_response" in told[1])
    assert streamed[2].choices[0].message.content == "Paris"


def test_coroutines_run_on_the_loop_of_the_call_while_it_runs(heard, setting):
    async def hears(kwargs, response, start, end):
        heard.add(asyncio.get_running_loop())

    setting("success_callback", [hears])

    async def main():
        await litellm.acompletion("gpt-4o", HI, mock_response="x")
        while not heard:
            await asyncio.sleep(0.01)
        assert heard[0][0] is asyncio.get_running_loop()

    asyncio.run(main())
    # A loop that is over cannot run it any more: another one does.
    for count in range(2, 12):
        asyncio.run(litellm.acompletion("gpt-4o", HI, mock_response="x"))
        heard.wait(count)
    # A sync call has no loop, and LiteLLM's does not run them either.
    litellm.completion("gpt-4o", HI, mock_response="x")
    asyncio.run(litellm.acompletion("gpt-4o", HI, mock_response="x"))
    heard.wait(12)
    assert len(heard) == 12


def test_functions_hear_of_async_calls_and_of_what_is_sent(heard, setting):
    setting("input_callback", [lambda kwargs: heard.add("input", kwargs["model"])])
    setting("success_callback", [lambda *told: heard.add("success")])
    asyncio.run(litellm.acompletion("openai/gpt-4o", HI, mock_response="x"))
    assert heard.names(2) == ["input", "success"]
    assert heard[0][1] == "gpt-4o"


def test_callbacks_of_one_call(heard, logger):
    litellm.completion(
        "gpt-4o", HI, mock_response="x", callbacks=[logger], success_callback=[lambda *_: heard.add("own")]
    )
    assert heard.names(3) == ["before", "own", "success"]
    litellm.completion("gpt-4o", HI, mock_response="x")
    assert len(heard) == 3


def test_a_stream_that_is_left(openai, heard, logger, setting):
    setting("callbacks", [logger])
    openai.script(stream(["one"], finish=False, then=[HANG]))
    chunks = litellm.completion("gpt-4o", HI, stream=True)
    next(chunks)
    next(chunks)
    chunks.close()
    assert heard.names(2) == ["before", "success"]
    assert heard[1][2].choices[0].message.content == "one"


def test_both_kinds_of_callbacks_hear_of_a_stream(heard, logger, setting, monkeypatch):
    import antiphon

    monkeypatch.setattr(antiphon, "callbacks", [lambda report: heard.add("antiphon", report["stream"])])
    setting("callbacks", [logger])
    list(litellm.completion("gpt-4o", HI, mock_response="x y", stream=True))
    assert sorted(heard.names(3)) == ["antiphon", "before", "success"]


def test_texts_are_kept_back(heard, setting):
    setting("turn_off_message_logging", True)
    setting("success_callback", [lambda *told: heard.add(*told)])
    response = litellm.completion(
        "gpt-4o", [{"role": "user", "content": "a secret"}], mock_response="another secret"
    )
    ((kwargs, answer, _, _),) = heard.wait(1)
    assert "secret" not in repr((kwargs, answer))
    assert response.choices[0].message.content == "another secret"


def test_a_callback_that_fails_hurts_nobody(heard, setting, caplog):
    def broken(*told):
        raise KeyError("mine")

    setting("success_callback", [broken, lambda *told: heard.add("told")])
    setting("input_callback", [broken])
    assert litellm.completion("gpt-4o", HI, mock_response="x").choices
    heard.wait(1)
    assert {record.name for record in caplog.records} == {"antiphon"}
    assert "KeyError: 'mine'" in caplog.text


def test_an_integration_by_name_is_an_error(setting):
    setting("success_callback", ["langfuse"])
    with pytest.raises(litellm.BadRequestError, match="no integration 'langfuse'"):
        litellm.completion("gpt-4o", HI, mock_response="x")


def test_a_budget_counts_streams(openai, setting):
    setting("_current_cost", 0.0)
    setting("max_budget", 100.0)
    list(litellm.completion("gpt-4o", HI, stream=True))
    heard = Heard()
    setting("success_callback", [lambda *told: heard.add(litellm._current_cost)])
    litellm.completion("gpt-4o", HI, mock_response="x")
    ((cost,),) = heard.wait(1)
    assert cost > 0


def test_without_callbacks_there_is_nothing(python):
    python(
        """
import sys
import antiphon.litellm as litellm
litellm.completion("gpt-4o", [{"role": "user", "content": "hi"}], mock_response="x")
assert not {"antiphon._callbacks", "antiphon.litellm._log", "asyncio", "datetime"} & set(sys.modules)
"""
    )
