from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Literal, TypeVar, overload

_T = TypeVar("_T")

CALLS: int
THREADS: int

@overload
async def batch_executor(
    func: Callable[..., Awaitable[_T]],
    constant_kwargs: Mapping[str, Any] | None = None,
    batch_args: Iterable[tuple[Any, ...] | list[Any]] | None = None,
    batch_kwargs: Iterable[Mapping[str, Any]] | None = None,
    concurrency_limit: int | None = None,
    verbose: bool = True,
    progress_bar_desc: str = "Processing",
    return_exceptions: Literal[False] = False,
) -> list[_T]: ...
@overload
async def batch_executor(
    func: Callable[..., Awaitable[_T]],
    constant_kwargs: Mapping[str, Any] | None = None,
    batch_args: Iterable[tuple[Any, ...] | list[Any]] | None = None,
    batch_kwargs: Iterable[Mapping[str, Any]] | None = None,
    concurrency_limit: int | None = None,
    verbose: bool = True,
    progress_bar_desc: str = "Processing",
    *,
    return_exceptions: bool,
) -> list[_T | BaseException]: ...
@overload
async def batch_executor(
    func: Callable[..., _T],
    constant_kwargs: Mapping[str, Any] | None = None,
    batch_args: Iterable[tuple[Any, ...] | list[Any]] | None = None,
    batch_kwargs: Iterable[Mapping[str, Any]] | None = None,
    concurrency_limit: int | None = None,
    verbose: bool = True,
    progress_bar_desc: str = "Processing",
    return_exceptions: Literal[False] = False,
) -> list[_T]: ...
@overload
async def batch_executor(
    func: Callable[..., _T],
    constant_kwargs: Mapping[str, Any] | None = None,
    batch_args: Iterable[tuple[Any, ...] | list[Any]] | None = None,
    batch_kwargs: Iterable[Mapping[str, Any]] | None = None,
    concurrency_limit: int | None = None,
    verbose: bool = True,
    progress_bar_desc: str = "Processing",
    *,
    return_exceptions: bool,
) -> list[_T | BaseException]: ...
def as_dict(**kwargs: Any) -> dict[str, Any]: ...
