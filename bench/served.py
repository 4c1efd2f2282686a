"""The side of a worker process, which imports as little as it can: its memory is measured."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any


def serve(answer: Callable[..., dict[str, Any]]) -> None:
    """Answers each line of JSON with one: the other end of a `Worker`."""
    for line in sys.stdin:
        print(json.dumps(answer(**json.loads(line))), flush=True)


def timed(action: Callable[[], object]) -> float:
    """Seconds that the action took."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin
