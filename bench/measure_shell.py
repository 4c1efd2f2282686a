"""From the start of the command's process to the first byte of chorister's answer."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median

from harness import COMMAND, Row, interleaved, ratio, start

ROUNDS = 20
COLD_ROUNDS = 5
FLOOR = "/bin/true"
QUESTION = [COMMAND, "-m", "local/chorister", "What is the capital of France?"]

METHOD = f"""
From the start of the process to the first byte of `antiphon -m local/chorister "What is the capital of
France?"` on a pipe, and as a multiple of starting and ending `{FLOOR}`; median of {ROUNDS} interleaved
rounds with the model in the cache folder, and of {COLD_ROUNDS} with an empty cache folder each.
"""


def main() -> None:
    record = start("shell", "The command's first word", METHOD)
    if not COMMAND.exists():
        record.rows = [Row("warm", "", "not built", "at most 100 ms")]
        record.save()
        return
    with tempfile.TemporaryDirectory() as home:
        warm = partial(first_byte, QUESTION, Path(home))
        warm()
        version = partial(whole, [COMMAND, "--version"])
        cases = {FLOOR: partial(whole, [Path(FLOOR)]), "--version": version, "warm": warm}
        found = interleaved(cases, ROUNDS)
    found["cold"] = [cold() for _ in range(COLD_ROUNDS)]
    milliseconds = {name: median(times) * 1000 for name, times in found.items()}
    times = ratio(found, "warm", FLOOR)
    warm_shown = f"{milliseconds['warm']:.0f} ms, {times:.0f}x"
    goal = "at most 100 ms"
    record.rows = [
        Row("warm", "", warm_shown, goal, milliseconds["warm"] <= 100),
        Row("empty cache folder", "", f"{milliseconds['cold']:.0f} ms", goal, milliseconds["cold"] <= 100),
    ]
    record.details += [f"{name}: {value:.1f} ms" for name, value in milliseconds.items()]
    record.save()


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LD_LIBRARY_PATH")}
    folders = {"XDG_CACHE_HOME": str(home / "cache"), "XDG_CONFIG_HOME": str(home / "config")}
    return kept | {"HOME": str(home)} | folders


def first_byte(command: list[Path | str], home: Path) -> float:
    begin = time.perf_counter()
    with subprocess.Popen(
        command,
        env=environment(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        byte = os.read(process.stdout.fileno(), 1)
        took = time.perf_counter() - begin
        rest = process.stdout.read()
    if process.returncode or not byte:
        raise SystemExit(f"{command} said {byte + rest!r} and ended with {process.returncode}")
    return took


def cold() -> float:
    with tempfile.TemporaryDirectory() as home:
        return first_byte(QUESTION, Path(home))


def whole(command: list[Path | str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
