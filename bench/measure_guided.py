"""JSON that has to follow a schema, against free text of as many tokens from the same model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from harness import MISSING, RANDOM_MODEL, Record, Rounds, Row, Worker, interleaved, ratio, start, version
from prompts import prompts

ROUNDS = 9
LIMIT = 512
Messages = list[dict[str, str]]

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "city": {"type": "string"}},
    "required": ["name", "age", "city"],
    "additionalProperties": False,
}
REVIEW = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "maxLength": 60},
        "score": {"type": "integer", "minimum": 0, "maximum": 100},
        "tags": {
            "type": "array",
            "items": {"type": "string", "enum": ["quick", "quiet", "cheap", "sturdy", "light"]},
            "minItems": 3,
            "maxItems": 5,
        },
        "text": {"type": "string", "maxLength": 120},
        "recommended": {"type": "boolean"},
    },
    "required": ["title", "score", "tags", "text", "recommended"],
    "additionalProperties": False,
}
PEOPLE = (("Anna", 31, "Paris"), ("Tom", 45, "Berlin"), ("Maria", 28, "Rome"), ("Peter", 62, "Madrid"))
TEXT = "Extract the data from this text: {} is {} years old and lives in {}."


@dataclass(frozen=True)
class Setup:
    """A model, what it is asked, and the form of its answers."""

    name: str
    library: str
    model: str
    threads: int
    schema: dict[str, Any]
    questions: Callable[[], list[str]]


SETUPS = (
    Setup(
        "chorister",
        "antiphon",
        "local/chorister",
        1,
        PERSON,
        lambda: [TEXT.format(*person) for person in PEOPLE],
    ),
    Setup("500 M", "antiphon", f"local/{RANDOM_MODEL}", 2, REVIEW, lambda: prompts(1)),
    Setup("500 M", "llama_cpp", f"local/{RANDOM_MODEL}", 2, REVIEW, lambda: prompts(1)),
)
PACKAGES = {"antiphon": "antiphon", "llama_cpp": "llama-cpp-python"}

METHOD = f"""
Tokens per second of `response_format={{"type": "json_schema", …}}` over those of free text of the same
number of tokens from the same model, one stream, temperature 0, from the call to the last token. The
free prompt has the sentence with the schema that guidance adds, so both read the same prompt; the
grammar is compiled before the first round. Medians of {ROUNDS} interleaved rounds. llama-cpp-python's
figure is its own: a grammar made from the same schema, against its free text.
"""


def main() -> None:
    record = start("guided", "Guided JSON against free text", METHOD)
    here = [setup for setup in SETUPS if version(PACKAGES[setup.library])]
    for setup in here:
        measure(record, setup)
    peer = next((row for row in record.rows if row.what == "llama_cpp"), None)
    record.rows = [row for row in record.rows if row is not peer]
    for row in record.rows:
        if row.what == "500 M":
            row.peers = f"llama-cpp-python {peer.ours if peer else MISSING}"
    record.save()


def measure(record: Record, setup: Setup) -> None:
    worker = Worker.python("engine_worker.py", setup.library, setup.model, str(setup.threads))
    begun = worker.ask(
        prompts=[messages(setup, setup.questions()[0], True)], max_tokens=LIMIT, schema=setup.schema
    )
    lengths: dict[str, list[int]] = {}

    def speed(guided: bool) -> float:
        questions = lengths or {question: [] for question in setup.questions()}
        seconds, tokens = 0.0, 0
        for question in questions:
            answer = ask(worker, setup, question, guided, lengths)
            seconds, tokens = seconds + answer["seconds"], tokens + answer["tokens"]
        return tokens / seconds

    speed(True)
    found = interleaved({"guided": partial(speed, True), "free": partial(speed, False)}, ROUNDS)
    report(record, setup, found)
    count, read = next(iter(lengths.values()))
    speeds = f"guided {median(found['guided']):.1f}, free {median(found['free']):.1f} tokens/s"
    counts = f"{count} tokens of answer, {read} of prompt"
    first = f"{begun['seconds'] * 1000:.0f} ms for the first guided call"
    record.details.append(f"{setup.library}, {setup.name}: {speeds}; {counts}; {first}")
    worker.close()


def ask(
    worker: Worker, setup: Setup, question: str, guided: bool, lengths: dict[str, list[int]]
) -> dict[str, Any]:
    asked = [messages(setup, question, guided)]
    if not guided:
        answer = worker.ask(prompts=asked, max_tokens=lengths[question][0])
    else:
        answer = worker.ask(prompts=asked, max_tokens=LIMIT, schema=setup.schema)
        json.loads(answer["text"])
        lengths.setdefault(question, [answer["tokens"], answer["prompt_tokens"]])
    assert [answer["tokens"], answer["prompt_tokens"]] == lengths[question], (answer, lengths[question])
    return answer


def messages(setup: Setup, question: str, guided: bool) -> Messages:
    """The question; for free text of antiphon also what guidance would add to it."""
    asked = [{"role": "user", "content": question}]
    if guided or setup.library != "antiphon":
        return asked
    schema = json.dumps(setup.schema, separators=(",", ":"))
    return [{"role": "system", "content": f"Answer in JSON with this schema: {schema}"}, *asked]


def report(record: Record, setup: Setup, found: Rounds) -> None:
    times = ratio(found, "guided", "free")
    if setup.library == "antiphon":
        record.rows.append(Row(setup.name, "", f"{times:.2f}x", "at least 0.95x", times >= 0.95))
    else:
        record.rows.append(Row(setup.library, "", f"{times:.2f}x"))


if __name__ == "__main__":
    main()
