"""`antiphon.callbacks`: every finished call is reported once, from another thread, and none is hurt by it."""

import asyncio
import sys
import threading
import time

import antiphon
import pytest
from antiphon import acompletion, completion
from faultd import HANG, error, stream, text
from hosted import ANTHROPIC, CANARY, HI, OPENAI, acall, call, secret_in, shows_no_secret


class Reports(list):
    """Gathers reports, and waits for them."""

    def __init__(self):
        super().__init__()
        self.changed = threading.Condition()

    def __call__(self, report):
        with self.changed:
            self.append(report)
            self.changed.notify_all()

    def wait(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self) >= count, 10), self
        return self[count - 1]

    # A list is compared by what it holds; a callback is this very one.
    __eq__ = object.__eq__
    __hash__ = object.__hash__


@pytest.fixture
def reports():
    reports = Reports()
    antiphon.callbacks.append(reports)
    yield reports
    antiphon.callbacks.remove(reports)


NAMES = {"model", "provider", "messages", "operation", "stream", "started", "duration", "cost"}


def check(report, *, outcome="response", model=OPENAI, is_stream=False):
    assert report.keys() == NAMES | {outcome}
    assert (report["provider"], report["model"]) == tuple(model.split("/"))
    assert report["messages"] == HI
    assert report["operation"] == "chat"
    assert report["stream"] is is_stream
    assert abs(time.time() - report["started"]) < 60
    assert 0 < report["duration"] < 60
    assert not secret_in(repr(report))
    shows_no_secret(report[outcome])
    return report


@pytest.mark.parametrize("model", [OPENAI, ANTHROPIC])
def test_whole_and_streamed(upstream, reports, model):
    response = call(upstream, model)
    report = check(reports.wait(1), model=model)
    assert report["response"] is response
    assert report["cost"] == response._hidden_params["response_cost"] > 0
    stream_ = call(upstream, model, stream=True)
    assert type(stream_) is antiphon.CompletionStream
    assert len(reports) == 1
    list(stream_)
    report = check(reports.wait(2), model=model, is_stream=True)
    assert report["response"] is stream_.response
    assert list(stream_) == []
    stream_.close()
    del stream_
    call(upstream, model)
    reports.wait(3)
    assert len(reports) == 3


def test_asynchronous(upstream, reports):
    async def main():
        await acall(upstream)
        async for _ in await acall(upstream, stream=True):
            pass

    asyncio.run(main())
    check(reports.wait(1))
    report = check(reports.wait(2), is_stream=True)
    assert report["response"].choices[0].message.content == "Hello from faultd."


def test_errors(upstream, reports):
    upstream.script(error(429, headers={"retry-after": "7"}))
    with pytest.raises(antiphon.RateLimitError) as caught:
        call(upstream, max_retries=0)
    assert check(reports.wait(1), outcome="error")["error"] is caught.value
    assert reports[0]["cost"] is None
    upstream.script(stream(["one"], finish=False))
    with pytest.raises(antiphon.StreamInterruptedError) as caught:
        list(call(upstream, stream=True))
    assert check(reports.wait(2), outcome="error", is_stream=True)["error"] is caught.value

    async def main():
        with pytest.raises(antiphon.StreamInterruptedError):
            [chunk async for chunk in await acall(upstream, stream=True)]

    asyncio.run(main())
    check(reports.wait(3), outcome="error", is_stream=True)


def test_a_cancelled_call(upstream, reports):
    upstream.script(stream([], finish=False, then=[HANG]))

    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(acall(upstream), 0.05)

    asyncio.run(main())
    report = reports.wait(1)
    assert isinstance(report["error"], asyncio.CancelledError)
    assert report["model"] == OPENAI
    assert report["provider"] is None


@pytest.mark.parametrize("leave", ["close", "with", "drop"])
def test_a_stream_that_is_left(upstream, reports, leave):
    upstream.script(stream(["one"], finish=False, then=[HANG]))
    stream_ = call(upstream, stream=True)
    next(stream_)
    next(stream_)
    if leave == "close":
        stream_.close()
    elif leave == "with":
        with stream_:
            pass
    del stream_
    report = check(reports.wait(1), is_stream=True)
    assert report["response"].choices[0].message.content == "one"
    assert upstream.wait(closed=1)
    call(upstream, mock_response="x")
    assert [report["stream"] for report in reports[: len(reports)]].count(True) == 1


def test_mocks_positional_arguments_and_wrong_ones(reports):
    completion("how are you?", "openai/gpt-4o-mini", mock_response="Fine.")
    report = reports.wait(1)
    assert report["messages"] == "how are you?"
    messages = [{"role": "user", "content": "hi"}]
    completion("openai/gpt-4o-mini", messages, mock_response="Fine.")
    messages.append({"role": "assistant", "content": "later"})
    assert reports.wait(2)["messages"] == HI
    assert reports.wait(2)["model"] == "gpt-4o-mini"
    with pytest.raises(antiphon.InvalidRequestError):
        completion("hi", temprature=1)
    assert type(reports.wait(3)["error"]) is antiphon.InvalidRequestError
    with pytest.raises(TypeError):
        completion(*range(99))
    assert type(reports.wait(4)["error"]) is TypeError
    asyncio.run(acompletion("hi", mock_response="x"))
    assert reports.wait(5)["response"].choices


