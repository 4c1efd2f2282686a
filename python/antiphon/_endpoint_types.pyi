from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ._types import Object, Usage

class Logprobs(Object):
    text_offset: list[int] | None
    token_logprobs: list[float | None] | None
    tokens: list[str] | None
    top_logprobs: list[dict[str, float] | None] | None
    def __init__(
        self,
        text_offset: Sequence[int] | None = None,
        token_logprobs: Sequence[float | None] | None = None,
        tokens: Sequence[str] | None = None,
        top_logprobs: Sequence[Mapping[str, float] | None] | None = None,
        **extra: Any,
    ) -> None: ...

class TextChoices(Object):
    finish_reason: str | None
    index: int
    logprobs: Logprobs | None
    text: str
    def __init__(
        self,
        finish_reason: str | None = None,
        index: int = 0,
        logprobs: Logprobs | Mapping[str, Any] | None = None,
        text: str = "",
        **extra: Any,
    ) -> None: ...

class _Answer(Object):
    _hidden_params: dict[str, Any]
    @property
    def warnings(self) -> list[str]: ...

class TextCompletionResponse(_Answer):
    id: str
    created: int
    model: str
    object: Literal["text_completion"]
    choices: list[TextChoices]
    system_fingerprint: str | None
    usage: Usage | None
    def __init__(
        self,
        id: str | None = None,
        choices: Sequence[TextChoices | Mapping[str, Any]] | None = None,
        created: int | None = None,
        model: str | None = None,
        object: str = "text_completion",
        usage: Usage | Mapping[str, Any] | None = None,
        **extra: Any,
    ) -> None: ...

class Embedding(Object):
    # Text where `encoding_format="base64"`.
    embedding: list[float]
    index: int
    object: Literal["embedding"]
    def __init__(
        self,
        embedding: Sequence[float] | str | None = None,
        index: int = 0,
        object: str = "embedding",
        **extra: Any,
    ) -> None: ...

class EmbeddingResponse(_Answer):
    model: str
    data: list[Embedding]
    object: Literal["list"]
    usage: Usage | None
    def __init__(
        self,
        model: str | None = None,
        data: Sequence[Embedding | Mapping[str, Any]] | None = None,
        object: str = "list",
        usage: Usage | Mapping[str, Any] | None = None,
        **extra: Any,
    ) -> None: ...

class RerankResult(Object):
    index: int
    relevance_score: float
    document: dict[str, Any] | None
    def __init__(
        self,
        index: int = 0,
        relevance_score: float = 0.0,
        document: Mapping[str, Any] | None = None,
        **extra: Any,
    ) -> None: ...

class RerankResponse(_Answer):
    id: str
    model: str
    results: list[RerankResult]
    usage: Usage | None
    meta: dict[str, Any] | None
    def __init__(
        self,
        id: str | None = None,
        results: Sequence[RerankResult | Mapping[str, Any]] | None = None,
        model: str | None = None,
        usage: Usage | Mapping[str, Any] | None = None,
        **extra: Any,
    ) -> None: ...
