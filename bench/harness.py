"""What the measurements share: interleaved rounds, worker processes, and the records that `render.py` reads.

The machines that this runs on are noisy, so nothing is measured alone: each round runs every case once, in
turned order, and a figure is the median over rounds, a ratio the median of the rounds' ratios.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"
COMMAND = ROOT / "target" / "dist" / "antiphon"
BARE_LOOP = ROOT / "target" / "release" / "examples" / "bare_loop"
# llama.cpp's own, where somebody has put it there.
LLAMA_SERVER = BUILD / "llama-server"
WHEELS = ROOT / "target" / "wheels"
CHORISTER = ROOT / "models" / "chorister"
RANDOM_MODEL = Path(os.environ.get("BENCH_MODEL", BUILD / "random-500m.gguf"))
PEERS = ("httpx", "aiohttp", "openai", "litellm", "tiktoken", "tensorzero", "llama-cpp-python")
MISSING = "not installed"
# Rounds of each measurement, where it is only to be tried.
QUICK = os.environ.get("BENCH_ROUNDS")

Rounds = dict[str, list[float]]


@dataclass
class Row:
    """A line of the table of results. `met` is None where there is no goal."""

    what: str
    peers: str
    ours: str
    goal: str = ""
    met: bool | None = None


@dataclass
class Record:
    """What one measurement found."""

    name: str
    title: str
    method: str
    rows: list[Row] = field(default_factory=list)
    details: list[str] = field(default_factory=list)

    def save(self) -> None:
        """Prints the rows, and keeps them for `render.py`."""
        for row in self.rows:
            figures = f"ours {row.ours}; peers {row.peers or '-'}; goal {row.goal or '-'}"
            say(f"  {row.what}: {figures}; {verdict(row)}")
        for line in self.details:
            say(f"  {line}")
        BUILD.mkdir(parents=True, exist_ok=True)
        when = f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC"
        kept = asdict(self) | {"when": when, "machine": machine()}
        (BUILD / f"{self.name}.json").write_text(json.dumps(kept, indent=1))


def verdict(row: Row) -> str:
    return {None: "", True: "met", False: "missed"}[row.met]


def say(line: str) -> None:
    print(line, flush=True)


def start(name: str, title: str, method: str) -> Record:
    """Opens a measurement; warns where something else uses the processor."""
    say(f"== {title}")
    record = Record(name, title, " ".join(method.split()))
    idle = idle_share()
    if idle < 0.9:
        record.details.append(f"The processor was only {idle:.0%} idle before the start.")
    if QUICK:
        record.details.append(f"A quick look: {QUICK} rounds, not as many as said above.")
    for line in record.details:
        say(f"  warning: {line}")
    return record


def idle_share(seconds: float = 1.0) -> float:
    """The idle share of all processors over the next moments."""
    before = processor_ticks()
    time.sleep(seconds)
    spent = [after - earlier for earlier, after in zip(before, processor_ticks(), strict=True)]
    return (spent[3] + spent[4]) / max(1, sum(spent))


def processor_ticks() -> list[int]:
    return [int(ticks) for ticks in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]


def interleaved(cases: Mapping[str, Callable[[], float]], rounds: int) -> Rounds:
    """Runs every case once a round, each round starting with another."""
    names = list(cases)
    found: Rounds = {name: [] for name in names}
    for turn in range(int(QUICK or rounds)):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            found[name].append(cases[name]())
    return found


def ratio(found: Rounds, case: str, base: str) -> float:
    """How many times `base` the case is: the median of the rounds' ratios."""
    return median(mine / its for mine, its in zip(found[case], found[base], strict=True))


def version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    names = ("antiphon", *PEERS)
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: version(name) or MISSING for name in names},
    }


class Worker:
    """A process that answers each line of JSON with one, so that each library has a process of its own."""

    def __init__(self, *command: str | Path) -> None:
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    @classmethod
    def python(cls, script: str, *arguments: str | Path) -> Worker:
        return cls(sys.executable, ROOT / "bench" / script, *arguments)

    def ask(self, **question: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args} ended with {self.process.wait()}")
        return json.loads(line)

    def close(self) -> None:
        self.process.communicate(timeout=60)
