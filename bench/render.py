"""Renders what the measurements kept as `bench/RESULTS.md`."""

from __future__ import annotations

import json
from typing import Any

from harness import BUILD, ROOT, Row, verdict

# The order of the sections.
NAMES = (
    "import",
    "mock",
    "cache",
    "hosted",
    "concurrent",
    "batch",
    "cancel",
    "gateway",
    "engine",
    "batched",
    "serving",
    "draft",
    "guided",
    "tokens",
    "shell",
    "sizes",
)
INTRODUCTION = """\
# Results

Printed by `make bench`; this file is rendered from what the runs kept. Ratios come first: the machine is
shared and noisy, so absolute figures hold for it alone. Each section names the command that prints it again.
"""


def main() -> None:
    files = [BUILD / f"{name}.json" for name in NAMES]
    records = [json.loads(file.read_text()) for file in files if file.exists()]
    parts = [INTRODUCTION, summary(records), machines(records), *map(section, records)]
    (ROOT / "bench" / "RESULTS.md").write_text("\n".join(parts))
    print("wrote bench/RESULTS.md")


def summary(records: list[dict[str, Any]]) -> str:
    lines = [(record["title"], Row(**row)) for record in records for row in record["rows"]]
    judged = [(title, row) for title, row in lines if row.met is not None]
    missed = [f"{title}: {row.what} ({row.ours}; {row.goal})" for title, row in judged if not row.met]
    said = "; ".join(missed) if missed else "none"
    return f"{len(judged) - len(missed)} of {len(judged)} goals met. Missed: {said}.\n"


def machines(records: list[dict[str, Any]]) -> str:
    """The machine and the versions, of all records; they are the same unless some were measured elsewhere."""
    lines = []
    for machine in {json.dumps(record["machine"]): record["machine"] for record in records}.values():
        versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
        lines.append(
            f"{machine['cores']} cores, {machine['processor']}; Python {machine['python']}; {versions}.\n"
        )
    return "\n".join(lines)


def section(record: dict[str, Any]) -> str:
    rows = [Row(**row) for row in record["rows"]]
    lines = [
        f"## {record['title']}",
        "",
        f"`bench/run.sh {record['name']}`, {record['when']}.",
        record["method"],
        "",
    ]
    lines += ["| what | peers | ours | goal | |", "|---|---|---|---|---|"]
    lines += [f"| {row.what} | {row.peers} | {row.ours} | {row.goal} | {verdict(row)} |" for row in rows]
    if record["details"]:
        lines += ["", *(f"- {line}" for line in record["details"])]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
