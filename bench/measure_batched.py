"""Eight answers at once through antiphon, against a bare batched loop of llama.cpp."""

from __future__ import annotations

from functools import partial
from statistics import median

from engine_worker import CONTEXT
from harness import BARE_LOOP, RANDOM_MODEL, Row, Worker, interleaved, ratio, start, version
from prompts import prompts

THREADS = 2
STREAMS = 8
TOKENS = 64
ROUNDS = 9

METHOD = f"""
The same model, {THREADS} threads, {STREAMS} sequences of 32 tokens of prompt and {TOKENS} of answer, all
of it in the time. antiphon is called from Python and streams to eight tasks; the floor is
`crates/antiphon-engine/examples/bare_loop.rs`: one batch for the prompts, then one token of each sequence
a step and the likeliest next one, without text or streams. Medians of {ROUNDS} interleaved rounds. The
floor runs with the sequences in one shared cache, as the engine keeps them, and with a cache apart for
each; the goal is judged by the faster one.
"""


def main() -> None:
    record = start("batched", "Eight at once against llama.cpp's bare batched loop", METHOD)
    model = str(RANDOM_MODEL)
    workers = {
        f"bare loop, {cache}": Worker(BARE_LOOP, model, str(THREADS), str(CONTEXT * cells), cache)
        for cache, cells in (("shared", 1), ("apart", STREAMS))
    }
    if version("antiphon"):
        workers["antiphon"] = Worker.python("engine_worker.py", "antiphon", f"local/{model}", str(THREADS))

    def speed(name: str) -> float:
        answer = workers[name].ask(prompts=prompts(STREAMS), max_tokens=TOKENS)
        assert answer["tokens"] == STREAMS * TOKENS, answer
        return answer["tokens"] / answer["seconds"]

    for name in workers:
        speed(name)
    found = interleaved({name: partial(speed, name) for name in workers}, ROUNDS)
    floor = max((name for name in workers if name.startswith("bare")), key=lambda name: median(found[name]))
    if "antiphon" in found:
        times = ratio(found, "antiphon", floor)
        record.rows = [
            Row(
                "eight at once",
                f"{floor}: 1x, {median(found[floor]):.0f} tokens/s",
                f"{times:.2f}x, {median(found['antiphon']):.0f} tokens/s",
                "at least 0.9x",
                times >= 0.9,
            )
        ]
    record.details += [f"{name}: {median(speeds):.1f} tokens/s" for name, speeds in found.items()]
    record.save()
    for worker in workers.values():
        worker.close()


if __name__ == "__main__":
    main()
