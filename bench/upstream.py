"""The upstream of the hosted measurements: `faultd`, answering at once or after a pause."""

from __future__ import annotations

import json
from types import TracebackType

from harness import ROOT, Worker

FAULTD = ROOT / "target" / "release" / "faultd"


class Upstream(Worker):
    """A running `faultd`; `ask(...)` commands it."""

    def __init__(self, *options: str) -> None:
        super().__init__(FAULTD, *options)
        assert self.process.stdout is not None
        self.url: str = json.loads(self.process.stdout.readline())["url"]

    @classmethod
    def auto(cls, **options: object) -> Upstream:
        """Answers every request in its path's tongue; streams where it is asked to."""
        words = ["--auto", "auto"]
        for name, value in options.items():
            words += [f"--{name.replace('_', '-')}", str(value)]
        return cls(*words)

    def __enter__(self) -> Upstream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
