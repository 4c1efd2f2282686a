"""Answers from the cache, whole calls from Python: in memory, and in a folder that many processes share."""

from __future__ import annotations

from functools import partial
from statistics import median

from harness import MISSING, Row, Worker, interleaved, ratio, start, version
from mock_worker import SECONDS

ROUNDS = 15
FLOOR = "a dict's get and json.loads"
MEMORY, DISK, DISKCACHE = "antiphon, memory", "antiphon, folder", "diskcache, a bare get"
METHOD = f"""
Time per `completion(…)` that the cache answers, everything in it: reading the arguments, the key, the
answer's objects. Each case repeated for {SECONDS * 1000:.0f} ms a round, median of {ROUNDS} interleaved
rounds, each library in a process of its own. The floor is {FLOOR}; diskcache's get returns the text alone.
"""


def main() -> None:
    record = start("cache", "Answers from the cache", METHOD)
    floor, ours = Worker.python("cache_worker.py", "floor"), Worker.python("cache_worker.py", "antiphon")
    cases = {
        FLOOR: partial(seconds, floor, "get"),
        MEMORY: partial(seconds, ours, "memory"),
        DISK: partial(seconds, ours, "disk"),
    }
    workers = [floor, ours]
    if version("diskcache"):
        workers.append(Worker.python("cache_worker.py", "diskcache"))
        cases[DISKCACHE] = partial(seconds, workers[-1], "get")
    for case in cases.values():
        case()
    found = interleaved(cases, ROUNDS)
    micros = {name: median(times) * 1e6 for name, times in found.items()}
    times_peer = ratio(found, DISK, DISKCACHE) if DISKCACHE in found else None
    record.rows = [
        Row(
            "a hit in memory, whole call",
            f"{FLOOR} {micros[FLOOR]:.1f} µs",
            f"{micros[MEMORY]:.1f} µs",
            "at most 12 µs",
            micros[MEMORY] <= 12,
        ),
        Row(
            "a hit in a folder, whole call",
            f"{DISKCACHE} {micros[DISKCACHE]:.1f} µs" if times_peer else MISSING,
            f"{micros[DISK]:.1f} µs" + (f", {times_peer:.1f}x" if times_peer else ""),
            "at most 2x of that",
            None if times_peer is None else times_peer <= 2,
        ),
    ]
    for name in found:
        record.details.append(f"{name}: {micros[name]:.2f} µs, {ratio(found, name, FLOOR):.1f}x the floor")
    record.save()
    for worker in workers:
        worker.close()


def seconds(worker: Worker, case: str) -> float:
    return worker.ask(case=case)["seconds"]


if __name__ == "__main__":
    main()
