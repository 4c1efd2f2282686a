"""A `mock_response` call from Python, whole and streamed: what the library itself costs around a call."""

from __future__ import annotations

from functools import partial
from statistics import median

from harness import MISSING, Rounds, Row, Worker, interleaved, ratio, start, version
from mock_worker import SECONDS, TEXT

ROUNDS = 15
FLOOR = "json.loads of the response"
METHOD = f"""
Time per call of `completion(model, messages, mock_response=…)` with a text of {len(TEXT)} characters,
and per chunk of the same streamed; each case repeated for {SECONDS * 1000:.0f} ms a round, median of
{ROUNDS} interleaved rounds, each library in a process of its own. The floor is {FLOOR}.
"""


def main() -> None:
    record = start("mock", "A mocked call from Python", METHOD)
    libraries = [name for name in ("antiphon", "litellm") if version(name)]
    workers = {name: Worker.python("mock_worker.py", name) for name in ("floor", *libraries)}
    cases = {FLOOR: partial(seconds, workers["floor"])}
    for name in libraries:
        cases[f"{name} call"] = partial(seconds, workers[name], stream=False)
        cases[f"{name} chunk"] = partial(seconds, workers[name], stream=True)
    for case in cases.values():
        case()
    found = interleaved(cases, ROUNDS)
    met = median(found["antiphon call"]) <= 10e-6 if "antiphon" in libraries else None
    whole, streamed = (partial(shown, found, what) for what in ("call", "chunk"))
    record.rows = [
        Row("`mock_response` call", f"litellm {whole('litellm')}", whole("antiphon"), "at most 10 µs", met),
        Row("the same streamed, per chunk", f"litellm {streamed('litellm')}", streamed("antiphon")),
    ]
    for name, times in found.items():
        times_floor = ratio(found, name, FLOOR)
        record.details.append(f"{name}: {median(times) * 1e6:.2f} µs, {times_floor:.1f}x the floor")
    for name in libraries:
        record.details.append(f"{name}: {workers[name].ask(stream=True)['chunks']} chunks")
    record.save()
    for worker in workers.values():
        worker.close()


def seconds(worker: Worker, **question: bool) -> float:
    return worker.ask(**question)["seconds"]


def shown(found: Rounds, what: str, name: str) -> str:
    case = f"{name} {what}"
    if case not in found:
        return MISSING
    return f"{ratio(found, case, FLOOR):.1f}x the floor, {median(found[case]) * 1e6:.1f} µs"


if __name__ == "__main__":
    main()
