"""Tokens per second of one stream and of eight at once, against llama-cpp-python."""

from __future__ import annotations

from functools import partial
from statistics import median

from harness import MISSING, RANDOM_MODEL, Record, Rounds, Row, Worker, interleaved, ratio, start, version
from prompts import prompts

THREADS = 2
TOKENS = 64
ROUNDS = 7
LIBRARIES = {"antiphon": "antiphon", "llama_cpp": "llama-cpp-python"}

METHOD = f"""
The same GGUF (500 M random parameters, Q4_0), {THREADS} threads, the same build flags of llama.cpp,
temperature 0, {TOKENS} tokens an answer, streamed; tokens generated per second of wall time from the call
to the last token, so reading the prompt of 32 tokens is included on both sides. Each library in a process
of its own. Eight at once are eight tasks of one event loop for antiphon, and one call after the other for
llama-cpp-python. Medians of {ROUNDS} interleaved rounds.
"""


def main() -> None:
    record = start("engine", "The engine against llama-cpp-python", METHOD)
    here = [name for name, package in LIBRARIES.items() if version(package)]
    arguments = (f"local/{RANDOM_MODEL}", str(THREADS))
    workers = {name: Worker.python("engine_worker.py", name, *arguments) for name in here}
    counts: dict[str, int] = {}
    decoding: Rounds = {name: [] for name in here}

    def speed(name: str, streams: int) -> float:
        answer = workers[name].ask(prompts=prompts(streams), max_tokens=TOKENS)
        assert answer["tokens"] == streams * TOKENS, answer
        counts[name] = answer["prompt_tokens"] // streams
        if streams == 1:
            decoding[name].append((TOKENS - 1) / (answer["seconds"] - answer["first"]))
        return answer["tokens"] / answer["seconds"]

    for name in here:
        speed(name, 1)
    cases = {f"{name} {streams}": partial(speed, name, streams) for streams in (1, 8) for name in here}
    found = interleaved(cases, ROUNDS)
    report(record, found)
    record.details += [f"{name}: {median(speeds):.1f} tokens/s" for name, speeds in found.items()]
    for name in here:
        speed_after = median(decoding[name])
        record.details.append(
            f"{name} 1, after the first token: {speed_after:.1f} tokens/s; {counts[name]} tokens of prompt"
        )
    record.save()
    for worker in workers.values():
        worker.close()


def report(record: Record, found: Rounds) -> None:
    for streams, what, peer, goal in (
        (1, "one stream", "llama-cpp-python 1x", 1.0),
        (8, "eight at once", "llama-cpp-python 1x (one at a time)", 1.7),
    ):
        ours, theirs = f"antiphon {streams}", f"llama_cpp {streams}"
        if ours not in found or theirs not in found:
            known = found.get(ours)
            shown = f"{median(known):.1f} tokens/s" if known else MISSING
            peer = peer if theirs in found else f"llama-cpp-python {MISSING}"
            record.rows.append(Row(what, peer, shown, f"at least {goal:g}x"))
            continue
        times = ratio(found, ours, theirs)
        shown = f"{times:.2f}x, {median(found[ours]):.0f} tokens/s"
        theirs_shown = f"{peer}, {median(found[theirs]):.0f} tokens/s"
        record.rows.append(Row(what, theirs_shown, shown, f"at least {goal:g}x", times >= goal))


if __name__ == "__main__":
    main()
