"""Records of calls, in memory and in a file, and what they come to."""

import asyncio
import contextlib
import json
import os
import sys
from datetime import timezone

import antiphon
import pytest
from antiphon import CallLog, async_completion, completion
from faultd import Faultd, error, text

MOCKED = {"model": "openai/gpt-4o-mini", "mock_response": "a canary answer"}


@pytest.fixture(autouse=True)
def _nothing_set():
    yield
    antiphon.set_call_log_save_path(None)
    with contextlib.suppress(RuntimeError):
        antiphon.stop_tracking()


def options(upstream, **more):
    return {"model": "openai/gpt-4o-mini", "base_url": f"{upstream.url}/v1", "api_key": "canary-0", **more}


def test_what_is_tracked_is_there_right_after_the_call(tmp_path):
    with Faultd(text("Hello.")) as upstream:
        antiphon.start_tracking()
        completion("hi", **options(upstream, cache_path=tmp_path))
        [(log, cache_hit)] = antiphon.get_tracked_logs()
        assert (log.provider, log.model, log["method"]) == ("openai", "gpt-4o-mini", "completion")
        assert (cache_hit, log.cache_hit) == (False, False)
        assert (log.attempts, log.error, log.cache_key is None) == (1, None, False)
        assert log.cost > 0
        assert log.input_tokens > 0
        assert log.timestamp.tzinfo is timezone.utc
        asyncio.run(async_completion("hi", **options(upstream, cache_path=tmp_path)))
        pair = antiphon.get_tracked_logs()[1]
        assert pair == (pair[0], True)
        assert pair[0].cost == log.cost
        for _ in completion("ho", stream=True, stream_options={"include_usage": True}, **options(upstream)):
            pass
        assert antiphon.get_tracked_logs()[2][0].stream
    logs = antiphon.stop_tracking()
    assert len(logs) == 3
    assert "canary" not in repr(logs)
    assert CallLog(**log.model_dump()) == log


def test_what_fails_and_what_is_dropped():
    with Faultd(error(500, "down")) as upstream:
        antiphon.start_tracking()
        with pytest.raises(antiphon.InternalServerError):
            completion("hi", **options(upstream, retry_delay=0))
        with pytest.raises(antiphon.RateLimitError):
            completion("hi", **MOCKED | {"mock_response": "antiphon.RateLimitError"})
        stream = completion("hi", stream=True, **MOCKED | {"mock_response": "one two three"})
        next(stream)
        stream.close()
    failed, mocked, dropped = (log for log, _ in antiphon.stop_tracking())
    assert (failed.error, failed.attempts, failed.cost) == ("InternalServerError", 3, None)
    assert (mocked.error, mocked.attempts, mocked.cost) == ("RateLimitError", 0, 0.0)
    assert dropped.error == "CancelledError"


def test_tracking_is_started_and_stopped_once():
    for function in (antiphon.stop_tracking, antiphon.get_tracked_logs, antiphon.print_tracking_stats):
        with pytest.raises(RuntimeError, match="not tracked"):
            function()
    with pytest.raises(RuntimeError, match="no call log"):
        antiphon.get_total_costs()
    antiphon.start_tracking()
    with pytest.raises(RuntimeError, match="tracked already"):
        antiphon.start_tracking()
    completion("hi", **MOCKED)
    assert antiphon.get_tracked_logs() is antiphon.get_tracked_logs()
    assert len(antiphon.stop_tracking()) == 1
    completion("hi", **MOCKED)
    antiphon.start_tracking()
    assert antiphon.get_tracked_logs() == []


def test_stats_say_what_is_not_known(capsys):
    fields = {"model": "m", "provider": "p", "input_tokens": 1, "output_tokens": 2}
    known = CallLog(cost=0.5, cache_hit=False, **fields)
    unknown = CallLog(cost=None, cache_hit=False, **fields)
    kept = CallLog(cost=0.25, cache_hit=True, **fields)
    pairs = [(known, False), (unknown, False), (kept, True)]
    shown = antiphon.print_tracking_stats(pairs, prepend="> ", get_as_str=True)
    assert shown.splitlines() == [
        "> Total calls: 3",
        "> New calls: 2",
        "> Cache hits: 1",
        "> Costs:",
        ">   Including cache hits:",
        ">     Total costs: $0.750000",
        ">     Average cost per call: $0.375000",
        ">     1 call is of unknown cost not in these",
        ">   Excluding cache hits:",
        ">     Total costs: $0.500000",
        ">     Average cost per call: $0.500000",
        ">     1 call is of unknown cost not in these",
    ]
    assert antiphon.print_tracking_stats([known, unknown, kept], "> ") is None
    assert capsys.readouterr().out == shown + "\n"
    assert "unknown" in antiphon.print_tracking_stats([unknown], get_as_str=True)


