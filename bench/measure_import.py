"""Importing in a fresh process, against `python -c pass`: time, and peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from statistics import median

from harness import MISSING, Row, interleaved, ratio, start, version
from served import timed

FLOOR = "python -c pass"
PEERS = ("tensorzero", "openai", "litellm")
ROUNDS = 15
# LiteLLM would fetch its price map over the network; without that it is faster.
ENVIRONMENT = os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
# The kernel counts this peak for the program alone; ru_maxrss includes that of the process that forked it.
PEAK = "; print(next(l for l in open('/proc/self/status') if l.startswith('VmHWM')).split()[1])"

METHOD = f"""
A fresh process each time, wall time of the whole process as a multiple of `python -c pass` in the same
round; median of {ROUNDS} interleaved rounds. Peak memory is `VmHWM` at the end. LiteLLM's price-map
fetch is switched off, which favours it.
"""


def main() -> None:
    record = start("import", "Import", METHOD)
    modules = [name for name in ("antiphon", "asyncio", *PEERS) if name == "asyncio" or version(name)]
    programs = {FLOOR: "pass"} | {name: f"import {name}" for name in modules}
    for program in programs.values():
        run(program)
    found = interleaved({name: partial(timed, partial(run, code)) for name, code in programs.items()}, ROUNDS)
    peak = {name: median(mebibytes(code) for _ in range(3)) for name, code in programs.items()}

    def shown(name: str) -> str:
        return f"{ratio(found, name, FLOOR):.1f}x, {peak[name]:.0f} MiB" if name in found else MISSING

    peers = "; ".join(f"{name} {shown(name)}" for name in PEERS)
    met = None
    if "antiphon" in found:
        met = ratio(found, "antiphon", FLOOR) <= 2 and peak["antiphon"] <= 20
    record.rows = [Row("`import antiphon`", peers, shown("antiphon"), "at most 2x, 20 MiB", met)]
    record.details += [
        f"{name}: {median(found[name]) * 1000:.1f} ms, {ratio(found, name, FLOOR):.2f}x, {peak[name]:.1f} MiB"
        for name in programs
    ]
    record.save()


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    return done.stdout


def mebibytes(program: str) -> float:
    return int(run(program + PEAK)) / 1024


if __name__ == "__main__":
    main()
