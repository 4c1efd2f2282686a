from collections.abc import Callable, Sequence
from typing import Any

from antiphon import ModelResponse

def stream_chunk_builder(
    chunks: Sequence[Any],
    messages: Sequence[Any] | None = None,
    start_time: object = None,
    end_time: object = None,
    logging_obj: object = None,
    count_prompt_tokens: Callable[[], int] | None = None,
) -> ModelResponse | None: ...