def test_a_file_has_a_line_for_each_call(tmp_path):
    path = tmp_path / "new" / "calls.jsonl"
    antiphon.set_call_log_save_path(path)
    for _ in range(3):
        completion("a canary prompt", **MOCKED)
    completion("hi", model="local/chorister", max_tokens=2)
    completion("hi", model="nobody/knows", mock_response="x")
    logs = antiphon.get_call_logs()
    assert [log.model for log in logs] == ["gpt-4o-mini"] * 3 + ["chorister", "nobody/knows"]
    assert "canary" not in path.read_text()
    with path.open("a") as file:
        file.write('{"torn')
    assert len(antiphon.get_call_logs(path=path)) == 5
    for name in ("openai/gpt-4o-mini", "gpt-4o-mini"):
        assert len(antiphon.get_call_logs(name)) == 3
    one = logs[0]
    assert antiphon.get_total_costs("gpt-4o-mini") == pytest.approx(3 * one.cost)
    assert antiphon.get_total_costs("chorister") == 0.0
    with pytest.warns(UserWarning, match="1 call is of unknown cost"):
        assert antiphon.get_total_costs() == pytest.approx(3 * one.cost)
    assert antiphon.get_total_input_tokens("gpt-4o-mini") == 3 * one.input_tokens
    assert antiphon.get_total_output_tokens("gpt-4o-mini") == 3 * one.output_tokens
    assert antiphon.get_total_tokens() == sum(log.input_tokens + log.output_tokens for log in logs)


def test_a_file_that_cannot_be_written_hurts_no_call(tmp_path):
    antiphon.set_call_log_save_path(tmp_path)
    assert completion("hi", **MOCKED).choices[0].message.content == "a canary answer"


def test_what_waits_is_written_when_the_program_ends(python, tmp_path):
    path = tmp_path / "calls.jsonl"
    python(
        "import sys, antiphon\n"
        "antiphon.set_call_log_save_path(sys.argv[1])\n"
        "for _ in range(200): antiphon.completion('hi', 'openai/m', mock_response='x')\n",
        str(path),
    )
    assert len(path.read_text().splitlines()) == 200


def test_the_environment_names_the_file(python, tmp_path, monkeypatch):
    monkeypatch.setenv("ANTIPHON_CALL_LOG_PATH", str(tmp_path / "calls.jsonl"))
    shown = python(
        "import antiphon\nantiphon.completion('hi', 'openai/m', mock_response='x')\n"
        "print(len(antiphon.get_call_logs()))\n"
    )
    assert shown.stdout == "1\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_goes_on(python, tmp_path):
    path = tmp_path / "calls.jsonl"
    python(
        """
import os, sys, antiphon
antiphon.set_call_log_save_path(sys.argv[1])
antiphon.start_tracking()
call = lambda: antiphon.completion("hi", "openai/m", mock_response="x")
call()
antiphon.get_tracked_logs()
child = os.fork()
if child == 0:
    for _ in range(3): call()
    assert len(antiphon.get_tracked_logs()) == 4, antiphon.get_tracked_logs()
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
call()
assert len(antiphon.get_tracked_logs()) == 2
""",
        str(path),
    )
    ids = [json.loads(line)["id"] for line in path.read_text().splitlines()]
    assert len(ids) == len(set(ids)) == 5


def test_many_threads_lose_nothing(python, tmp_path):
    path = tmp_path / "calls.jsonl"
    python(
        """
import sys, threading, antiphon
antiphon.set_call_log_save_path(sys.argv[1])
antiphon.start_tracking()
def work():
    for _ in range(100): antiphon.completion("hi", "openai/m", mock_response="x")
threads = [threading.Thread(target=work) for _ in range(8)]
[thread.start() for thread in threads]
while any(thread.is_alive() for thread in threads): antiphon.get_tracked_logs()
[thread.join() for thread in threads]
assert len(antiphon.get_tracked_logs()) == 800
""",
        str(path),
    )
    assert len(path.read_text().splitlines()) == 800


def test_nothing_of_it_is_imported_before_it_is_asked_for(python):
    shown = python("import sys, antiphon\nprint('antiphon._tracking' in sys.modules)\nantiphon.CallLog")
    assert shown.stdout == "False\n"
    assert "antiphon._tracking" not in sys.modules or antiphon.CallLog is CallLog


def test_raw_prompts_and_embeddings_are_logged_as_what_they_are():
    antiphon.start_tracking()
    antiphon.text_completion("hi", model="m/x", mock_response="x")
    antiphon.embedding(["hi"], model="m/x", mock_response=[0.5, 0.5])
    assert [log.method for log, _ in antiphon.get_tracked_logs()] == ["text_completion", "embedding"]
