"""Times answers from a cache, for `Worker`.

    python bench/cache_worker.py antiphon|floor|diskcache
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from typing import Any

from mock_worker import MESSAGES, RESPONSE, per_call
from served import serve


def antiphon_hit(**cache: Any) -> Callable[[], object]:
    """A call that the cache answers; the built-in model answered it once before."""
    from antiphon import completion

    call = partial(completion, model="local/chorister", messages=MESSAGES, **cache)
    call()
    assert call()._hidden_params["cache_hit"]
    return call


def cases(name: str) -> dict[str, Callable[[], object]]:
    body = json.dumps(RESPONSE)
    if name == "antiphon":
        return {
            "memory": antiphon_hit(cache_enabled=True),
            "disk": antiphon_hit(cache_path=tempfile.mkdtemp()),
        }
    if name == "diskcache":
        import diskcache

        kept = diskcache.Cache(tempfile.mkdtemp())
        kept["a" * 64] = body
        return {"get": partial(kept.get, "a" * 64)}
    kept = {"a" * 64: body}
    return {"get": lambda: json.loads(kept["a" * 64])}


def main() -> None:
    calls = cases(sys.argv[1])
    serve(lambda case: {"seconds": per_call(calls[case])})


if __name__ == "__main__":
    main()
