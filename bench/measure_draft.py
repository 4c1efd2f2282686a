"""One stream of a local model with a draft and without: the most it gains, and what a useless one costs."""

from __future__ import annotations

import tempfile
import urllib.request
from pathlib import Path
from statistics import median

from harness import BUILD, Record, Row, interleaved, ratio, start
from measure_serving import THREADS, Server, antiphon, ask, rate
from prompts import prompts
from random_model import Change, write

TOKENS = 192
WORKING = 1
ROUNDS = 7
SIZE = "500m"
METHOD = f"""
No trained models are at hand, so these are made for it. The large one is the random model of 500 M
parameters, Q4_0, whose layers beyond the first add nothing (their output projections are zero, and are
calculated all the same); with the rows of its output set apart, so that it is as sure of its tokens as
trained models are of text that is easy to foresee. "Always right" has that first layer alone, a tenth of
the weights: all that it guesses is taken, which no trained draft comes near, so it is the most that can be
gained. That is bounded by how much less several tokens in one step take than in a step each: see "eight at
once". "Never right" is as large as that, from other numbers, and just as sure: it is what a useless draft
costs. {THREADS} threads, one stream over HTTP at temperature 0, prompts of 32 tokens, answers of {TOKENS}.
Medians of {ROUNDS} interleaved rounds.
"""
# By the names of the drafts, what they are made by.
MODELS = {
    "large": Change(sure=True, working=WORKING),
    "right": Change(sure=True, layers=WORKING),
    "wrong": Change(sure=True, layers=WORKING, seed=8),
}


def main() -> None:
    record = start("draft", "Drafts", METHOD)
    paths = {name: model(name, change) for name, change in MODELS.items()}
    with tempfile.TemporaryDirectory() as folder:
        servers = {}
        for draft in (None, "right", "wrong"):
            more = f'[local.drafts]\nrandom = "{draft}"\n' if draft else ""
            models = {"random": paths["large"]} | ({draft: paths[draft]} if draft else {})
            servers[draft or "none"] = antiphon(Path(folder) / (draft or "none"), models, more)
        try:
            measure(record, servers)
        finally:
            for server in servers.values():
                server.close()
    record.save()


def model(name: str, change: Change) -> Path:
    path = BUILD / f"draft-{name}-{SIZE}.gguf"
    if not path.is_file():
        write(path, SIZE, change)
    return path


def measure(record: Record, servers: dict[str, Server]) -> None:
    for server in servers.values():
        speed(server)
    found = interleaved({name: lambda s=s: speed(s) for name, s in servers.items()}, ROUNDS)
    alone = f"{median(found['none']):.1f} tokens/s"
    for draft, what, wanted in (("right", "always right", 1.2), ("wrong", "never right", 0.95)):
        times = ratio(found, draft, "none")
        ours = f"{times:.2f}x, {median(found[draft]):.1f} tokens/s; {accepted(servers[draft])}"
        goal = f"at least {wanted:g}x"
        record.rows.append(Row(f"a draft that is {what}", f"none: {alone}", ours, goal, times >= wanted))


def speed(server: Server) -> float:
    """Tokens per second of one answer."""
    return rate(ask(server, [(text, TOKENS) for text in prompts(1)]))


def accepted(server: Server) -> str:
    """How many of the guesses were right, by the server's metrics."""
    with urllib.request.urlopen(f"{server.url}/metrics") as response:
        lines = response.read().decode().splitlines()
    counted = {}
    for what in ("accepted", "draft"):
        name = f"antiphon_spec_decode_num_{what}_tokens_total"
        counted[what] = sum(int(line.split()[-1]) for line in lines if line.startswith(name))
    return f"{counted['accepted']} of {counted['draft']} guesses right"


if __name__ == "__main__":
    main()
