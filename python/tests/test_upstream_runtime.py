"""The runtime under Python with a connection at stake: who leaves is seen upstream, and nobody hangs."""

import asyncio
import gc
import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import antiphon
import pytest
from antiphon import _aio
from conftest import soak
from faultd import HANG, Faultd, event_stream, hang, repeat, reply, send, stream, text
from hosted import CANARY, OPENAI, acall, call, header, secret_in

unix = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

# An answer of which some comes and the rest never.
BEGUN = stream(["one ", "two "], finish=False, then=[HANG], times=None)
HALF = reply(
    200, [send('{"id": "x", '), HANG], [("content-type", "application/json")], framing="chunked", times=None
)

# What we promise is 100 ms; a busy test machine gets ten times that.
SOON = 10.0

PRELUDE = """
import asyncio, atexit, gc, os, random, signal, sys, threading, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from antiphon import acompletion, completion

def call(**kwargs):
    return completion("hi", "openai/gpt-4o-mini", **kwargs)

def acall(**kwargs):
    return acompletion("hi", "openai/gpt-4o-mini", **kwargs)

def opened():
    stream = call(stream=True)
    next(stream)
    return stream

def daemon(act):
    threading.Thread(target=act, daemon=True).start()

def say(*what):
    # In one piece, whoever else writes.
    os.write(1, (" ".join(map(str, what)) + "\\n").encode())

def answered():
    return call(base_url=os.environ["OPENAI_BASE_URL"].replace("/v1", "/answered"))
"""


@pytest.fixture
def begin(upstream, monkeypatch):
    """Starts a program whose calls go to the upstream."""
    monkeypatch.setenv("OPENAI_BASE_URL", upstream.url + "/v1")
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    begun = []

    def begin(code, *arguments):
        command = [sys.executable, "-X", "faulthandler", "-c", PRELUDE + code, *map(str, arguments)]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        begun.append(process)
        return process

    yield begin
    for process in begun:
        process.kill()
        process.wait()
        for file in (process.stdin, process.stdout, process.stderr):
            file.close()


def finish(process, timeout=60):
    """Its output, once it has ended well and quietly."""
    out, err = process.communicate(timeout=timeout)
    assert not secret_in(out + err)
    assert (process.returncode, err) == (0, "")
    return out


@pytest.fixture
def run(begin):
    return lambda *args, **kwargs: finish(begin(*args), **kwargs)


def test_a_sync_call_inside_a_running_loop(upstream):
    async def main():
        waiting = asyncio.ensure_future(acall(upstream))
        inside = call(upstream)
        chunks = list(call(upstream, stream=True))
        return inside, chunks, await waiting

    inside, chunks, waited = asyncio.run(main())
    assert inside.choices == waited.choices
    assert chunks


# Who leaves a call, and how. Each leaves one request behind; the upstream sees the close soon.


def dropped(upstream):
    stream = call(upstream, stream=True)
    next(stream)
    del stream


def in_a_cycle(upstream):
    stream = call(upstream, stream=True)
    next(stream)
    cycle = {"stream": stream}
    cycle["self"] = cycle
    del cycle, stream
    gc.collect()


def closed(upstream):
    stream = call(upstream, stream=True)
    next(stream)
    stream.close()
    assert stream.response.choices[0].message.content.startswith("one ")
    assert list(stream) == []


def block_left(upstream):
    with call(upstream, stream=True) as stream:
        next(stream)
    assert stream


def block_raised(upstream):
    with pytest.raises(KeyError), call(upstream, stream=True):
        raise KeyError


def loop_left(upstream):
    for _ in call(upstream, stream=True):
        break


def generator_dropped(upstream):
    def texts():
        for chunk in call(upstream, stream=True):
            yield chunk.choices[0].delta.content

    generator = texts()
    next(generator)
    del generator


def thread_of_another(upstream):
    stream = call(upstream, stream=True)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(next, stream).result()
        pool.submit(stream.close).result()


@pytest.mark.parametrize(
    "leave",
    [
        dropped,
        in_a_cycle,
        closed,
        block_left,
        block_raised,
        loop_left,
        generator_dropped,
        thread_of_another,
    ],
)
def test_a_half_read_stream_is_left(upstream, leave):
    upstream.script(BEGUN)
    leave(upstream)
    assert upstream.wait(closed=1, in_flight=0, within=SOON)


async def cancel(awaitable, after=0.05):
    task = asyncio.ensure_future(awaitable)
    await asyncio.sleep(after)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        # Whoever keeps the exception keeps its frames, and with them a stream that one of them holds.
        return
    pytest.fail("it was not cancelled")


