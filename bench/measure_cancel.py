"""How soon an upstream sees that a call was given up, and what a hostile line costs."""

from __future__ import annotations

import asyncio
import time
from statistics import median

import antiphon
from harness import Row, start
from upstream import Upstream

TRIES = 100
MIB = 1 << 20
METHOD = f"""
Cancel: {TRIES} times each, a waiting `async_completion` whose task is cancelled, and a stream that is closed
after its first chunk; from there to when `faultd` has seen the connection close and said so. Hostile line: a
stream whose one line has 64 MiB, and then twice as many, until the error is raised.
"""


def main() -> None:
    record = start("cancel", "Giving up, and hostile answers", METHOD)
    for what, stream in (("a waiting call", False), ("a stream", True)):
        found = asyncio.run(cancelled(stream))
        worst = max(found)
        figure = f"median {median(found) * 1000:.1f} ms, worst {worst * 1000:.1f} ms"
        record.rows.append(Row(f"cancel of {what} to close", "", figure, "at most 100 ms", worst <= 0.1))
    once, twice = (min(hostile(size * MIB) for _ in range(3)) for size in (64, 128))
    figure = f"{once:.2f} s; twice as long {twice / once:.2f}x"
    met = once <= 1 and twice / once < 2.3
    record.rows.append(Row("a line of 64 MiB", "", figure, "linear, at most 1 s", met))
    record.save()


def options(upstream: Upstream) -> dict[str, object]:
    address = {"model": "openai/gpt-4o-mini", "base_url": f"{upstream.url}/v1", "api_key": "bench"}
    return address | {"max_retries": 0}


async def cancelled(stream: bool) -> list[float]:
    """Seconds from each cancel to the close."""
    found = []
    if stream:
        upstream = Upstream.auto(chunks=1000, text="word " * 1000, chunk_delay_ms=10)
    else:
        upstream = Upstream.auto(delay_ms=60_000)
    with upstream:
        for turn in range(1, TRIES + 1):
            if stream:
                chunks = await antiphon.async_completion("hi", stream=True, **options(upstream))
                await anext(chunks)
                begin = time.perf_counter()
                await chunks.aclose()
            else:
                task = asyncio.ensure_future(antiphon.async_completion("hi", **options(upstream)))
                await asyncio.to_thread(upstream.ask, wait={"requests": turn, "within_ms": 5000})
                begin = time.perf_counter()
                task.cancel()
            # The event loop stays free while the other process waits.
            await asyncio.to_thread(upstream.ask, wait={"closed": turn, "within_ms": 5000})
            found.append(time.perf_counter() - begin)
    return found


def hostile(size: int) -> float:
    """Seconds until a line of that many bytes is refused, or read and refused for what is in it."""
    line = {"repeat": {"bytes": "x" * MIB, "every_ms": 0, "times": size // MIB}}
    headers = [["content-type", "text/event-stream"]]
    reply = {"status": 200, "headers": headers, "framing": "chunked", "steps": [{"send": "data: "}, line]}
    with Upstream("--auto", "auto") as upstream:
        upstream.ask(script={"replies": [reply]})
        begin = time.perf_counter()
        try:
            for _ in antiphon.completion("hi", stream=True, **options(upstream)):
                pass
        except antiphon.APIError:
            return time.perf_counter() - begin
    raise SystemExit("the hostile line was taken for an answer")


if __name__ == "__main__":
    main()
