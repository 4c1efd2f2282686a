"""Tokens per second of workers that all generate the same number of tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from harness import Rounds, Worker, interleaved
from prompts import WORDS, prompts


@dataclass
class Speeds:
    """Tokens per second: of whole calls, and from when the last prompt was read."""

    whole: Rounds = field(default_factory=dict)
    generation: Rounds = field(default_factory=dict)


def interleaved_speeds(workers: Mapping[str, Worker], streams: int, tokens: int, rounds: int) -> Speeds:
    """Every worker answers so many prompts a round; one round before is not counted."""
    speeds = Speeds(generation={name: [] for name in workers})
    cases = {name: partial(whole, worker, streams, tokens, []) for name, worker in workers.items()}
    for case in cases.values():
        case()
    for name, worker in workers.items():
        cases[name] = partial(whole, worker, streams, tokens, speeds.generation[name])
    speeds.whole = interleaved(cases, rounds)
    return speeds


def whole(worker: Worker, streams: int, tokens: int, generation: list[float]) -> float:
    answer = worker.ask(prompts=prompts(streams), max_tokens=tokens)
    expected = {"tokens": streams * tokens, "prompt_tokens": streams * (WORDS + 1)}
    assert answer | expected == answer, (answer, expected)
    generation.append(answer["generated"] / answer["generating"])
    return answer["tokens"] / answer["seconds"]