async def read_on(upstream):
    async for _ in await acall(upstream, stream=True):
        pass


async def async_cancelled(upstream):
    await cancel(acall(upstream))


async def async_cancelled_at_once(upstream):
    # Whether it got so far that a request was sent is a matter of luck.
    await cancel(acall(upstream), 0)
    await cancel(acall(upstream))


async def async_stream_cancelled(upstream):
    await cancel(read_on(upstream))


async def async_timed_out(upstream):
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(acall(upstream), 0.05)


async def async_stream_timed_out(upstream):
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(read_on(upstream), 0.05)


async def async_block_left(upstream):
    async with await acall(upstream, stream=True) as stream:
        await anext(stream)


async def async_closed(upstream):
    stream = await acall(upstream, stream=True)
    await anext(stream)
    await stream.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def async_dropped(upstream):
    stream = await acall(upstream, stream=True)
    await anext(stream)
    del stream


async def async_thrown_away(upstream):
    coroutine = acall(upstream)
    coroutine.send(None)
    await asyncio.sleep(0.05)
    coroutine.close()


async def async_first_of_two(upstream):
    tasks = [asyncio.ensure_future(acall(upstream)), asyncio.ensure_future(asyncio.sleep(0.05))]
    _, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)


@pytest.mark.parametrize(
    "reply_", [hang(times=None), HALF, BEGUN], ids=["nothing", "half", "stream"]
)
@pytest.mark.parametrize(
    "leave",
    [
        async_cancelled,
        async_cancelled_at_once,
        async_stream_cancelled,
        async_timed_out,
        async_stream_timed_out,
        async_block_left,
        async_closed,
        async_dropped,
        async_thrown_away,
        async_first_of_two,
    ],
)
def test_a_task_leaves(upstream, leave, reply_):
    needs_begun = leave in (async_block_left, async_closed, async_dropped)
    if needs_begun and reply_ is not BEGUN:
        pytest.skip("there is no stream to leave")
    upstream.script(reply_)

    async def main():
        await leave(upstream)
        # The loop lives on: it is the task's end that closes, not the loop's. It has to turn, though: it
        # holds the task as long as it runs what the task's end has woken.
        return await asyncio.to_thread(upstream.wait, closed=1, in_flight=0, within=SOON)

    assert asyncio.run(main())


def test_how_soon_the_upstream_sees_it(upstream):
    """One after the other, so that each has its time."""
    upstream.script([hang(times=None)])

    async def main():
        for count in range(1, soak(10) + 1):
            task = asyncio.ensure_future(acall(upstream))
            while not upstream.wait(requests=count, within=0.01):
                await asyncio.sleep(0.001)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert upstream.wait(closed=count, within=SOON)

    asyncio.run(main())


def test_a_loop_that_is_closed_with_a_call_in_it(run, upstream):
    """Its task is never finished; asyncio says so, and the upstream is closed nevertheless."""
    upstream.script(hang(times=None))
    out = run(
        """
import logging
logging.getLogger("asyncio").setLevel("CRITICAL")
loop = asyncio.new_event_loop()
task = loop.create_task(acall())
loop.run_until_complete(asyncio.sleep(0.1))
loop.close()
del task, loop
gc.collect()
say("closed")
sys.stdin.read()
""",
    )
    assert out == "closed\n"
    assert upstream.wait(closed=1, in_flight=0, within=SOON)