def test_a_dry_run_is_no_call(reports):
    completion("hi", OPENAI, api_key="k", dry_run=True)
    completion("hi", mock_response="x")
    assert reports.wait(1)["response"].choices[0].message.content == "x"
    assert len(reports) == 1


def test_the_thread_is_one_of_pythons_and_the_caller_waits_for_none():
    seen = []
    go_on = threading.Event()

    def slow(report):
        go_on.wait(10)
        seen.append(threading.current_thread())

    antiphon.callbacks.append(slow)
    try:
        start = time.monotonic()
        for _ in range(50):
            completion("hi", mock_response="x")
        assert time.monotonic() - start < 5
        assert seen == []
        go_on.set()
        deadline = time.monotonic() + 10
        while len(seen) < 50 and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        antiphon.callbacks.remove(slow)
    assert len(seen) == 50
    (thread,) = set(seen)
    assert thread.daemon
    assert thread.name == "antiphon-callbacks"


def test_a_callback_that_fails_is_told_of_once(caplog, reports):
    def broken(report):
        # What one callback does to its report is not the next one's affair.
        report.clear()
        raise KeyError("mine")

    def leaves(report):
        sys.exit(3)

    antiphon.callbacks[:0] = [broken, leaves]
    try:
        for _ in range(5):
            completion("hi", mock_response="x")
        reports.wait(5)
    finally:
        antiphon.callbacks[:] = [reports]
    assert [record.name for record in caplog.records] == ["antiphon"] * 2
    assert "KeyError: 'mine'" in caplog.text
    assert all(report["response"] for report in reports)


def test_a_callback_that_calls_is_not_told_of_itself(upstream, reports):
    answers = []

    def calls(report):
        answers.append(call(upstream).choices[0].message.content)

    antiphon.callbacks.append(calls)
    try:
        call(upstream)
        reports.wait(1)
        deadline = time.monotonic() + 10
        while not answers and time.monotonic() < deadline:
            time.sleep(0.01)
        completion("hi", mock_response="x")
        reports.wait(2)
    finally:
        antiphon.callbacks.remove(calls)
    assert answers[0] == "Hello from faultd."
    assert len(reports) == 2


def test_the_list_may_be_assigned(monkeypatch):
    reports = Reports()
    monkeypatch.setattr(antiphon, "callbacks", [reports])
    completion("hi", mock_response="x")
    asyncio.run(acompletion("hi", mock_response="x"))
    reports.wait(2)
    for empty in ([], (), None):
        monkeypatch.setattr(antiphon, "callbacks", empty)
        assert completion("hi", mock_response="x").choices
        assert asyncio.run(acompletion("hi", mock_response="x")).choices


def test_without_callbacks_there_is_nothing(python):
    python(
        """
import sys
from antiphon import completion
completion("hi", mock_response="x", mock_delay=0.01)
list(completion("hi", mock_response="x", stream=True))
assert not {"threading", "queue", "antiphon._callbacks"} & set(sys.modules)
"""
    )


def test_the_end_waits_for_reports_but_not_for_long(python):
    process = python(
        """
import antiphon, time
def late(report):
    time.sleep(0.2)
    print("told", report["response"].choices[0].message.content, flush=True)
antiphon.callbacks.append(late)
antiphon.completion("hi", mock_response="x")
"""
    )
    assert process.stdout == "told x\n"
    start = time.monotonic()
    process = python(
        """
import antiphon, time
antiphon.callbacks.append(lambda report: time.sleep(60))
for _ in range(10):
    antiphon.completion("hi", mock_response="x")
stream = antiphon.completion("hi", mock_response="x y", stream=True)
next(stream)
"""
    )
    assert process.stderr == ""
    assert time.monotonic() - start < 10


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_a_forked_child_reports_its_own(python):
    process = python(
        """
import os, sys, warnings, antiphon
warnings.simplefilter("ignore", DeprecationWarning)
def tell(report):
    os.write(1, f"{report['messages']} {os.getpid() == parent}\\n".encode())
parent = os.getpid()
antiphon.callbacks.append(tell)
antiphon.completion("parent", mock_response="x")
child = os.fork()
antiphon.completion("child" if child == 0 else "again", mock_response="x")
if child:
    assert os.waitpid(child, 0)[1] == 0
"""
    )
    assert sorted(process.stdout.splitlines()) == ["again True", "child False", "parent True"]


def test_reports_of_many_threads(upstream, reports):
    upstream.script(text("hi", times=None))
    threads = [threading.Thread(target=lambda: [call(upstream) for _ in range(10)]) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reports.wait(160)
    assert len({id(report["response"]) for report in reports}) == len(reports) == 160
    assert CANARY not in repr(list(reports))
