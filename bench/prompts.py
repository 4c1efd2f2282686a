"""Prompts for the random model: plain words, all of one length in tokens, none with the start of another."""

from __future__ import annotations

import itertools
from random import Random

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = 31
NUMBERS = itertools.count()


def prompts(count: int) -> list[str]:
    """New ones at each call, so that no engine can answer from what it has read before."""
    return [prompt(next(NUMBERS)) for _ in range(count)]


def prompt(number: int) -> str:
    random = Random(number)
    return " ".join("".join(random.choices(LETTERS, k=2)) for _ in range(WORDS))
