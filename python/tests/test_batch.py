"""`batch_executor`: one function over many rows."""

import asyncio
import contextvars
import functools
import gc
import inspect
import pickle
import threading
import time
from dataclasses import dataclass

import antiphon
import pytest
from antiphon import as_dict, async_single, asynchronous, batch_executor, single
from antiphon._batch import CALLS
from antiphon._progress import Bar, Tqdm, progress
from conftest import soak
from faultd import Faultd


def run(func, *args, verbose=False, **kwargs):
    return asyncio.run(batch_executor(func, *args, verbose=verbose, **kwargs))


def rows(count):
    return [(number,) for number in range(count)]


async def double(number):
    await asyncio.sleep(0)
    return 2 * number


async def joined(*args, **kwargs):
    return args, kwargs


class Gauge:
    """A function that counts its calls and how many of them are under way at once."""

    def __init__(self):
        self.calls = self.now = self.most = 0
        self.lock = threading.Lock()

    def __enter__(self):
        with self.lock:
            self.calls += 1
            self.now += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *error):
        with self.lock:
            self.now -= 1

    async def wait(self, seconds):
        with self:
            await asyncio.sleep(seconds)

    def block(self, seconds):
        with self:
            time.sleep(seconds)


def test_the_results_are_in_the_order_of_the_rows():
    async def slow_first(number):
        await asyncio.sleep(0.03 - number / 1000)
        return number

    assert run(slow_first, batch_args=rows(20)) == list(range(20))


def test_rows():
    assert run(joined, batch_args=[(1, 2), [3]]) == [((1, 2), {}), ((3,), {})]
    assert run(joined, batch_kwargs=[{"a": 1}, {}]) == [((), {"a": 1}), ((), {})]
    assert run(joined, as_dict(a=0, b=0), [(1,), (2,)], [{"a": 1}, {}]) == [
        ((1,), {"a": 1, "b": 0}),
        ((2,), {"a": 0, "b": 0}),
    ]
    assert run(joined, batch_args=((n,) for n in range(2))) == [((0,), {}), ((1,), {})]
    assert run(joined, batch_args=[]) == []


def test_rows_are_not_changed():
    constant, batch = {"a": 0}, [{"b": 1}]

    async def change(**kwargs):
        kwargs["c"] = 2

    run(change, constant, batch_kwargs=batch)
    assert (constant, batch) == ({"a": 0}, [{"b": 1}])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ValueError, "give batch_args or batch_kwargs"),
        (
            {"batch_args": rows(2), "batch_kwargs": [{}] * 3},
            ValueError,
            "batch_args has 2 rows and batch_kwargs has 3",
        ),
        ({"batch_args": [(1,), 2]}, TypeError, r"batch_args\[1\] must be a tuple or a list .* got int"),
        ({"batch_args": ["hi"]}, TypeError, r"batch_args\[0\] .* got str"),
        ({"batch_kwargs": [{}, "hi"]}, TypeError, r"batch_kwargs\[1\] must be a dict of arguments, got str"),
        ({"batch_kwargs": {"prompt": "hi"}}, TypeError, "batch_kwargs must be a list, got dict"),
        ({"batch_args": rows(1), "constant_kwargs": 5}, TypeError, "constant_kwargs must be a dict, got int"),
        ({"batch_args": rows(1), "concurrency_limit": 0}, ValueError, "at least 1, got 0"),
        ({"batch_args": rows(1), "concurrency_limit": 1.5}, TypeError, "whole number or None, got float"),
        ({"batch_args": rows(1), "func": "f"}, TypeError, "func must be a function, got str"),
    ],
)  # fmt: skip
def test_what_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        run(**{"func": double} | arguments)


@pytest.mark.parametrize("limit", [1, 2, 7, None])
def test_so_many_at_once(limit):
    gauge = Gauge()
    run(gauge.wait, batch_args=[(0.001,)] * 40, concurrency_limit=limit)
    assert (gauge.calls, gauge.most) == (40, limit or 40)


def test_so_many_threads_at_once():
    gauge = Gauge()
    run(gauge.block, batch_args=[(0.05,)] * 24, concurrency_limit=12)
    assert (gauge.calls, gauge.most) == (24, 12)


def test_many_rows_are_no_many_tasks():
    most = 0

    async def look(number):
        nonlocal most
        if number % 1000 == 0:
            most = max(most, len(asyncio.all_tasks()))
        return number

    count = soak(10_000)
    assert run(look, batch_args=rows(count)) == list(range(count))
    assert most <= 2 * CALLS + 1


@pytest.mark.parametrize(
    "func",
    [
        double,
        lambda number: 2 * number,
        lambda number: double(number),
        functools.partial(double),
        functools.partial(int.__mul__, 2),
        type("Asynchronous", (), {"__call__": lambda self, number: double(number)})(),
    ],
    ids=["async", "sync", "lambda", "partial", "builtin", "object"],
)
def test_functions_of_all_kinds(func):
    assert run(func, batch_args=rows(5), concurrency_limit=2) == [0, 2, 4, 6, 8]