def test_two_loops_in_two_threads(upstream):
    upstream.script(text("hi", times=None, delay_ms=20))
    answers = []

    def loops():
        async def main():
            whole = await asyncio.gather(*[acall(upstream) for _ in range(20)])
            await cancel(acall(upstream), 0.005)
            return [answer.choices[0].message.content for answer in whole]

        for _ in range(3):
            answers.extend(asyncio.run(main()))

    threads = [threading.Thread(target=loops) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["hi"] * 120
    assert upstream.wait(in_flight=0, within=SOON)


def test_two_tasks_read_one_stream(upstream):
    upstream.script(stream(list("abcdefgh"), every_ms=10))

    async def main():
        stream = await acall(upstream, stream=True)

        async def read():
            return [chunk.choices[0].delta.content async for chunk in stream if chunk.choices]

        return await asyncio.wait_for(asyncio.gather(*[read() for _ in range(3)]), 10)

    read = asyncio.run(main())
    assert sorted(text for some in read for text in some if text) == list("abcdefgh")


def test_two_threads_read_one_stream(upstream):
    upstream.script(stream(list("abcdefgh"), every_ms=10))
    stream_ = call(upstream, stream=True)
    with ThreadPoolExecutor(3) as pool:
        read = list(pool.map(lambda _: list(stream_), range(3)))
    texts = [chunk.choices[0].delta.content for some in read for chunk in some if chunk.choices]
    assert sorted(filter(None, texts)) == list("abcdefgh")


INTERRUPTED = """
def kill():
    global sent
    sent = time.perf_counter()
    os.kill(os.getpid(), signal.SIGINT)

threading.Timer(0.3, kill).start()
try:
    if sys.argv[1] == "whole":
        call()
    elif sys.argv[1] == "stream":
        list(call(stream=True))
    else:
        asyncio.run(acall())
except KeyboardInterrupt as error:
    kept = error
    say(time.perf_counter() - sent)
sys.stdin.readline()
# Having been interrupted once changes nothing.
say(call(timeout=10).choices[0].message.content)
"""


@unix
@pytest.mark.parametrize("kind", ["whole", "stream", "async"])
def test_ctrl_c(begin, upstream, kind):
    upstream.script(BEGUN if kind == "stream" else hang(times=None))
    process = begin(INTERRUPTED, kind)
    assert float(process.stdout.readline()) < SOON
    # The process lives on, and so does the exception with its traceback.
    assert upstream.wait(closed=1, in_flight=0, within=SOON)
    upstream.script(text("hi", times=None))
    assert finish(process) == "hi\n"


@unix
def test_ctrl_c_at_random_moments(run, upstream):
    upstream.script(text("hi there", times=None, delay_ms=5, auto={"text": "a b c", "chunk_delay_ms": 5}))
    run(
        """
dice = random.Random(5)
pid = os.getpid()
interrupted = 0
for turn in range(int(sys.argv[1])):
    timer = threading.Timer(dice.random() * 0.03, os.kill, (pid, signal.SIGINT))
    try:
        timer.start()
        call()
        list(call(stream=True))
        timer.join()
        time.sleep(0.01)
    except KeyboardInterrupt:
        interrupted += 1
    timer.join()
assert interrupted > int(sys.argv[1]) // 2, interrupted
call()
""",
        soak(30),
    )
    assert upstream.wait(in_flight=0, within=SOON)


@unix
def test_an_exception_of_a_signals_handler_ends_the_call(begin, upstream):
    upstream.script(hang(times=None))
    process = begin(
        """
class Alarm(Exception): pass
def ring(*_): raise Alarm
signal.signal(signal.SIGALRM, ring)
signal.setitimer(signal.ITIMER_REAL, 0.2)
try:
    call()
except Alarm:
    say("rung")
sys.stdin.readline()
"""
    )
    assert process.stdout.readline() == "rung\n"
    assert upstream.wait(closed=1, in_flight=0, within=SOON)
    finish(process)


@unix
def test_a_pipe_that_kills(run, upstream):
    """With SIGPIPE as the system has it, a loop that is gone must not end the process."""
    upstream.script(text("hi", times=None, delay_ms=30))
    out = run(
        """
import logging
logging.getLogger("asyncio").setLevel("CRITICAL")
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
kept = []
for _ in range(10):
    loop = asyncio.new_event_loop()
    kept.append(loop.create_task(acall()))
    loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()
time.sleep(0.2)
say(call().choices[0].message.content)
"""
    )
    assert out == "hi\n"


# Forks. Who calls says so in a header, so that each connection can be seen to be one process's own.

WHO = """
def who():
    return {"extra_headers": {"x-who": str(os.getpid())}}
"""


def owners(upstream):
    """Connections, each with the processes that used it."""
    found = {}
    for request in upstream.requests():
        found.setdefault(request["connection"], set()).add(header(request, "x-who"))
    return found


@unix
def test_fork(run, upstream):
    upstream.script(
        [
            stream(["a"] * 40, every_ms=50, when={"nth": 2}),
            text("hi", times=None, auto={"text": "hi", "chunk_delay_ms": 1}),
        ]
    )
    count = soak(10)
    run(
        WHO
        + """
call(**who())
stream = call(stream=True, **who())
next(stream)
for turn in range(int(sys.argv[1])):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            call(**who())
            list(call(stream=True, **who()))
            asyncio.run(acall(**who()))
            for use in (lambda: next(stream), lambda: stream.response):
                try:
                    use()
                except RuntimeError as error:
                    code = 0 if "before a fork" in str(error) else 2
        finally:
            if turn % 3 == 0:
                os._exit(code)
            elif turn % 3 == 1:
                del stream
            sys.exit(code)
    call(**who())
    pid, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, status
assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "a" * 40
call(**who())
""",
        count,
        timeout=120,
    )
    assert all(len(users) == 1 for users in owners(upstream).values()), owners(upstream)
    requests = upstream.requests()
    assert len(requests) == 3 + 4 * count
    assert not any(request["closed"] for request in requests)
    # What must be unique is, in every process.
    keys = [header(request, "idempotency-key") for request in requests]
    assert len(set(keys)) == len(keys)


@unix
def test_a_child_that_lives_does_not_keep_the_parents_connection_open(begin, upstream):
    """It has a copy of the socket."""
    upstream.script(BEGUN)
    process = begin(
        """
stream = opened()
waiting = [asyncio.new_event_loop()]
task = waiting[0].create_task(acall())
waiting[0].run_until_complete(asyncio.sleep(0.1))
if os.fork() == 0:
    sys.stdin.readline()
    os._exit(0)
stream.close()
task.cancel()
waiting[0].run_until_complete(asyncio.gather(task, return_exceptions=True))
say("closed")
os.wait()
"""
    )
    assert process.stdout.readline() == "closed\n"
    assert upstream.wait(closed=2, in_flight=0, within=SOON)
    finish(process)


@unix
def test_fork_with_calls_in_other_threads(run, upstream):
    """What those threads hold stays held in the child."""
    upstream.script(text("hi", times=None, auto={"text": "a b c d", "chunk_delay_ms": 1}))
    run(
        """
done = False
def work():
    while not done:
        call()
        list(call(stream=True))
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for turn in range(int(sys.argv[1])):
    time.sleep(0.005)
    child = os.fork()
    if child == 0:
        call(timeout=20)
        list(call(stream=True, timeout=20))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
done = True
for thread in threads: thread.join()
""",
        soak(10),
        timeout=120,
    )
    assert upstream.wait(in_flight=0, within=SOON)


@unix
def test_preloaded_workers(begin, upstream):
    """As gunicorn does it: the application has called, then workers are forked, which have threads."""
    process = begin(
        WHO
        + """
from concurrent.futures import ThreadPoolExecutor
call(**who())
workers = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: call(**who()), range(12)))
        say("served")
        while True:
            time.sleep(10)
    workers.append(child)
call(**who())
sys.stdin.readline()
for worker in workers:
    os.kill(worker, signal.SIGTERM)
for worker in workers:
    assert os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) == 0
"""
    )
    assert [process.stdout.readline() for _ in range(3)] == ["served\n"] * 3
    finish(process)
    assert len(upstream.requests()) == 38
    assert all(len(users) == 1 for users in owners(upstream).values())


@unix
def test_multiprocessing(run, upstream):
    run(
        """
import functools, multiprocessing
call()
work = functools.partial(completion, model="openai/gpt-4o-mini")
for how in ("fork", "spawn"):
    with multiprocessing.get_context(how).Pool(2) as pool:
        for answer in pool.map(work, ["a", "b", "c"]):
            assert answer.choices[0].message.content == "Hello from faultd."
"""
    )


# Threads and the GIL.


def test_threads(upstream):
    upstream.script(text("hi", times=None, delay_ms=200))
    start = time.monotonic()
    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda _: call(upstream), range(64)))
    assert {answer.choices[0].message.content for answer in answers} == {"hi"}
    assert time.monotonic() - start < 2
    assert upstream.record()["max_in_flight"] > 32


