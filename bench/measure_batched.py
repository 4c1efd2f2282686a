"""Eight answers at once through antiphon, against a bare batched loop of llama.cpp."""

from __future__ import annotations

from statistics import median

from engine_worker import CONTEXT
from harness import BARE_LOOP, RANDOM_MODEL, Record, Rounds, Row, Worker, ratio, start, version
from prompts import WORDS
from speeds import interleaved_speeds

THREADS = 2
STREAMS = 8
TOKENS = 64
ROUNDS = 9
METHOD = f"""
The same model, {THREADS} threads, {STREAMS} sequences of {WORDS + 1} tokens of prompt and {TOKENS} of
answer; medians of {ROUNDS} interleaved rounds. antiphon is called from Python and streams to eight
tasks. The floor is `crates/antiphon-engine/examples/bare_loop.rs`: one batch for all prompts, then one
token of each sequence a step and the likeliest next one, without text or streams. It runs with one
cache that the sequences share, and with a cache apart for each; what is compared is the faster one.
"Generation" and "whole calls" are as in the section before.
"""


def main() -> None:
    record = start("batched", "Eight at once against llama.cpp's bare batched loop", METHOD)
    model = str(RANDOM_MODEL)
    workers = {
        f"bare loop, {cache}": Worker(BARE_LOOP, model, str(THREADS), str(CONTEXT * cells), cache)
        for cache, cells in (("shared", 1), ("apart", STREAMS))
    }
    if version("antiphon"):
        workers["antiphon"] = Worker.python("engine_worker.py", "antiphon", f"local/{model}", str(THREADS))
    speeds = interleaved_speeds(workers, STREAMS, TOKENS, ROUNDS)
    report(record, speeds.generation, "generation", 0.9)
    report(record, speeds.whole, "whole calls", None)
    record.save()
    for worker in workers.values():
        worker.close()


def report(record: Record, found: Rounds, what: str, goal: float | None) -> None:
    middle = {name: median(rates) for name, rates in found.items()}
    floor = max((name for name in found if name != "antiphon"), key=lambda name: middle[name])
    if "antiphon" in found:
        times = ratio(found, "antiphon", floor)
        ours = f"{times:.2f}x, {middle['antiphon']:.1f} tokens/s"
        wanted, met = ("", None) if goal is None else (f"at least {goal:g}x", times >= goal)
        record.rows.append(Row(what, f"{floor}: 1x, {middle[floor]:.1f} tokens/s", ours, wanted, met))
    record.details += [f"{what}, {name}: {rate:.1f} tokens/s" for name, rate in middle.items()]


if __name__ == "__main__":
    main()
