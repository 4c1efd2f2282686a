"""Many asynchronous calls at once: how near to ideal, at what cost of processor and memory."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any

from harness import MISSING, QUICK, Row, Worker, start, version
from upstream import Upstream

ROUNDS = 7
CALLS = 2000
AT_ONCE = 100
DELAY = 0.05
IDEAL = CALLS / AT_ONCE * DELAY
FLOOR = "aiohttp"
PEERS = ("aiohttp", "httpx", "openai", "litellm")
METHOD = f"""
{CALLS} asynchronous calls, {AT_ONCE} at once, to `faultd` on loopback, which answers after
{DELAY * 1000:.0f} ms. Wall time as a multiple of the ideal {IDEAL:.0f} s; processor time of the calling
process per call; its most resident memory (`VmHWM`). Medians of {ROUNDS} interleaved rounds, each in a
process of its own; httpx, openai and litellm, which take longer, have one round.
"""


def main() -> None:
    record = start("concurrent", "Many hosted calls at once", METHOD)
    libraries = [name for name in ("antiphon", *PEERS) if version(name)]
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in libraries}
    with Upstream.auto(delay_ms=int(DELAY * 1000)) as upstream:
        workers = {name: Worker.python("hosted_worker.py", name, upstream.url) for name in libraries}
        for worker in workers.values():
            worker.ask(what="many", count=AT_ONCE, at_once=AT_ONCE)
        for name in order(libraries):
            found[name].append(workers[name].ask(what="many", count=CALLS, at_once=AT_ONCE))
        for worker in workers.values():
            worker.close()

    def figure(name: str, what: str) -> float:
        return median(round[what] for round in found[name])

    def shown(what: str, form: str, scale: float = 1) -> str:
        figures = {name: form.format(figure(name, what) * scale) for name in PEERS if name in found}
        return "; ".join(f"{name} {figures.get(name, MISSING)}" for name in PEERS)

    wall = figure("antiphon", "seconds") / IDEAL
    cpu = figure("antiphon", "cpu")
    floor = figure(FLOOR, "cpu") if FLOOR in found else None
    rss = figure("antiphon", "rss")
    record.rows = [
        Row(
            "wall time, of the ideal",
            shown("seconds", "{:.2f}x", 1 / IDEAL),
            f"{wall:.2f}x",
            "at most 1.1x",
            wall <= 1.1,
        ),
        Row(
            "processor time a call",
            shown("cpu", "{:.0f} µs", 1e6),
            f"{cpu * 1e6:.0f} µs" + (f", {cpu / floor:.2f}x aiohttp" if floor else ""),
            "at most 1x aiohttp",
            cpu <= floor if floor else None,
        ),
        Row(
            "resident memory after that",
            shown("rss", "{:.0f} MiB"),
            f"{rss:.0f} MiB",
            "at most 36 MiB",
            rss <= 36,
        ),
    ]
    record.save()


def order(libraries: list[str]) -> Iterator[str]:
    """The quick ones in each round, in turned order; the slow ones in the first."""
    quick = [name for name in libraries if name in ("antiphon", FLOOR)]
    yield from (name for name in libraries if name not in quick)
    for turn in range(int(QUICK or ROUNDS)):
        yield from quick if turn % 2 else reversed(quick)


if __name__ == "__main__":
    main()
