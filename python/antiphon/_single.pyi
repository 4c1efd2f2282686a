from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, overload

from ._context import Context
from ._types import ModelResponse

DEFAULT_SYSTEM: str

# A text, or a list of content parts (text, images, …).
_Content: TypeAlias = str | Sequence[str | Mapping[str, Any]]
# What goes on: a context, or one that was read from JSON.
_Context: TypeAlias = Context | Mapping[str, Any]

@overload
def single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: Any,
    multi: Literal[False] = False,
    return_full_response: Literal[False] = False,
    dry_run: Literal[False] | None = None,
    **kwargs: Any,
) -> str: ...
@overload
def single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: Any,
    multi: Literal[True] | _Context,
    return_full_response: Literal[False] = False,
    dry_run: Literal[False] | None = None,
    **kwargs: Any,
) -> tuple[str, Context]: ...
@overload
def single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: Any,
    multi: Literal[False] = False,
    return_full_response: Literal[True],
    dry_run: Literal[False] | None = None,
    **kwargs: Any,
) -> ModelResponse: ...
@overload
def single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: Any,
    multi: Literal[True] | _Context,
    return_full_response: Literal[True],
    dry_run: Literal[False] | None = None,
    **kwargs: Any,
) -> tuple[ModelResponse, Context]: ...
@overload
def single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: Any,
    multi: bool | _Context = False,
    return_full_response: bool = False,
    dry_run: Literal[True],
    **kwargs: Any,
) -> dict[str, Any]: ...
@overload
def single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: Any,
    multi: bool | _Context = False,
    return_full_response: bool = False,
    dry_run: Literal[False] | None = None,
    **kwargs: Any,
) -> str | ModelResponse | tuple[str, Context] | tuple[ModelResponse, Context]: ...
@overload
async def async_single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: Any,
    multi: Literal[False] = False,
    return_full_response: Literal[False] = False,
    dry_run: Literal[False] | None = None,
    **kwargs: Any,
) -> str: ...
@overload
async def async_single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: Any,
    multi: Literal[True] | _Context,
    return_full_response: Literal[False] = False,
    dry_run: Literal[False] | None = None,
    **kwargs: Any,
) -> tuple[str, Context]: ...
@overload
async def async_single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: Any,
    multi: Literal[False] = False,
    return_full_response: Literal[True],
    dry_run: Literal[False] | None = None,
    **kwargs: Any,
) -> ModelResponse: ...
@overload
async def async_single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: Any,
    multi: Literal[True] | _Context,
    return_full_response: Literal[True],
    dry_run: Literal[False] | None = None,
    **kwargs: Any,
) -> tuple[ModelResponse, Context]: ...
@overload
async def async_single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: Any,
    multi: bool | _Context = False,
    return_full_response: bool = False,
    dry_run: Literal[True],
    **kwargs: Any,
) -> dict[str, Any]: ...
@overload
async def async_single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: Any,
    multi: bool | _Context = False,
    return_full_response: bool = False,
    dry_run: Literal[False] | None = None,
    **kwargs: Any,
) -> str | ModelResponse | tuple[str, Context] | tuple[ModelResponse, Context]: ...
