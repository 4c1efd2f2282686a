from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Literal, overload

from ._types import Object

MAX_NEW_TOKENS: int
TEMPERATURE: float

class _Printed(Object):
    def json(self, **options: Any) -> str: ...  # type: ignore[override]

class TokenOutput(_Printed):
    token: str
    log_prob: float
    def __init__(self, token: str = "", log_prob: float = 0.0) -> None: ...

class CompletionOutput(_Printed):
    text: str
    num_prompt_tokens: int | None
    num_completion_tokens: int
    tokens: list[TokenOutput] | None
    def __init__(
        self,
        text: str = "",
        num_prompt_tokens: int | None = None,
        num_completion_tokens: int = 0,
        tokens: list[TokenOutput] | None = None,
    ) -> None: ...

class CompletionStreamOutput(_Printed):
    text: str
    finished: bool
    num_prompt_tokens: int | None
    num_completion_tokens: int | None
    token: TokenOutput | None
    def __init__(
        self,
        text: str = "",
        finished: bool = False,
        num_prompt_tokens: int | None = None,
        num_completion_tokens: int | None = None,
        token: TokenOutput | None = None,
    ) -> None: ...

class _Response(_Printed):
    status: str
    traceback: str | None
    @property
    def request_id(self) -> str | None: ...

class CompletionSyncV1Response(_Response):
    outputs: list[CompletionOutput]
    def __init__(self, outputs: Sequence[CompletionOutput] = (), traceback: str | None = None) -> None: ...
    @property
    def output(self) -> CompletionOutput | None: ...

class CompletionStreamV1Response(_Response):
    output: CompletionStreamOutput | None
    def __init__(
        self, output: CompletionStreamOutput | None = None, traceback: str | None = None
    ) -> None: ...

class Completion:
    @overload
    @classmethod
    def create(
        cls,
        model_name: str | None = None,
        prompt: str | None = None,
        max_new_tokens: int = 20,
        temperature: float = 0.2,
        timeout: float | None = None,
        stream: Literal[False] = False,
        *,
        model: str | None = None,
        **options: Any,
    ) -> CompletionSyncV1Response: ...
    @overload
    @classmethod
    def create(
        cls,
        model_name: str | None = None,
        prompt: str | None = None,
        max_new_tokens: int = 20,
        temperature: float = 0.2,
        timeout: float | None = None,
        *,
        stream: Literal[True],
        model: str | None = None,
        **options: Any,
    ) -> Iterator[CompletionStreamV1Response]: ...
    @overload
    @classmethod
    def create(
        cls,
        model_name: str | None = None,
        prompt: str | None = None,
        max_new_tokens: int = 20,
        temperature: float = 0.2,
        timeout: float | None = None,
        stream: bool = False,
        *,
        model: str | None = None,
        **options: Any,
    ) -> CompletionSyncV1Response | Iterator[CompletionStreamV1Response]: ...
    @overload
    @classmethod
    async def acreate(
        cls,
        model_name: str | None = None,
        prompt: str | None = None,
        max_new_tokens: int = 20,
        temperature: float = 0.2,
        timeout: float | None = None,
        stream: Literal[False] = False,
        *,
        model: str | None = None,
        **options: Any,
    ) -> CompletionSyncV1Response: ...
    @overload
    @classmethod
    async def acreate(
        cls,
        model_name: str | None = None,
        prompt: str | None = None,
        max_new_tokens: int = 20,
        temperature: float = 0.2,
        timeout: float | None = None,
        *,
        stream: Literal[True],
        model: str | None = None,
        **options: Any,
    ) -> AsyncIterator[CompletionStreamV1Response]: ...
    @overload
    @classmethod
    async def acreate(
        cls,
        model_name: str | None = None,
        prompt: str | None = None,
        max_new_tokens: int = 20,
        temperature: float = 0.2,
        timeout: float | None = None,
        stream: bool = False,
        *,
        model: str | None = None,
        **options: Any,
    ) -> CompletionSyncV1Response | AsyncIterator[CompletionStreamV1Response]: ...
