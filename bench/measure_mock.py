"""A `mock_response` call from Python, whole and streamed: what the library itself costs around a call."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

from harness import MISSING, Rounds, Row, interleaved, ratio, start, timed, version

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

ROUNDS = 15
SECONDS = 0.05
FLOOR = "json.loads of the response"
MODEL = "gpt-4o-mini"
MESSAGES = [{"role": "user", "content": "What is the capital of France?"}]
TEXT = "The capital of France is Paris. " * 20
RESPONSE = {
    "id": "chatcmpl-0a1b2c3d",
    "created": 1_700_000_000,
    "model": MODEL,
    "object": "chat.completion",
    "choices": [{"finish_reason": "stop", "index": 0, "message": {"content": TEXT, "role": "assistant"}}],
    "usage": {"completion_tokens": 20, "prompt_tokens": 10, "total_tokens": 30},
}

Completion = Callable[..., Any]

METHOD = f"""
Time per call of `completion(model, messages, mock_response=…)` with a text of {len(TEXT)} characters, and
per chunk of the same streamed; each case repeated for {SECONDS * 1000:.0f} ms a round, median of {ROUNDS}
interleaved rounds. The floor is {FLOOR}.
"""


def main() -> None:
    record = start("mock", "A mocked call from Python", METHOD)
    libraries = completions()
    body = json.dumps(RESPONSE)
    cases = {FLOOR: partial(per_call, lambda: json.loads(body))}
    for name, completion in libraries.items():
        cases[f"{name} call"] = partial(per_call, partial(whole, completion))
        cases[f"{name} chunk"] = partial(per_chunk, completion)
    for case in cases.values():
        case()
    found = interleaved(cases, ROUNDS)
    call, chunk = shown(found, "call"), shown(found, "chunk")
    met = median(found["antiphon call"]) <= 10e-6 if "antiphon" in libraries else None
    record.rows = [
        Row("`mock_response` call", f"litellm {call('litellm')}", call("antiphon"), "at most 10 µs", met),
        Row("the same streamed, per chunk", f"litellm {chunk('litellm')}", chunk("antiphon")),
    ]
    for name, times in found.items():
        record.details.append(
            f"{name}: {median(times) * 1e6:.2f} µs, {ratio(found, name, FLOOR):.1f}x the floor"
        )
    record.details += [f"{name}: {count_chunks(completion)} chunks" for name, completion in libraries.items()]
    record.save()


def completions() -> dict[str, Completion]:
    """The `completion` of each library that is here."""
    found: dict[str, Completion] = {}
    if version("antiphon"):
        import antiphon

        found["antiphon"] = antiphon.completion
    if version("litellm"):
        import litellm

        litellm.suppress_debug_info = True
        found["litellm"] = litellm.completion
    return found


def shown(found: Rounds, what: str) -> Callable[[str], str]:
    def figure(name: str) -> str:
        case = f"{name} {what}"
        if case not in found:
            return MISSING
        return f"{ratio(found, case, FLOOR):.1f}x the floor, {median(found[case]) * 1e6:.1f} µs"

    return figure


def whole(completion: Completion) -> None:
    completion(model=MODEL, messages=MESSAGES, mock_response=TEXT)


def count_chunks(completion: Completion) -> int:
    return sum(1 for _ in completion(model=MODEL, messages=MESSAGES, mock_response=TEXT, stream=True))


def per_call(action: Callable[[], object]) -> float:
    """Seconds per call, over as many calls as fill a moment."""
    once = min(timed(action) for _ in range(3))
    count = max(1, int(SECONDS / once))

    def repeat() -> None:
        for _ in range(count):
            action()

    return timed(repeat) / count


def per_chunk(completion: Completion) -> float:
    chunks = count_chunks(completion)
    return per_call(partial(count_chunks, completion)) / chunks


if __name__ == "__main__":
    main()
