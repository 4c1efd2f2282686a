"""Tokens per second of one stream and of eight at once, against llama-cpp-python."""

from __future__ import annotations

from statistics import median

from engine_worker import CONTEXT
from harness import MISSING, RANDOM_MODEL, Record, Row, Worker, ratio, start, version
from prompts import WORDS
from speeds import Speeds, interleaved_speeds

THREADS = 2
TOKENS = 64
ROUNDS = 9
LIBRARIES = {"antiphon": "antiphon", "llama_cpp": "llama-cpp-python"}
METHOD = f"""
The same GGUF (500 M random parameters, Q4_0), {THREADS} threads, a context of {CONTEXT}, the same build
flags of llama.cpp, temperature 0, prompts of {WORDS + 1} tokens, answers of {TOKENS}, streamed, each
library in a process of its own; medians of {ROUNDS} interleaved rounds. Eight at once are eight tasks
of one event loop for antiphon, and one call after the other for llama-cpp-python, which serves one at a
time. "Generation" is tokens per second from when the last prompt was read, so reading prompts is
excluded on both sides; the goals are judged by it. "Whole calls" is tokens generated per second from
the call to the last token, so it is included on both sides.
"""


def main() -> None:
    record = start("engine", "The engine against llama-cpp-python", METHOD)
    here = [name for name, package in LIBRARIES.items() if version(package)]
    arguments = (f"local/{RANDOM_MODEL}", str(THREADS))
    workers = {name: Worker.python("engine_worker.py", name, *arguments) for name in here}
    for streams, what, goal in ((1, "one stream", 1.0), (8, "eight at once", 1.7)):
        speeds = interleaved_speeds(workers, streams, TOKENS, ROUNDS)
        report(record, speeds, streams, f"{what}, generation", goal)
        report(record, speeds, streams, f"{what}, whole calls", None)
    record.save()
    for worker in workers.values():
        worker.close()


def report(record: Record, speeds: Speeds, streams: int, what: str, goal: float | None) -> None:
    found = speeds.whole if goal is None else speeds.generation
    shown = {name: f"{median(rates):.1f} tokens/s" for name, rates in found.items()}
    peer = f"llama-cpp-python {'one at a time ' if streams > 1 else ''}"
    if len(found) < len(LIBRARIES):
        peer += shown.get("llama_cpp", MISSING)
        record.rows.append(Row(what, peer, shown.get("antiphon", MISSING)))
        return
    times = ratio(found, "antiphon", "llama_cpp")
    ours = f"{times:.2f}x, {shown['antiphon']}"
    met = times >= goal if goal else None
    wanted = f"at least {goal:g}x" if goal else ""
    record.rows.append(Row(what, f"{peer}1x, {shown['llama_cpp']}", ours, wanted, met))


if __name__ == "__main__":
    main()