def test_the_loop_goes_on_while_threads_work():
    async def main():
        batch = asyncio.create_task(batch_executor(time.sleep, batch_args=[(0.1,)] * 2, verbose=False))
        beats = 0
        while not batch.done():
            await asyncio.sleep(0.005)
            beats += 1
        return beats

    assert asyncio.run(main()) > 5


def test_a_row_has_a_context_of_its_own():
    variable = contextvars.ContextVar("variable", default="outer")

    async def change(value):
        seen = variable.get()
        variable.set(value)
        return seen

    def look(value):
        return variable.get()

    async def main(func):
        variable.set("main")
        return await batch_executor(func, batch_args=rows(3), concurrency_limit=1, verbose=False)

    assert asyncio.run(main(change)) == ["main"] * 3
    assert asyncio.run(main(look)) == ["main"] * 3


async def fail_at_odd(number):
    # The later one fails first.
    await asyncio.sleep(0.01 / (number + 1))
    if number % 2:
        raise ValueError(f"row {number}")
    return number


def test_the_first_error_carries_the_results():
    with pytest.raises(ValueError, match="row 1") as caught:
        run(fail_at_odd, batch_args=rows(5), concurrency_limit=5)
    results = caught.value.results
    assert results[0::2] == [0, 2, 4]
    assert results[1] is caught.value
    assert str(results[3]) == "row 3"


def test_errors_in_their_places():
    results = run(fail_at_odd, batch_args=rows(4), return_exceptions=True)
    assert results[0::2] == [0, 2]
    assert [str(error) for error in results[1::2]] == ["row 1", "row 3"]


def test_an_error_that_is_returned_is_a_result():
    assert isinstance(run(lambda: ValueError(), batch_kwargs=[{}])[0], ValueError)


def test_an_error_of_a_call():
    calls = [{"mock_response": "x"}, {"mock_response": antiphon.RateLimitError("slow down")}]
    with pytest.raises(antiphon.RateLimitError) as caught:
        run(async_single, as_dict(prompt="hi"), batch_kwargs=calls)
    assert caught.value.results[0] == "x"
    assert pickle.loads(pickle.dumps(caught.value)).results[0] == "x"


@dataclass(frozen=True)
class Frozen(Exception):
    number: int


class Taken(Exception):
    results = property(lambda self: "its own")


@pytest.mark.parametrize("error", [Frozen(1), Taken()])
def test_an_error_that_will_not_be_changed_is_raised_all_the_same(error):
    async def fail():
        raise error

    with pytest.raises(type(error)) as caught:
        run(fail, batch_kwargs=[{}])
    assert caught.value is error
    assert error.results in ([error], "its own")


def test_errors_that_a_future_cannot_hold():
    def stop():
        raise StopIteration

    [error] = run(stop, batch_kwargs=[{}], return_exceptions=True)
    assert isinstance(error, RuntimeError)


def test_a_row_that_cancels_itself_takes_no_other_with_it():
    async def leave(number):
        if number == 1:
            asyncio.current_task().cancel()
        await asyncio.sleep(0)
        return number

    results = run(leave, batch_args=rows(4), concurrency_limit=1, return_exceptions=True)
    assert results[0::2] == [0, 2]
    assert isinstance(results[1], asyncio.CancelledError)
    assert results[3] == 3


async def cancelled(batch, times=1):
    task = asyncio.create_task(batch)
    for _ in range(times):
        await asyncio.sleep(0.02)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_cancelling_cancels_what_is_under_way_and_waits_for_it():
    gauge = Gauge()

    async def slow_to_leave():
        with gauge:
            try:
                await asyncio.sleep(30)
            finally:
                await asyncio.sleep(0.01)

    async def main():
        await cancelled(
            batch_executor(slow_to_leave, batch_kwargs=[{}] * 9, concurrency_limit=3, verbose=False)
        )
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert (gauge.calls, gauge.now) == (3, 0)


def test_cancelling_twice_still_waits():
    ended = []

    async def stubborn():
        for _ in range(2):
            with pytest.raises(asyncio.CancelledError):
                await asyncio.sleep(30)
        await asyncio.sleep(0.01)
        ended.append(True)

    async def main():
        await cancelled(
            batch_executor(stubborn, batch_kwargs=[{}] * 2, concurrency_limit=1, verbose=False), 2
        )

    asyncio.run(main())
    assert ended == [True]


def test_cancelling_begins_no_other_thread():
    gauge = Gauge()

    async def main():
        await cancelled(
            batch_executor(gauge.block, batch_args=[(0.1,)] * 9, concurrency_limit=2, verbose=False)
        )

    asyncio.run(main())
    time.sleep(0.2)
    assert gauge.calls == 2


