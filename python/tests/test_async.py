"""Event loops: cancellation, closed loops, two loops, loops that cannot watch files."""

import asyncio
import gc
import random
import threading
import time

import pytest
from antiphon import Timeout, _aio, acompletion, completion
from conftest import soak


def slow(seconds=0.02, text="x", **kwargs):
    return acompletion("hi", mock_response=text, mock_delay=seconds, **kwargs)


async def text(*args, **kwargs):
    return (await slow(*args, **kwargs)).choices[0].message.content


def test_many_at_once_keep_their_answers():
    async def main():
        return await asyncio.gather(*[text(0.1, str(i)) for i in range(2000)])

    start = time.perf_counter()
    assert asyncio.run(main()) == [str(i) for i in range(2000)]
    assert time.perf_counter() - start < 10


def test_the_loop_goes_on_while_a_call_waits():
    async def main():
        ticks = 0
        task = asyncio.ensure_future(slow(0.3))
        while not task.done():
            await asyncio.sleep(0.005)
            ticks += 1
        return ticks

    assert asyncio.run(main()) > 10


def test_cancelled():
    async def main():
        task = asyncio.ensure_future(slow(30))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(slow(30), 0.02)
        with pytest.raises(Timeout):
            await slow(30, timeout=0.02)
        assert await text() == "x"

    asyncio.run(main())


def test_random_cancellations():
    dice = random.Random(7)

    async def main():
        async def one():
            task = asyncio.ensure_future(slow(dice.random() * 0.02, stream=dice.random() < 0.3))
            await asyncio.sleep(dice.random() * 0.02)
            task.cancel()
            try:
                answer = await task
                return hasattr(answer, "aclose") or answer.choices[0].message.content == "x"
            except asyncio.CancelledError:
                return True

        for _ in range(soak(10)):
            assert all(await asyncio.gather(*[one() for _ in range(100)]))
        waiters = _aio._LOOPS[asyncio.get_running_loop()]
        assert waiters.futures == {}

    asyncio.run(main())


def test_a_waiting_stream_survives_a_cancelled_read():
    async def main():
        stream = await slow(0.02, "a b", stream=True)
        reader = asyncio.ensure_future(anext(stream))
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        return [chunk.choices[0].delta.content async for chunk in stream][-2:]

    assert asyncio.run(main()) == [" b", None]


def test_loops_one_after_the_other():
    for _ in range(20):
        assert asyncio.run(text(0.005)) == "x"
    gc.collect()
    assert len(_aio._LOOPS) <= 1


def test_two_loops_at_once():
    answers = []

    def run(name):
        async def main():
            return await asyncio.gather(*[text(0.05, f"{name}{i}") for i in range(50)])

        answers.append(asyncio.run(main()) == [f"{name}{i}" for i in range(50)])

    threads = [threading.Thread(target=run, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 4


def test_a_loop_that_was_closed_with_calls_in_it():
    loop = asyncio.new_event_loop()
    task = loop.create_task(slow(0.1))
    loop.run_until_complete(asyncio.sleep(0.02))
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    time.sleep(0.15)
    assert asyncio.run(text()) == "x"


def test_a_coroutine_that_is_thrown_away():
    async def main():
        coroutine = slow(30)
        coroutine.send(None)
        coroutine.close()
        unstarted = slow(30)
        unstarted.close()

    asyncio.run(main())


class Blind(asyncio.SelectorEventLoop):
    """As on Windows: cannot watch a file."""

    def add_reader(self, *args):
        raise NotImplementedError


def test_a_loop_that_cannot_watch_files():
    async def main():
        answers = await asyncio.gather(*[text(0.05, str(i)) for i in range(50)])
        stream = await slow(stream=True)
        return answers, [chunk async for chunk in stream]

    loop = Blind()
    try:
        answers, chunks = loop.run_until_complete(main())
    finally:
        loop.close()
    assert answers == [str(i) for i in range(50)]
    assert chunks


def test_task_groups_and_sync_calls_mix():
    async def main():
        waiting = asyncio.ensure_future(slow(0.05))
        inside = completion("hi", mock_response="y", mock_delay=0.01).choices[0].message.content
        return inside, (await waiting).choices[0].message.content

    assert asyncio.run(main()) == ("y", "x")
