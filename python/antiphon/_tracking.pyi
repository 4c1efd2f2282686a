from collections.abc import Iterable
from datetime import datetime
from os import PathLike
from typing import Literal, overload

from ._types import Object

_Path = str | PathLike[str]

class CallLog(Object):
    id: str
    started: float
    duration: float
    method: str
    model: str
    provider: str | None
    stream: bool
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    cost: float | None
    cache_hit: bool
    cache_key: str | None
    attempts: int
    error: str | None
    @property
    def timestamp(self) -> datetime: ...

def start_tracking() -> None: ...
def stop_tracking() -> list[tuple[CallLog, bool]]: ...
def get_tracked_logs() -> list[tuple[CallLog, bool]]: ...
def set_call_log_save_path(path: _Path | None) -> None: ...
def get_call_logs(model: str | None = None, path: _Path | None = None) -> list[CallLog]: ...
def get_total_costs(model: str | None = None, path: _Path | None = None) -> float: ...
def get_total_input_tokens(model: str | None = None, path: _Path | None = None) -> int: ...
def get_total_output_tokens(model: str | None = None, path: _Path | None = None) -> int: ...
def get_total_tokens(model: str | None = None, path: _Path | None = None) -> int: ...
@overload
def print_tracking_stats(
    call_logs: Iterable[tuple[CallLog, bool] | CallLog] | None = None,
    prepend: str = "",
    get_as_str: Literal[False] = False,
) -> None: ...
@overload
def print_tracking_stats(
    call_logs: Iterable[tuple[CallLog, bool] | CallLog] | None = None,
    prepend: str = "",
    *,
    get_as_str: Literal[True],
) -> str: ...
