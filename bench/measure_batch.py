"""`antiphon batch`: how near to ideal, at what cost of processor, and whether memory grows with the rows."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from harness import COMMAND, MISSING, QUICK, Row, Worker, start, version
from upstream import Upstream

ROUNDS = 5
ROWS = 10_000
MANY = 200_000
AT_ONCE = 500
DELAY = 0.05
IDEAL = ROWS / AT_ONCE * DELAY
FLOOR = "aiohttp"
METHOD = f"""
`antiphon batch` over {ROWS:,} rows, {AT_ONCE} requests at once, to `faultd` on loopback, which answers after
{DELAY * 1000:.0f} ms. Wall time of the whole process, start and final sorting included, as a multiple of the
ideal {IDEAL:.0f} s; processor time of the process per row. The floor is aiohttp with as many calls in its own
process, which reads and writes no files. Medians of {ROUNDS} interleaved rounds. The most resident memory
(`VmHWM`) of {ROWS:,} and of {MANY:,} rows, both answered at once.
"""


def main() -> None:
    record = start("batch", "A batch of the command", METHOD)
    if not COMMAND.exists():
        record.rows = [Row("wall time, of the ideal", "", "not built", "at most 1.1x")]
        record.save()
        return
    ours: list[dict[str, float]] = []
    floor: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with Upstream("--auto", "auto", "--delay-ms", str(int(DELAY * 1000)), "--no-record") as upstream:
            worker = Worker.python("hosted_worker.py", FLOOR, upstream.url) if version(FLOOR) else None
            rows(home / "in.jsonl", ROWS)
            for _ in range(int(QUICK or ROUNDS)):
                ours.append(batch(home, upstream.url))
                if worker:
                    floor.append(worker.ask(what="many", count=ROWS, at_once=AT_ONCE))
            if worker:
                worker.close()
        with Upstream("--auto", "auto", "--no-record") as upstream:
            few = batch(home, upstream.url)["rss"]
            rows(home / "in.jsonl", MANY)
            many = batch(home, upstream.url)["rss"]

    wall = median(found["seconds"] for found in ours) / IDEAL
    cpu = median(found["cpu"] for found in ours) / ROWS
    theirs = median(found["cpu"] for found in floor) if floor else None
    their_wall = f"{FLOOR} {median(found['seconds'] for found in floor) / IDEAL:.2f}x" if floor else MISSING
    record.rows = [
        Row("wall time, of the ideal", their_wall, f"{wall:.2f}x", "at most 1.1x", wall <= 1.1),
        Row(
            "processor time a row",
            f"{FLOOR} {theirs * 1e6:.0f} µs" if theirs else MISSING,
            f"{cpu * 1e6:.0f} µs" + (f", {cpu / theirs:.2f}x {FLOOR}" if theirs else ""),
            f"at most 0.5x {FLOOR}",
            cpu <= theirs / 2 if theirs else None,
        ),
        Row(
            f"resident memory, {ROWS:,} and {MANY:,} rows",
            "",
            f"{few:.0f} MiB and {many:.0f} MiB",
            "flat",
            many <= few * 1.1,
        ),
    ]
    record.save()


def rows(path: Path, count: int) -> None:
    body = {"model": "openai/gpt-4o-mini"}
    with path.open("w") as file:
        for number in range(count):
            messages = [{"role": "user", "content": f"What is the capital of country {number}?"}]
            row = {"custom_id": f"row-{number}", "body": body | {"messages": messages}}
            file.write(json.dumps(row) + "\n")


def batch(home: Path, url: str) -> dict[str, float]:
    for name in ("out.jsonl", "out.jsonl.state"):
        (home / name).unlink(missing_ok=True)
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "ANTIPHON_CONFIG_DIR": str(home)}
    environment |= {"OPENAI_API_KEY": "bench", "OPENAI_BASE_URL": f"{url}/v1"}
    command = [COMMAND, "batch", home / "in.jsonl", "-o", home / "out.jsonl", "-c", str(AT_ONCE), "--quiet"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, resident(process.pid))
            time.sleep(0.01)
    seconds = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "cpu": cpu, "rss": peak}


def resident(pid: int) -> float:
    """The most memory that was resident so far, in MiB."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+)", status)
    return int(found[1]) / 1024 if found else 0.0


if __name__ == "__main__":
    main()
