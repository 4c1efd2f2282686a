"""The corpus: one module per skill, each with functions that draw a random document."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from . import (
    arithmetic,
    continuation,
    countries,
    explain,
    extraction,
    labels,
    recipes,
    smalltalk,
    tools,
    unknown,
    words,
)
from .document import Document, with_system

# Weight in documents, and the function that draws one.
SKILLS: tuple[tuple[float, Callable[[Random], Document]], ...] = (
    (14, countries.capital),
    (9, countries.fact),
    (5, countries.follow_up),
    (2, countries.yes_no),
    (0.6, countries.listing),
    (4, countries.unknown_of_country),
    (5, countries.unknown_place),
    (26, arithmetic.one_sum),
    (4, arithmetic.chain),
    (2, arithmetic.special),
    (2, arithmetic.story),
    (1.5, arithmetic.too_big),
    (4, words.opposite),
    (3.5, words.colour),
    (2.5, words.plural),
    (3, words.unit),
    (4, words.sequence),
    (3, words.animal),
    (4, words.closed_fact),
    (0.8, words.planet),
    (2.5, words.translation),
    (9, smalltalk.exchange),
    (2, smalltalk.shop_name),
    (3, smalltalk.remembered),
    (2, smalltalk.never_told),
    (13, explain.explanation),
    (12, unknown.unknown),
    (2, unknown.follow_unknown),
    (4, unknown.mixed),
    (1.5, continuation.prose),
    (3, continuation.in_chat),
    (2, continuation.raw_question),
    (0.7, continuation.statement),
    (6, labels.sentiment),
    (7, labels.topic),
    (3.5, recipes.text),
    (2.2, recipes.as_json),
    (7, extraction.with_schema),
    (2, extraction.with_keys),
    (1.5, extraction.answers_as_json),
    (10, tools.calls),
    (3.5, tools.no_call),
    (1.5, tools.no_fit),
)


def draw(rng: Random) -> Document:
    function = rng.choices([function for _, function in SKILLS], [weight for weight, _ in SKILLS])[0]
    return with_system(function(rng), rng)
