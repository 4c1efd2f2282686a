from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias, overload

from ._context import Context
from ._types import ModelResponse

DEFAULT_SYSTEM: str

# `object` stands where `Any` might: with an `Any` in it, a checker no longer finds which overload of
# `batch_executor` takes the function.

# A text, or a list of content parts (text, images, …).
_Content: TypeAlias = str | Sequence[str | Mapping[str, object]]
# A context, also one that was read from JSON.
_Context: TypeAlias = Mapping[str, object]

@overload
def single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: object,
    multi: Literal[False] = False,
    return_full_response: Literal[False] = False,
    dry_run: Literal[False] | None = None,
    **kwargs: object,
) -> str: ...
@overload
def single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: object,
    multi: Literal[True] | _Context,
    return_full_response: Literal[False] = False,
    dry_run: Literal[False] | None = None,
    **kwargs: object,
) -> tuple[str, Context]: ...
@overload
def single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: object,
    multi: Literal[False] = False,
    return_full_response: Literal[True],
    dry_run: Literal[False] | None = None,
    **kwargs: object,
) -> ModelResponse[object]: ...
@overload
def single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: object,
    multi: Literal[True] | _Context,
    return_full_response: Literal[True],
    dry_run: Literal[False] | None = None,
    **kwargs: object,
) -> tuple[ModelResponse[object], Context]: ...
@overload
def single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: object,
    multi: bool | _Context = False,
    return_full_response: bool = False,
    dry_run: Literal[True],
    **kwargs: object,
) -> dict[str, object]: ...
@overload
def single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: object,
    multi: Literal[True] | _Context,
    return_full_response: bool,
    dry_run: Literal[False] | None = None,
    **kwargs: object,
) -> tuple[str, Context] | tuple[ModelResponse[object], Context]: ...
@overload
def single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: object,
    multi: bool = False,
    return_full_response: bool = False,
    dry_run: Literal[False] | None = None,
    **kwargs: object,
) -> str | ModelResponse[object] | tuple[str, Context] | tuple[ModelResponse[object], Context]: ...
@overload
async def async_single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: object,
    multi: Literal[False] = False,
    return_full_response: Literal[False] = False,
    dry_run: Literal[False] | None = None,
    **kwargs: object,
) -> str: ...
@overload
async def async_single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: object,
    multi: Literal[True] | _Context,
    return_full_response: Literal[False] = False,
    dry_run: Literal[False] | None = None,
    **kwargs: object,
) -> tuple[str, Context]: ...
@overload
async def async_single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: object,
    multi: Literal[False] = False,
    return_full_response: Literal[True],
    dry_run: Literal[False] | None = None,
    **kwargs: object,
) -> ModelResponse[object]: ...
@overload
async def async_single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: object,
    multi: Literal[True] | _Context,
    return_full_response: Literal[True],
    dry_run: Literal[False] | None = None,
    **kwargs: object,
) -> tuple[ModelResponse[object], Context]: ...
@overload
async def async_single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: object,
    multi: bool | _Context = False,
    return_full_response: bool = False,
    dry_run: Literal[True],
    **kwargs: object,
) -> dict[str, object]: ...
@overload
async def async_single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: object,
    multi: Literal[True] | _Context,
    return_full_response: bool,
    dry_run: Literal[False] | None = None,
    **kwargs: object,
) -> tuple[str, Context] | tuple[ModelResponse[object], Context]: ...
@overload
async def async_single(
    prompt: _Content,
    model: str | None = None,
    system: _Content | None = None,
    *args: object,
    multi: bool = False,
    return_full_response: bool = False,
    dry_run: Literal[False] | None = None,
    **kwargs: object,
) -> str | ModelResponse[object] | tuple[str, Context] | tuple[ModelResponse[object], Context]: ...