def test_cancelling_closes_the_connections():
    with Faultd(auto="openai", delay_ms=30_000) as upstream:
        batch = batch_executor(
            async_single,
            as_dict(model="openai/m", base_url=upstream.url + "/v1", api_key="x"),
            batch_kwargs=[{"prompt": "hi"}] * 5,
            concurrency_limit=2,
            verbose=False,
        )

        async def main():
            task = asyncio.create_task(batch)
            assert await asyncio.to_thread(upstream.wait, requests=2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        assert upstream.wait(closed=2)
        assert len(upstream.requests()) == 2


def test_threads_end_with_the_batch():
    run(single, as_dict(mock_response="x"), batch_args=[("hi",)] * 20, concurrency_limit=8)
    gc.collect()
    for thread in threading.enumerate():
        if thread.name.startswith("antiphon-batch"):
            thread.join(1)
            assert not thread.is_alive()


NO_TQDM = "import sys; sys.modules['tqdm'] = sys.modules['tqdm.auto'] = None\n"
BATCH = """
import asyncio
from antiphon import batch_executor
async def same(number): return number
asyncio.run(batch_executor(same, batch_args=[(n,) for n in range(5)], **OPTIONS))
"""


def shown(python, options="{}", before=""):
    process = python(before + BATCH.replace("OPTIONS", options))
    assert process.stdout == ""
    return process.stderr


def test_tqdm_shows_how_far_it_is(python):
    pytest.importorskip("tqdm")
    lines = shown(python).replace("\r", "\n").splitlines()
    assert lines[-1].startswith("Processing: 100%|██████████| 5/5 [00:00<00:00, ")
    assert lines[-1].endswith("it/s]")


def test_without_tqdm_a_bar_of_ours_looks_the_same(python):
    [line] = shown(python, before=NO_TQDM).splitlines()
    assert line.startswith("Processing: 100%|██████████| 5/5 [00:00<00:00, ")
    assert line.endswith("it/s]")
    assert shown(python, "{'progress_bar_desc': 'Rows'}", NO_TQDM).startswith("Rows: 100%|")


@pytest.mark.parametrize("before", ["", NO_TQDM], ids=["tqdm", "ours"])
def test_silence(python, before):
    assert shown(python, "{'verbose': False}", before) == ""
    assert shown(python, before=before + "import sys; sys.stderr = None\n") == ""


class Terminal:
    encoding = "utf-8"

    def __init__(self):
        self.text = ""

    def isatty(self):
        return True

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def test_our_bar_on_a_terminal(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr("antiphon._progress.INTERVAL", 0)
    monkeypatch.setenv("COLUMNS", "80")
    bar = Bar("Processing", 3)
    for _ in range(3):
        bar.update(1)
    bar.close()
    assert terminal.text.endswith("\n")
    _, *pictures = terminal.text[:-1].split("\r")
    assert all(len(picture) == 79 for picture in pictures)
    assert [picture[:16] for picture in pictures] == [
        "Processing:   0%", "Processing:  33%", "Processing:  66%", "Processing: 100%", "Processing: 100%",
    ]  # fmt: skip
    assert pictures[0].endswith("| 0/3 [00:00<?, ?it/s]")


class Broken(Terminal):
    def write(self, text):
        raise OSError("the terminal is gone")


class Narrow(Terminal):
    encoding = "ascii"


def test_a_terminal_that_is_gone_costs_no_result(monkeypatch):
    monkeypatch.setattr("sys.stderr", Broken())
    bar = Bar("Processing", 1)
    bar.update(1)
    bar.close()

    class Gone:
        def update(self, count):
            raise OSError("the terminal is gone")

        close = update

    Tqdm(Gone()).update(1)
    Tqdm(Gone()).close()


def test_a_terminal_that_knows_no_blocks(monkeypatch):
    terminal = Narrow()
    monkeypatch.setattr("sys.stderr", terminal)
    bar = Bar("Processing", 1)
    bar.update(1)
    bar.close()
    assert terminal.text.isascii()


def test_no_bar_where_there_is_no_stderr(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    assert progress("Processing", 1) is None


def test_as_dict():
    assert as_dict(model="m", temperature=0) == {"model": "m", "temperature": 0}
    assert as_dict() == {}


def test_the_functions():
    assert asynchronous.batch_executor is batch_executor
    assert asynchronous.as_dict is as_dict
    assert inspect.iscoroutinefunction(batch_executor)
    assert str(inspect.signature(batch_executor)) == (
        "(func, constant_kwargs=None, batch_args=None, batch_kwargs=None, concurrency_limit=None, "
        "verbose=True, progress_bar_desc='Processing', return_exceptions=False)"
    )
    for function in (batch_executor, as_dict):
        assert pickle.loads(pickle.dumps(function)) is function
