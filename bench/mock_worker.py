"""Times `mock_response` calls of one library, for `Worker`.

LiteLLM goes on logging in threads of its own after a call; in one process that would slow the others down.

    python bench/mock_worker.py antiphon|litellm|floor
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from served import serve, timed

SECONDS = 0.05
MODEL = "gpt-4o-mini"
MESSAGES = [{"role": "user", "content": "What is the capital of France?"}]
TEXT = "The capital of France is Paris. " * 20
RESPONSE = {
    "id": "chatcmpl-0a1b2c3d",
    "created": 1_700_000_000,
    "model": MODEL,
    "object": "chat.completion",
    "choices": [{"finish_reason": "stop", "index": 0, "message": {"content": TEXT, "role": "assistant"}}],
    "usage": {"completion_tokens": 20, "prompt_tokens": 10, "total_tokens": 30},
}

Completion = Callable[..., Any]


def library(name: str) -> Completion:
    if name == "antiphon":
        import antiphon

        return antiphon.completion
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    litellm.suppress_debug_info = True
    return litellm.completion


def answer(completion: Completion, stream: bool) -> dict[str, Any]:
    """Seconds per call, or per chunk of a stream."""
    if not stream:
        return {"seconds": per_call(partial(whole, completion))}
    chunks = count_chunks(completion)
    return {"seconds": per_call(partial(count_chunks, completion)) / chunks, "chunks": chunks}


def floor(body: str) -> dict[str, Any]:
    return {"seconds": per_call(partial(json.loads, body))}


def whole(completion: Completion) -> None:
    completion(model=MODEL, messages=MESSAGES, mock_response=TEXT)


def count_chunks(completion: Completion) -> int:
    return sum(1 for _ in completion(model=MODEL, messages=MESSAGES, mock_response=TEXT, stream=True))


def per_call(action: Callable[[], object]) -> float:
    """Over as many calls as fill a moment."""
    once = min(timed(action) for _ in range(3))
    count = max(1, int(SECONDS / once))

    def repeat() -> None:
        for _ in range(count):
            action()

    return timed(repeat) / count


if __name__ == "__main__":
    name = sys.argv[1]
    serve(partial(floor, json.dumps(RESPONSE)) if name == "floor" else partial(answer, library(name)))
