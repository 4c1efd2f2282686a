from collections.abc import Collection, ItemsView, Iterator, KeysView, ValuesView
from typing import Any, ClassVar, Generic, Literal

from typing_extensions import TypeVar

# What the JSON of an answer stands for: the class that was given as `response_format`.
_T = TypeVar("_T", default=Any)

class MissingFieldError(AttributeError, KeyError): ...

class Object:
    def __init__(self, **fields: Any) -> None: ...
    def __getitem__(self, name: str) -> Any: ...
    def __setitem__(self, name: str, value: Any) -> None: ...
    def __delitem__(self, name: str) -> None: ...
    def __contains__(self, name: object) -> bool: ...
    def __iter__(self) -> Iterator[tuple[str, Any]]: ...
    def __len__(self) -> int: ...
    def __bool__(self) -> Literal[True]: ...
    def __eq__(self, other: object) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]
    def get(self, name: str, default: Any = None) -> Any: ...
    def keys(self) -> KeysView[str]: ...
    def values(self) -> ValuesView[Any]: ...
    def items(self) -> ItemsView[str, Any]: ...
    def model_dump(
        self,
        *,
        mode: str = "python",
        include: Collection[str] | None = None,
        exclude: Collection[str] | None = None,
        exclude_none: bool = False,
        **_pydantic: Any,
    ) -> dict[str, Any]: ...
    def model_dump_json(self, *, indent: int | None = None, **options: Any) -> str: ...
    def to_dict(self, **options: Any) -> dict[str, Any]: ...
    def to_json(self, *, indent: int | None = 2, **options: Any) -> str: ...
    def json(self, **options: Any) -> dict[str, Any]: ...
    # Last, and through an alias: below it, `dict` would mean this method.
    def dict(self, **options: Any) -> _Dict: ...

_Dict = dict[str, Any]

class Function(Object):
    arguments: str
    name: str | None
    def __init__(
        self, arguments: str | dict[str, Any] = "", name: str | None = None, **extra: Any
    ) -> None: ...

class FunctionCall(Function): ...

class Custom(Object):
    input: str
    name: str | None
    def __init__(self, input: str = "", name: str | None = None, **extra: Any) -> None: ...

class ChatCompletionMessageToolCall(Object):
    id: str
    function: Function
    type: str
    # Only of a call of a custom tool, which has it in place of `function`.
    custom: Custom
    def __init__(
        self,
        function: Function | dict[str, Any] | None = None,
        id: str | None = None,
        type: str = "function",
        **extra: Any,
    ) -> None: ...

class AnnotationURLCitation(Object):
    url: str
    title: str
    start_index: int
    end_index: int

class Annotation(Object):
    type: str
    url_citation: AnnotationURLCitation

class ChatCompletionAudio(Object):
    id: str
    data: str
    expires_at: int
    transcript: str

class Message(Object, Generic[_T]):
    content: str | None
    role: str
    tool_calls: list[ChatCompletionMessageToolCall] | None
    function_call: FunctionCall | None
    refusal: str | None
    annotations: list[Annotation] | None
    audio: ChatCompletionAudio | None
    reasoning_content: str | None
    def __init__(
        self,
        content: str | None = None,
        role: str = "assistant",
        function_call: FunctionCall | dict[str, Any] | None = None,
        tool_calls: list[ChatCompletionMessageToolCall] | list[dict[str, Any]] | None = None,
        **extra: Any,
    ) -> None: ...
    @property
    def parsed(self) -> _T | None: ...

class TopLogprob(Object):
    token: str
    bytes: list[int] | None
    logprob: float

class ChatCompletionTokenLogprob(Object):
    token: str
    bytes: list[int] | None
    logprob: float
    top_logprobs: list[TopLogprob]
    def __init__(
        self,
        token: str = "",
        bytes: list[int] | None = None,
        logprob: float = 0.0,
        top_logprobs: Collection[TopLogprob | dict[str, Any]] = (),
        **extra: Any,
    ) -> None: ...

class ChoiceLogprobs(Object):
    content: list[ChatCompletionTokenLogprob] | None
    refusal: list[ChatCompletionTokenLogprob] | None
    def __init__(
        self,
        content: list[ChatCompletionTokenLogprob] | list[dict[str, Any]] | None = None,
        refusal: list[ChatCompletionTokenLogprob] | list[dict[str, Any]] | None = None,
        **extra: Any,
    ) -> None: ...

