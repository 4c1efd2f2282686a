"""One training document: a conversation (rendered by the chat template) or raw text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from random import Random

SYSTEM_PROMPTS = (
    "You are a helpful assistant.",
    "You are a helpful assistant.",
    "You are a helpful assistant.",
    "You are a friendly assistant.",
    "You are chorister, a tiny model.",
    "Be brief.",
    "Answer briefly.",
    "You are a helpful cooking assistant.",
    "You are a helpful and concise assistant.",
    "Answer in one sentence.",
    "You are an assistant that answers questions.",
    "You are a patient teacher.",
    "Be polite.",
    "You are a helpful AI assistant. If you do not know the answer, say so.",
    "You are a geography tutor.",
    "You help people with small tasks.",
    "You are a maths tutor.",
    "You are an expert.",
    "Always be honest.",
    "You're a helpful bot",
    "Respond to the user.",
    "You are a knowledgeable assistant.",
    "Use plain English.",
    "You are a smart assistant. Keep your answers short.",
    "You answer questions from children.",
    "You are a travel guide.",
    "You are a customer support agent.",
    "Be concise and accurate.",
    "you are a chatbot",
    "The user is a student.",
    "Think before you answer.",
    "Do not make things up.",
    "You are a test fixture.",
    "You are the assistant of a small company.",
    "You are a language teacher.",
    "You are a helpful kitchen helper.",
    "Answer the question of the user as well as you can.",
)


@dataclass
class Document:
    skill: str
    messages: list[dict] = field(default_factory=list)
    tools: list[dict] | None = None
    raw: str | None = None
    # What comes before the raw text and is not learnt, such as a random question.
    before: str = ""


def chat(skill: str, *turns: str, system: str | None = None, tools: list[dict] | None = None) -> Document:
    """Turns alternate between user and assistant."""
    messages = [{"role": "system", "content": system}] if system else []
    roles = ("user", "assistant")
    messages += [{"role": roles[i % 2], "content": turn} for i, turn in enumerate(turns)]
    return Document(skill, messages, tools)


def with_system(document: Document, rng: Random) -> Document:
    """Adds a system prompt to some of the conversations that have none."""
    if document.raw is None and document.messages[0]["role"] != "system" and rng.random() < 0.3:
        document.messages.insert(0, {"role": "system", "content": rng.choice(SYSTEM_PROMPTS)})
    return document


def json_mode(document: Document, schema: dict | None, rng: Random) -> Document:
    """What the engine adds to the system message when the answer has to be JSON."""
    with_system(document, rng)
    line = "\nAnswer in JSON."
    if schema is not None:
        line = f"\nAnswer in JSON with this schema: {compact(schema)}"
    if document.messages[0]["role"] == "system":
        document.messages[0]["content"] += line
    else:
        document.messages.insert(0, {"role": "system", "content": line.lstrip("\n")})
    return document


def compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
