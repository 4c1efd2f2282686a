"""Times the counting of tokens by one library, for `Worker`.

    python bench/tokens_worker.py antiphon|tiktoken|litellm
"""

from __future__ import annotations

import importlib.util
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from harness import ROOT
from served import serve

MODEL = "gpt-4o"
WORDS = 100_000
PASSAGE = 50

Count = Callable[[str], int]


def library(name: str) -> Count:
    if name == "antiphon":
        import antiphon

        return lambda text: antiphon.token_counter(MODEL, text=text)
    # LiteLLM brings the vocabulary that tiktoken would fetch.
    if spec := importlib.util.find_spec("litellm"):
        folder = Path(str(spec.origin)).parent / "litellm_core_utils" / "tokenizers"
        os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
    if name == "tiktoken":
        import tiktoken

        encoding = tiktoken.encoding_for_model(MODEL)
        return lambda text: len(encoding.encode_ordinary(text))
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    return lambda text: litellm.token_counter(MODEL, text=text)


def prose() -> str:
    """A hundred thousand words of this project's documents, in passages drawn at random."""
    words = " ".join(path.read_text() for path in sorted(ROOT.glob("*.md"))).split(" ")
    draw = random.Random(1)
    starts = [draw.randrange(len(words) - PASSAGE) for _ in range(WORDS // PASSAGE)]
    return " ".join(" ".join(words[start : start + PASSAGE]) for start in starts)


TEXTS = {"words": prose(), "letter": "a" * 1_000_000, "letters": "a" * 2_000_000, "hello": "Hello, world!"}


def main() -> None:
    began = time.perf_counter()
    count = library(sys.argv[1])
    count("warm")
    loaded = time.perf_counter() - began

    def answer(text: str, threads: int = 1, repeat: int = 1) -> dict[str, float]:
        tokens: list[int] = []

        def run() -> None:
            for _ in range(repeat):
                tokens.append(count(TEXTS[text]))

        others = [threading.Thread(target=run) for _ in range(threads - 1)]
        began = time.perf_counter()
        for thread in others:
            thread.start()
        run()
        for thread in others:
            thread.join()
        spent = (time.perf_counter() - began) / repeat
        return {"seconds": spent, "tokens": tokens[0], "loaded": loaded}

    serve(answer)


if __name__ == "__main__":
    main()