def longest_silence(act):
    """The longest time in which another thread did not get to run, while something is done."""
    longest, done = 0, threading.Event()

    def tick():
        nonlocal longest
        last = time.perf_counter()
        while not done.is_set():
            time.sleep(0.002)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now

    ticker = threading.Thread(target=tick)
    ticker.start()
    try:
        act()
    finally:
        done.set()
        ticker.join()
    return longest


def test_other_threads_run_while_calls_wait(upstream):
    upstream.script(text("hi", times=None, delay_ms=500))
    assert longest_silence(lambda: call(upstream)) < 0.25


def test_a_large_prompt_does_not_hold_others_up(upstream):
    prompt = "All work and no play makes Jack a dull boy. é\n" * 230_000
    # The least of a few: other work on this machine makes silences of its own.
    assert min(longest_silence(lambda: call(upstream, messages=prompt)) for _ in range(3)) < 0.5
    assert len(upstream.requests()[0]["body"]) > 10_000_000


def test_many_messages_do_not_hold_others_up_for_long(upstream):
    messages = [{"role": "user", "content": f"message {number}"} for number in range(100_000)]
    assert min(longest_silence(lambda: call(upstream, messages=messages)) for _ in range(3)) < 1
    assert len(upstream.bodies()[0]["messages"]) == 100_000


