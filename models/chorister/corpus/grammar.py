"""Templates and noise: the two sources of variety in the phrasings.

A template is text with choices: `{what is|what's|tell me} the capital of <country>[, please]`.
`{a|b}` picks one, `[a]` is there half of the time, `<slot>` is filled in afterwards. Choices nest.
"""

from __future__ import annotations

import re
from functools import cache
from random import Random

# ("text", str) | ("slot", str) | ("choice", [sequence, ...])
Node = tuple[str, object]


def expand(template: str, rng: Random, **slots: object) -> str:
    """One random reading of `template`, with its slots filled in."""
    return re.sub(r"  +", " ", _render(_parse(template), rng, slots)).strip(" ")


def pick(templates: list[str] | tuple[str, ...], rng: Random, **slots: object) -> str:
    return expand(rng.choice(templates), rng, **slots)


def sentence(text: str) -> str:
    """First letter upper case, the rest as it is."""
    return text[:1].upper() + text[1:]


def join(items: list[str], word: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {word} {items[-1]}"


@cache
def _parse(template: str) -> list[Node]:
    nodes, end = _sequence(template, 0, "")
    assert end == len(template), f"unbalanced template: {template}"
    return nodes


def _sequence(text: str, at: int, stops: str) -> tuple[list[Node], int]:
    nodes: list[Node] = []
    while at < len(text) and text[at] not in stops:
        char = text[at]
        if char in "{[":
            close = "}" if char == "{" else "]"
            options = [] if char == "{" else [[]]
            at += 1
            while True:
                option, at = _sequence(text, at, "|" + close)
                options.append(option)
                at += 1
                if text[at - 1] == close:
                    break
            nodes.append(("choice", options))
        elif char == "<" and (match := re.match(r"<(\w+)>", text[at:])):
            nodes.append(("slot", match[1]))
            at += match.end()
        else:
            plain = re.match(r"[^{}\[\]|<]+|.", text[at:], re.DOTALL)[0]
            if "|" in plain or "}" in plain or "]" in plain:
                raise ValueError(f"unbalanced template: {text}")
            nodes.append(("text", plain))
            at += len(plain)
    return nodes, at


def _render(nodes: list[Node], rng: Random, slots: dict[str, object]) -> str:
    out = []
    for kind, value in nodes:
        if kind == "text":
            out.append(value)
        elif kind == "slot":
            out.append(str(slots[value]))
        else:
            out.append(_render(rng.choice(value), rng, slots))
    return "".join(out)


PREFIXES = (
    "hey, ",
    "hi, ",
    "hello, ",
    "hi! ",
    "hey! ",
    "Hello! ",
    "quick question: ",
    "Quick question, ",
    "ok, ",
    "ok so ",
    "so, ",
    "um, ",
    "please, ",
    "question: ",
    "well, ",
    "and ",
    "now ",
    "Right. ",
    "excuse me, ",
    "I wonder: ",
    "one more thing: ",
    "just curious, ",
    "let me ask you: ",
    "I need to know: ",
    "help me out: ",
    "yo, ",
    "good morning, ",
    "sorry, ",
    "my question is: ",
    "a simple one: ",
    "I was wondering, ",
    "dear chorister, ",
    "Thanks. ",
    "Next: ",
    "Here is my question: ",
    "Can you answer this? ",
    "I'd like to know: ",
    "Could you help me with this: ",
    "could you please tell me ",
    "I would like to know ",
    "Another question: ",
    "Tell me please, ",
    "Do you happen to know ",
    "for a quiz: ",
    "for school: ",
    "my son asks: ",
    "alright, ",
    "listen, ",
    "oh, ",
)
SUFFIXES = (
    " please",
    ", please",
    " thanks",
    ", thanks",
    ", thank you",
    " pls",
    " plz",
    " please!",
    " Thanks!",
    " Thank you.",
    " I forgot.",
    " just curious",
    ", do you know?",
    ", any idea?",
    " Be brief.",
    " Keep it short.",
    ", you know?",
    " Tell me.",
    " Can you help?",
    " I need this for school.",
    " :)",
    ", quickly",
    " right?",
    " for me",
    "?",
    " Answer in one sentence.",
    " In a few words.",
    " if you can",
    " again",
    " exactly",
    ", my friend",
    " Thanks in advance!",
)


def noisy(text: str, rng: Random, keep: tuple[str, ...] = (), keep_case: bool = False) -> str:
    """The way people type: greetings, thanks, lower case, no full stop, a typo. Words in `keep` stay "
    "whole."""
    text = sentence(text) if rng.random() < 0.6 else text
    if rng.random() < 0.08:
        text = _typo(text, rng, keep)
    if rng.random() < 0.10:
        text = rng.choice(PREFIXES) + (
            text if keep_case or rng.random() < 0.3 else text[:1].lower() + text[1:]
        )
    if rng.random() < 0.08:
        text = text.rstrip("?.!") + rng.choice(SUFFIXES)
    if rng.random() < 0.30:
        text = text.rstrip("?.!")
    elif rng.random() < 0.04:
        text += rng.choice(("?", "!", "??", " ?", ".", "..."))
    if not keep_case:
        chance = rng.random()
        if chance < 0.20:
            text = text.lower()
        elif chance < 0.22:
            text = text.upper()
    return text


def _typo(text: str, rng: Random, keep: tuple[str, ...]) -> str:
    """One slip in one word of five or more letters that is not part of a name."""
    kept = {word for name in keep for word in re.findall(r"\w+", str(name))}
    spans = [m.span() for m in re.finditer(r"[a-z]{5,}", text) if m[0] not in kept]
    if not spans:
        return text
    start, end = rng.choice(spans)
    at = rng.randrange(start + 1, end - 1)
    slip = rng.randrange(4)
    if slip == 0:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if slip == 1:
        return text[:at] + text[at + 1 :]
    if slip == 2:
        return text[:at] + text[at] + text[at:]
    return text[:at] + rng.choice("abcdefghijklmnopqrstuvwxyz") + text[at + 1 :]