class Choices(Object, Generic[_T]):
    finish_reason: str
    index: int
    message: Message[_T]
    logprobs: ChoiceLogprobs | None
    def __init__(
        self,
        finish_reason: str | None = "stop",
        index: int = 0,
        message: Message | dict[str, Any] | None = None,
        logprobs: ChoiceLogprobs | dict[str, Any] | None = None,
        **extra: Any,
    ) -> None: ...

class CompletionTokensDetailsWrapper(Object):
    accepted_prediction_tokens: int | None
    audio_tokens: int | None
    reasoning_tokens: int | None
    rejected_prediction_tokens: int | None
    def __init__(
        self,
        accepted_prediction_tokens: int | None = None,
        audio_tokens: int | None = None,
        reasoning_tokens: int | None = None,
        rejected_prediction_tokens: int | None = None,
        **extra: Any,
    ) -> None: ...

class PromptTokensDetailsWrapper(Object):
    audio_tokens: int | None
    cached_tokens: int | None
    text_tokens: int | None
    image_tokens: int | None
    def __init__(
        self,
        audio_tokens: int | None = None,
        cached_tokens: int | None = None,
        text_tokens: int | None = None,
        image_tokens: int | None = None,
        **extra: Any,
    ) -> None: ...

class Usage(Object):
    completion_tokens: int
    prompt_tokens: int
    total_tokens: int
    completion_tokens_details: CompletionTokensDetailsWrapper | None
    prompt_tokens_details: PromptTokensDetailsWrapper | None
    def __init__(
        self,
        prompt_tokens: int = 0,
        completion_tokens: int = 0,
        total_tokens: int | None = None,
        completion_tokens_details: CompletionTokensDetailsWrapper | dict[str, Any] | None = None,
        prompt_tokens_details: PromptTokensDetailsWrapper | dict[str, Any] | None = None,
        **extra: Any,
    ) -> None: ...

class ModelResponse(Object, Generic[_T]):
    id: str
    created: int
    model: str
    object: str
    system_fingerprint: str | None
    choices: list[Choices[_T]]
    usage: Usage | None
    service_tier: str | None
    _hidden_params: dict[str, Any]
    def __init__(
        self,
        id: str | None = None,
        choices: list[Choices] | list[dict[str, Any]] | None = None,
        created: int | None = None,
        model: str | None = None,
        object: str = "chat.completion",
        system_fingerprint: str | None = None,
        usage: Usage | dict[str, Any] | None = None,
        **extra: Any,
    ) -> None: ...
    @property
    def parsed(self) -> _T | None: ...
    @property
    def warnings(self) -> list[str]: ...
    def _repr_markdown_(self) -> str: ...

class Delta(Object):
    content: str | None
    role: str | None
    function_call: FunctionCall | None
    tool_calls: list[ChatCompletionDeltaToolCall] | None
    refusal: str | None
    annotations: list[Annotation] | None
    audio: ChatCompletionAudio | None
    reasoning_content: str | None
    def __init__(
        self,
        content: str | None = None,
        role: str | None = None,
        function_call: FunctionCall | dict[str, Any] | None = None,
        tool_calls: list[ChatCompletionDeltaToolCall] | list[dict[str, Any]] | None = None,
        **extra: Any,
    ) -> None: ...

class ChatCompletionDeltaToolCall(Object):
    id: str | None
    function: Function
    type: str | None
    index: int
    def __init__(
        self,
        id: str | None = None,
        function: Function | dict[str, Any] | None = None,
        type: str | None = None,
        index: int = 0,
        **extra: Any,
    ) -> None: ...

class StreamingChoices(Object):
    finish_reason: str | None
    index: int
    delta: Delta
    logprobs: ChoiceLogprobs | None
    def __init__(
        self,
        finish_reason: str | None = None,
        index: int = 0,
        delta: Delta | dict[str, Any] | None = None,
        logprobs: ChoiceLogprobs | dict[str, Any] | None = None,
        **extra: Any,
    ) -> None: ...

class ModelResponseStream(Object):
    id: str
    created: int
    model: str
    object: str
    system_fingerprint: str | None
    choices: list[StreamingChoices]
    usage: Usage | None
    service_tier: str | None
    def __init__(
        self,
        id: str | None = None,
        choices: list[StreamingChoices] | list[dict[str, Any]] | None = None,
        created: int | None = None,
        model: str | None = None,
        object: str = "chat.completion.chunk",
        system_fingerprint: str | None = None,
        usage: Usage | dict[str, Any] | None = None,
        **extra: Any,
    ) -> None: ...

class Attempt(Object):
    target: str
    status: int | None
    message: str
    elapsed: float