def test_a_slow_reader_is_waited_for(upstream):
    """What nobody reads is not read from the upstream without end."""
    event = 'data: {"choices": [{"index": 0, "delta": {"content": "' + "x" * 4000 + '"}}]}\n\n'
    upstream.script(event_stream([], then=[repeat(event, every_ms=0)]))
    stream_ = call(upstream, stream=True)
    next(stream_)
    next(stream_)

    def written():
        return upstream.requests()[0]["written"]

    deadline = time.monotonic() + 20
    before, now = -1, written()
    while before != now:
        assert time.monotonic() < deadline, "it never stops reading"
        time.sleep(0.3)
        before, now = now, written()
    assert now < 64 << 20
    stream_.close()
    assert upstream.wait(closed=1, in_flight=0, within=SOON)


def test_the_first_calls_of_many_threads_with_a_wrong_configuration(python, tmp_path, monkeypatch):
    monkeypatch.setenv("ANTIPHON_CONFIG_DIR", str(tmp_path))
    (tmp_path / "config.toml").write_text("modle = 1\n")
    python(
        """
import sys, threading
from antiphon import ConfigError, completion
sys.setswitchinterval(1e-6)
def work():
    for _ in range(50):
        try:
            completion("hi", "openai/m")
        except ConfigError:
            pass
threads = [threading.Thread(target=work) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    )


# Exits. Each is a program, what it exits with, and whether Python itself has something to say.

EXITS = {
    "idle": ("answered()", 0, ""),
    "a thread that ends later": ("threading.Thread(target=answered).start()", 0, ""),
    "a stream open": ("stream = opened()", 0, ""),
    "a stream half read in a thread": ("daemon(lambda: list(call(stream=True))); time.sleep(0.05)", 0, ""),
    "a daemon thread in a call": ("daemon(lambda: call()); time.sleep(0.03)", 0, ""),
    "daemon threads at it": (
        """
def work():
    while True:
        try:
            answered()
            call(timeout=dice.random() * 0.01)
        except Exception as error:
            str(error)
dice = random.Random()
for _ in range(3): daemon(work)
time.sleep(0.03 + dice.random() * 0.02)
""",
        0,
        "",
    ),
    "daemon threads that fail at once": (
        """
import antiphon
sys.setswitchinterval(1e-6)
antiphon.callbacks.append(str)
call(mock_response="x")
def work():
    while True:
        try:
            call(mock_response="antiphon.RateLimitError")
        except Exception as error:
            str(error)
for _ in range(8): daemon(work)
time.sleep(0.03 + random.random() * 0.02)
""",
        0,
        "",
    ),
    "daemon threads streaming": (
        """
def work():
    while True:
        try:
            list(call(stream=True, idle_timeout=0.01))
        except Exception as error:
            str(error)
for _ in range(3): daemon(work)
time.sleep(0.03 + random.random() * 0.02)
""",
        0,
        "",
    ),
    "unfinished tasks": (
        """
async def main():
    tasks = [asyncio.ensure_future(acall()) for _ in range(5)]
    await asyncio.sleep(0.03)
asyncio.run(main())
""",
        0,
        "",
    ),
    "sys.exit in a task": (
        """
async def leave():
    await asyncio.sleep(0.03)
    sys.exit(3)
async def main():
    await asyncio.gather(acall(), leave())
asyncio.run(main())
""",
        3,
        # Python's own words, whatever the other task does.
        "SystemExit: 3",
    ),
    "sys.exit in a stream": (
        """
for chunk in call(stream=True):
    sys.exit(4)
""",
        4,
        "",
    ),
    "an exception nobody catches": ("stream = opened(); raise KeyError('mine')", 1, "KeyError: 'mine'"),
    "os._exit": ("stream = opened(); daemon(lambda: call()); time.sleep(0.02); os._exit(5)", 5, ""),
    "SIGTERM": (
        "stream = opened(); os.kill(os.getpid(), signal.SIGTERM); time.sleep(30)",
        -signal.SIGTERM,
        "",
    ),
    "a handler that calls": (
        """
def last():
    try:
        call(timeout=0.05)
    except TimeoutError:
        say("called")
call(mock_response="x")
atexit.register(last)
""",
        0,
        "",
    ),
    "a handler from before the first call": (
        """
atexit.register(lambda: call(timeout=0.05))
stream = opened()
""",
        0,
        "antiphon cannot be called while the interpreter ends",
    ),
    "a loop on a daemon thread": (
        "daemon(lambda: asyncio.run(acall())); time.sleep(0.05)",
        0,
        "",
    ),
}


def test_exits(begin, upstream):
    """No hang, no panic, no core; and the upstream is free again."""
    upstream.script(
        [
            text("hi", times=None, when={"path": "/answered"}),
            stream(["one ", "two "], finish=False, then=[HANG], times=None),
        ]
    )
    turns = [how for _ in range(soak(7)) for how in EXITS]

    def check(how):
        code, status, said = EXITS[how]
        process = begin(code)
        out, err = process.communicate(timeout=60)
        assert process.returncode == status, (how, process.returncode, err)
        assert said in err, (how, err)
        assert said or err == "", (how, err)
        assert "panic" not in err, (how, err)
        assert not secret_in(out + err), how

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(check, turns))
    assert upstream.wait(in_flight=0, open=0, within=SOON)


CANCELS = """
from antiphon import _aio
dice = random.Random(int(sys.argv[2]))

async def read(stream):
    async for chunk in stream:
        if dice.random() < 0.02:
            break

async def one():
    kind = dice.random()
    if kind < 0.5:
        await acall()
    elif kind < 0.9:
        await read(await acall(stream=True))
    else:
        async with await acall(stream=True) as stream:
            await read(stream)

async def victim():
    task = asyncio.ensure_future(one())
    await asyncio.sleep(dice.random() * 0.03)
    task.cancel()
    try:
        await task
        return 0
    except asyncio.CancelledError:
        return 1

async def main():
    cancelled = 0
    left = int(sys.argv[1])
    while left:
        count = min(left, 50)
        cancelled += sum(await asyncio.wait_for(asyncio.gather(*[victim() for _ in range(count)]), 60))
        left -= count
    answer = await acall()
    assert answer.choices[0].message.content == "a b c d e"
    assert _aio._LOOPS[asyncio.get_running_loop()].futures == {}
    return cancelled

cancelled = asyncio.run(main())
gc.collect()
say(cancelled)
sys.stdin.readline()
"""


def test_random_cancellations(begin, upstream):
    upstream.script(
        {"auto": {"text": "a b c d e", "chunks": 5, "delay_ms": 10, "chunk_delay_ms": 3}, "times": None}
    )
    count = soak(1000)
    process = begin(CANCELS, count, 7)
    cancelled = int(process.stdout.readline())
    assert cancelled > count // 2
    # The process lives: it is the cancelled calls that have closed what they had.
    assert upstream.wait(in_flight=0, within=SOON)
    finish(process)


def test_random_cancellations_leave_nothing_behind(upstream):
    if sys.platform != "linux":
        pytest.skip("reads /proc")
    upstream.script(text("hi", times=None, delay_ms=5))
    dice = random.Random(3)

    async def main():
        async def one():
            await cancel_or_finish(acall(upstream, stream=dice.random() < 0.5), dice.random() * 0.01)

        await asyncio.gather(*[one() for _ in range(50)])

    async def cancel_or_finish(awaitable, after):
        task = asyncio.ensure_future(awaitable)
        await asyncio.sleep(after)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def files():
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    asyncio.run(main())
    assert upstream.wait(in_flight=0, within=SOON)
    before = files()
    for _ in range(5):
        asyncio.run(main())
        assert upstream.wait(in_flight=0, within=SOON)
    # What is kept for the next call may be a few more or fewer.
    assert files() <= before + 60
    assert call(upstream).choices[0].message.content == "hi"
    assert len(_aio._LOOPS) <= 1


def test_an_upstream_that_goes_away(upstream):
    """With streams open in threads, tasks and the caller's hands."""
    with Faultd(BEGUN) as other:
        open_ = [call(other, stream=True) for _ in range(10)]
        for stream_ in open_:
            next(stream_)
        other.close()
        for stream_ in open_:
            with pytest.raises(antiphon.StreamInterruptedError):
                list(stream_)
        with pytest.raises(antiphon.APIConnectionError):
            call(other, OPENAI, max_retries=0)
    assert call(upstream).choices
