"""Threads, signals, forks, exits: the runtime under Python."""

import asyncio
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from antiphon import _antiphon, completion
from conftest import CHORISTER, soak

unix = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def slow(seconds=0.05, text="x", **kwargs):
    return completion("hi", mock_response=text, mock_delay=seconds, **kwargs).choices[0].message.content


def test_a_sync_call_works_inside_a_running_loop():
    async def main():
        return slow(), [chunk async for chunk in _empty()]

    async def _empty():
        for chunk in completion("hi", mock_response="x", mock_delay=0.01, stream=True):
            yield chunk

    text, chunks = asyncio.run(main())
    assert text == "x"
    assert chunks


def test_threads_do_not_wait_for_each_other():
    start = time.perf_counter()
    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda i: slow(0.3, str(i)), range(64)))
    assert answers == [str(i) for i in range(64)]
    assert time.perf_counter() - start < 3


def test_other_threads_run_while_one_waits():
    ticks = 0
    done = threading.Event()

    def tick():
        nonlocal ticks
        while not done.is_set():
            ticks += 1
            time.sleep(0.005)

    thread = threading.Thread(target=tick)
    thread.start()
    slow(0.5)
    done.set()
    thread.join()
    assert ticks > 20


@unix
@pytest.mark.parametrize("kind", ["whole", "stream"])
def test_ctrl_c(python, kind):
    process = python(
        """
import os, signal, sys, threading, time
from antiphon import completion

sent = 0
def kill():
    global sent
    sent = time.perf_counter()
    os.kill(os.getpid(), signal.SIGINT)

threading.Timer(0.3, kill).start()
try:
    completion("hi", mock_response="x", mock_delay=30, stream=sys.argv[1] == "stream")
except KeyboardInterrupt:
    print(time.perf_counter() - sent)
completion("hi", mock_response="x", mock_delay=0.01)
""",
        kind,
    )
    # 100 ms is what we promise; a busy test machine gets ten times that.
    assert float(process.stdout) < 1


@unix
def test_a_handler_of_a_signal_runs_and_the_call_goes_on(python):
    process = python(
        """
import os, signal, threading
from antiphon import completion
signal.signal(signal.SIGUSR1, lambda *_: print("handled", flush=True))
threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
print(completion("hi", mock_response="x", mock_delay=0.5).choices[0].message.content)
"""
    )
    assert process.stdout.split() == ["handled", "x"]


FORK = """
import os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from antiphon import completion

def call(**kwargs):
    return completion("hi", mock_response="x", mock_delay=0.01, **kwargs)

call()
stream = call(stream=True)
next(stream)
for _ in range(int(sys.argv[1])):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            call()
            list(call(stream=True))
            try:
                next(stream)
            except RuntimeError as error:
                code = 0 if "before a fork" in str(error) else 2
        finally:
            del stream
            os._exit(code)
    pid, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, status
list(stream)
call()
"""


@unix
def test_fork(python):
    python(FORK, str(soak(10)))


@unix
def test_a_forked_child_exits_by_itself(python):
    python(
        """
import os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from antiphon import completion
completion("hi", mock_response="x", mock_delay=0.01)
child = os.fork()
if child == 0:
    completion("hi", mock_response="x", mock_delay=0.01)
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
"""
    )


def test_multiprocessing(python):
    python(
        """
import functools, multiprocessing, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from antiphon import completion
if __name__ == "__main__":
    call = functools.partial(completion, mock_response="x", mock_delay=0.01)
    call("hi")
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for answer in pool.map(call, ["a", "b", "c"]):
            assert answer.choices[0].message.content == "x"
"""
    )


EXITS = {
    "idle": "slow()",
    "before any wait": "completion('hi', mock_response='x')",
    "open stream": "stream = slow(stream=True); next(stream)",
    "daemon thread in a call": """
threading.Thread(target=lambda: slow(30), daemon=True).start()
time.sleep(0.05)
""",
    "thread that ends later": "threading.Thread(target=lambda: slow(0.1)).start()",
    "unfinished tasks": """
async def main():
    tasks = [asyncio.ensure_future(acompletion('hi', mock_response='x', mock_delay=30)) for _ in range(10)]
    await asyncio.sleep(0.02)
asyncio.run(main())
""",
    "loop never closed": """
loop = asyncio.new_event_loop()
loop.run_until_complete(acompletion('hi', mock_response='x', mock_delay=0.01))
""",
    "call at exit": "atexit.register(lambda: completion('hi', mock_response='x'))",
    "exception": "slow(); sys.exit(0)",
}


@pytest.mark.parametrize("how", EXITS)
def test_exits(python, how):
    code = f"""
import asyncio, atexit, sys, threading, time
from antiphon import acompletion, completion

def slow(seconds=0.01, **kwargs):
    return completion('hi', mock_response='x', mock_delay=seconds, **kwargs)

{EXITS[how]}
"""
    for _ in range(soak(6)):
        start = time.perf_counter()
        process = python(code)
        assert process.stderr.replace("ResourceWarning", "") == "", process.stderr
        assert time.perf_counter() - start < 15


@pytest.mark.skipif(not _antiphon.LOCAL_MODELS, reason="this build has no local models")
def test_exit_with_a_model_at_work(python):
    code = f"""
import threading, time
from antiphon import completion
stream = completion('Tell me a story.', '{CHORISTER}', stream=True)
next(stream)
threading.Thread(target=lambda: completion('Tell me a story.', '{CHORISTER}'), daemon=True).start()
"""
    for _ in range(soak(6)):
        assert python(code).stderr == ""


def test_nothing_is_printed(python):
    process = python("from antiphon import completion; completion('hi', mock_response='x', mock_delay=0.01)")
    assert (process.stdout, process.stderr) == ("", "")


def test_the_configuration_is_read_at_the_first_call(python, tmp_path, monkeypatch):
    monkeypatch.setenv("ANTIPHON_CONFIG_DIR", str(tmp_path))
    (tmp_path / "config.toml").write_text("modle = 1\n")
    process = python(
        """
from antiphon import ConfigError, completion
for _ in range(2):
    try:
        completion("hi", mock_response="x")
    except ConfigError as error:
        print(error)
"""
    )
    assert process.stdout.count("unknown field") == 2


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_waiting_calls_leave_nothing_behind():
    slow(0.001)

    def state():
        return len(os.listdir("/proc/self/fd")), threading.active_count()

    before = state()
    for _ in range(200):
        slow(0.001)
        next(completion("hi", mock_response="x", mock_delay=0.001, stream=True))
    assert state() == before
