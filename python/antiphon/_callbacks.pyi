from queue import SimpleQueue
from typing import Any

FLUSH: float
queue: SimpleQueue[Any] | None

def start() -> SimpleQueue[Any] | None: ...
