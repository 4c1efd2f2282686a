"""Counting the tokens of texts from Python, against tiktoken."""

from __future__ import annotations

from functools import partial
from statistics import median

from harness import MISSING, Rounds, Row, Worker, interleaved, ratio, start, version

ROUNDS = 9
PEER = "tiktoken"
METHOD = f"""
Time of one `token_counter("gpt-4o", text=…)`, of tiktoken's `encode_ordinary` and of LiteLLM's
`token_counter` on the same text: 100,000 words of this project's documents, and a megabyte of one letter;
once in a thread, and twice in two threads at once (which, with the lock of the interpreter held, would take
twice as long). Median of {ROUNDS} interleaved rounds, each library in a process of its own. First use is the
time of the import and of the first count.
"""
TEXTS = {"words": "100,000 words", "letter": "a megabyte of one letter", "hello": "`Hello, world!`"}


def main() -> None:
    record = start("tokens", "Tokens", METHOD)
    libraries = [name for name in ("antiphon", PEER, "litellm") if version(name)]
    workers = {name: Worker.python("tokens_worker.py", name) for name in libraries}
    cases = {}
    for name, worker in workers.items():
        for text in TEXTS:
            repeat = 500 if text == "hello" else 1
            cases[f"{name} {text}"] = partial(seconds, worker, text=text, repeat=repeat)
    cases["antiphon twice"] = partial(seconds, workers["antiphon"], text="words", threads=2)
    cases["antiphon letters"] = partial(seconds, workers["antiphon"], text="letters")
    found = interleaved(cases, ROUNDS)
    for text, what in TEXTS.items():
        peers = "; ".join(f"{name} {shown(found, name, text)}" for name in (PEER, "litellm"))
        speed = compared(found, text)
        met = speed >= 1 if speed is not None and text == "words" else None
        ours = f"{speed:.1f}x the speed of {PEER}, " if speed is not None else ""
        goal = f"at least 1x {PEER}" if text == "words" else ""
        record.rows.append(Row(what, peers, ours + shown(found, "antiphon", text), goal, met))
    twice = ratio(found, "antiphon twice", "antiphon words")
    record.rows.append(Row("100,000 words in each of two threads", "", f"{twice:.1f}x the time of one"))
    longer = ratio(found, "antiphon letters", "antiphon letter")
    record.rows.append(Row("two megabytes of one letter", "", f"{longer:.1f}x the time of one megabyte"))
    for name, worker in workers.items():
        answers = {text: worker.ask(text=text) for text in ("words", "letter")}
        counts = ", ".join(f"{TEXTS[text]}: {answer['tokens']} tokens" for text, answer in answers.items())
        record.details.append(f"{name}: first use {answers['words']['loaded'] * 1e3:.0f} ms; {counts}")
    record.save()
    for worker in workers.values():
        worker.close()


def seconds(worker: Worker, **question: object) -> float:
    return worker.ask(**question)["seconds"]


def compared(found: Rounds, text: str) -> float | None:
    """How many times as fast as the peer."""
    return ratio(found, f"{PEER} {text}", f"antiphon {text}") if f"{PEER} {text}" in found else None


def shown(found: Rounds, name: str, text: str) -> str:
    case = f"{name} {text}"
    if case not in found:
        return MISSING
    spent = median(found[case])
    return f"{spent * 1e3:.1f} ms" if spent > 1e-3 else f"{spent * 1e6:.1f} µs"


if __name__ == "__main__":
    main()
