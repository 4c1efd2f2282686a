"""Short explanations of about a hundred topics. Other topics are in `unknown.py`."""

from __future__ import annotations

from random import Random

from .countries import rows
from .document import Document, chat
from .grammar import noisy, pick, sentence

# Longer lead-ins turn "why is the sky blue" into an indirect question.
FORMS = (
    "<q>?",
    "<q>?",
    "<q>?",
    "<q>?",
    "tell me, <q>?",
    "do you know <q>?",
    "explain: <q>?",
    "my question: <q>?",
    "simple question, <q>?",
    "{can|could} you {explain|tell me}: <q>?",
    "{can|could} you {explain|tell me} {to me |}<q>?",
    "explain to a child: <q>?",
    "explain {to me |}<q>.",
    "I want to {know|understand} <q>.",
    "in one sentence: <q>?",
    "{in short|briefly}, <q>?",
    "{ever wondered|I always wondered} <q>.",
    "what's the reason: <q>?",
    "why, <q>?",
)
SUBJECT_FORMS = (
    "explain <s>.",
    "explain <s> {to me|briefly|in simple words|in one sentence|to a child|shortly}.",
    "tell me about <s>.",
    "what can you tell me about <s>?",
    "{can|could} you explain <s>?",
    "describe <s>.",
    "give me a short explanation of <s>.",
    "{how does <s> work|how do <s> work}?",
    "teach me about <s>.",
    "I want to learn about <s>.",
    "help me understand <s>.",
    "what do you know about <s>?",
    "{say something|write a sentence} about <s>.",
    "<s>?",
)
TOPICS = [(forms.split(" ; "), answer) for forms, answer in rows("explanations.tsv")]


def indirect(question: str, rng: Random) -> str:
    """Half of the why-questions get the other word order: "why the sky is blue"."""
    words = question.split(" ")
    swaps = {"is", "are", "was"}
    if rng.random() < 0.4 and words[0] == "why" and words[1] in swaps and words[2] in {"the", "a"}:
        return " ".join((words[0], words[2], words[3], words[1], *words[4:]))
    if rng.random() < 0.4 and words[0] in {"why", "how"} and words[1] == "do":
        return " ".join((words[0], *words[2:]))
    return question


def question(forms: list[str], rng: Random) -> str:
    form = rng.choice(forms)
    if form.startswith("="):
        return pick(SUBJECT_FORMS, rng, s=form[1:])
    return pick(FORMS, rng, q=indirect(form, rng) if rng.random() < 0.5 else form)


def explanation(rng: Random) -> Document:
    forms, answer = rng.choice(TOPICS)
    asked = noisy(question(forms, rng), rng)
    if rng.random() < 0.12:
        plain = sentence(rng.choice([form for form in forms if not form.startswith("=")])) + "?"
        plain = plain if rng.random() < 0.6 else plain.lower()
        return Document(
            "explanations",
            raw=rng.choice(
                (
                    f"{plain}\n{answer}",
                    f"{plain} {answer}",
                    f"Q: {plain}\nA: {answer}",
                    f"Question: {plain}\nAnswer: {answer}",
                )
            ),
        )
    return chat("explanations", asked, answer)
