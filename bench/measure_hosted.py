"""One call, and one chunk of a stream, from a hosted model that answers at once."""

from __future__ import annotations

from functools import partial
from statistics import median

from harness import MISSING, Rounds, Row, Worker, interleaved, ratio, start, version
from hosted_worker import SECONDS
from upstream import Upstream

ROUNDS = 15
FLOOR = "http.client"
PEERS = ("httpx", "openai", "litellm")
CHUNKS = 500
TEXT = "The capital of France is Paris. " * 20
METHOD = f"""
A synchronous call of `completion(…, base_url=…)` to `faultd` on loopback, which answers at once with
{len(TEXT)} characters, and the time per chunk of the same text streamed in {CHUNKS} chunks. Each case is
repeated for {SECONDS:.1f} s a round; medians of {ROUNDS} interleaved rounds, each library in a process of its
own. The floor is `http.client` with `json` on one connection that is kept.
"""


def main() -> None:
    record = start("hosted", "A hosted call from Python", METHOD)
    libraries = [FLOOR, *(name for name in ("antiphon", *PEERS) if version(name))]
    with Upstream.auto(text=TEXT, chunks=CHUNKS) as upstream:
        workers = {name: Worker.python("hosted_worker.py", name, upstream.url) for name in libraries}
        cases = {
            f"{name} {what}": partial(seconds, worker, what)
            for name, worker in workers.items()
            for what in ("call", "chunk")
        }
        for case in cases.values():
            case()
        found = interleaved(cases, ROUNDS)
        for worker in workers.values():
            worker.close()
    record.rows = [row(found, "one call", "call"), row(found, "one streamed chunk", "chunk")]
    for name, times in found.items():
        record.details.append(f"{name}: {median(times) * 1e6:.1f} µs")
    record.save()


def seconds(worker: Worker, what: str) -> float:
    return worker.ask(what=what)["seconds"]


def row(found: Rounds, title: str, what: str) -> Row:
    floor = f"{FLOOR} {what}"

    def shown(name: str) -> str:
        case = f"{name} {what}"
        return f"{name} {ratio(found, case, floor):.1f}x" if case in found else f"{name} {MISSING}"

    ours = ratio(found, f"antiphon {what}", floor)
    peers = "; ".join(map(shown, PEERS))
    figure = f"{ours:.2f}x, {median(found[f'antiphon {what}']) * 1e6:.1f} µs"
    return Row(title, peers, figure, f"at most 1x {FLOOR}", ours <= 1)


if __name__ == "__main__":
    main()
