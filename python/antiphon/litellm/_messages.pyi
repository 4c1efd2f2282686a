from collections.abc import Callable, Sequence
from typing import Any, Literal, overload

TRIM_RATIO: float

@overload
def trim_messages(
    messages: Sequence[Any],
    model: str | None = None,
    trim_ratio: float = 0.75,
    return_response_tokens: Literal[False] = False,
    max_tokens: int | None = None,
) -> list[Any]: ...
@overload
def trim_messages(
    messages: Sequence[Any],
    model: str | None = None,
    trim_ratio: float = 0.75,
    *,
    return_response_tokens: Literal[True],
    max_tokens: int | None = None,
) -> tuple[list[Any], int | None]: ...
def function_to_dict(input_function: Callable[..., Any]) -> dict[str, Any]: ...
def get_response_string(response_obj: Any) -> str: ...
