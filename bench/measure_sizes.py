"""Sizes of what is handed out: the wheel, the stripped command, the built-in model."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from harness import CHORISTER, COMMAND, MISSING, WHEELS, Row, start, version

PEERS = ("litellm", "tensorzero")

METHOD = """
Bytes of the files, in MB of a million bytes; peers are their wheels alone, without what those require.
The command is the release build after `strip`.
"""


def main() -> None:
    record = start("sizes", "Sizes", METHOD)
    wheel = size(newest(WHEELS, "antiphon-*.whl"))
    command = stripped(COMMAND) if COMMAND.exists() else None
    model = size(newest(CHORISTER, "*.gguf"))
    peers = "; ".join(f"{name} {shown(peer_wheel(name))}" for name in PEERS)
    record.rows = [
        Row("wheel", peers, shown(wheel), "at most 15 MB", fits(wheel, 15e6)),
        Row("stripped command", "", shown(command), "at most 15 MB", fits(command, 15e6)),
        Row("chorister.gguf", "", shown(model), "at most 8 MB", fits(model, 8e6)),
    ]
    record.save()


def newest(folder: Path, pattern: str) -> Path | None:
    return max(folder.glob(pattern), key=lambda path: path.stat().st_mtime, default=None)


def size(path: Path | None) -> int | None:
    return path.stat().st_size if path else None


def shown(count: int | None) -> str:
    return f"{count / 1e6:.1f} MB" if count is not None else MISSING


def fits(count: int | None, limit: float) -> bool | None:
    return None if count is None else count <= limit


def stripped(command: Path) -> int:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "command"
        subprocess.run(["strip", "-o", copy, command], check=True)
        return copy.stat().st_size


def peer_wheel(name: str) -> int | None:
    """The size of the wheel of the version that is installed here."""
    if not version(name):
        return None
    with tempfile.TemporaryDirectory() as folder:
        wanted = f"{name}=={version(name)}"
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "--only-binary=:all:",
            "-d",
            folder,
            wanted,
        ]
        if subprocess.run(command, check=False).returncode:
            return None
        return size(newest(Path(folder), "*.whl"))


if __name__ == "__main__":
    main()
