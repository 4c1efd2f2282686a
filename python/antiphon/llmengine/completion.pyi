from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any, Literal, overload

from .data_types import (
    BatchCompletionsJob,
    BatchCompletionsModelConfig,
    CompletionStreamV1Response,
    CompletionSyncV1Response,
    CreateBatchCompletionsV1RequestContent,
    CreateBatchCompletionsV1Response,
    FilteredChatCompletionV2Request,
    FilteredCompletionV2Request,
    GpuType,
    ToolConfig,
)

MAX_NEW_TOKENS: int
TEMPERATURE: float
MAX_RUNTIME: int

_Prompts = CreateBatchCompletionsV1RequestContent | Mapping[str, Any]
_Requests = Sequence[FilteredChatCompletionV2Request | FilteredCompletionV2Request | Mapping[str, Any]]

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
    @overload
    @classmethod
    def batch_create(
        cls,
        output_data_path: str | PathLike[str],
        model_config: BatchCompletionsModelConfig | Mapping[str, Any],
        content: _Prompts | None = None,
        input_data_path: str | PathLike[str] | None = None,
        data_parallelism: int = 1,
        max_runtime_sec: int = 86400,
        labels: Mapping[str, str] | None = None,
        priority: str | None = None,
        use_v2: Literal[False] = False,
        tool_config: ToolConfig | None = None,
        cpus: str | float | None = None,
        gpus: int | None = None,
        memory: str | float | None = None,
        gpu_type: GpuType | str | None = None,
        storage: str | float | None = None,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        request_headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> CreateBatchCompletionsV1Response: ...
    @overload
    @classmethod
    def batch_create(
        cls,
        output_data_path: str | PathLike[str],
        model_config: BatchCompletionsModelConfig | Mapping[str, Any],
        content: _Prompts | _Requests | None = None,
        input_data_path: str | PathLike[str] | None = None,
        data_parallelism: int = 1,
        max_runtime_sec: int = 86400,
        labels: Mapping[str, str] | None = None,
        priority: str | None = None,
        *,
        use_v2: Literal[True],
        tool_config: ToolConfig | None = None,
        cpus: str | float | None = None,
        gpus: int | None = None,
        memory: str | float | None = None,
        gpu_type: GpuType | str | None = None,
        storage: str | float | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        request_headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> BatchCompletionsJob: ...
    @overload
    @classmethod
    def batch_create(
        cls,
        output_data_path: str | PathLike[str],
        model_config: BatchCompletionsModelConfig | Mapping[str, Any],
        content: _Prompts | _Requests | None = None,
        input_data_path: str | PathLike[str] | None = None,
        data_parallelism: int = 1,
        max_runtime_sec: int = 86400,
        labels: Mapping[str, str] | None = None,
        priority: str | None = None,
        use_v2: bool = False,
        tool_config: ToolConfig | None = None,
        cpus: str | float | None = None,
        gpus: int | None = None,
        memory: str | float | None = None,
        gpu_type: GpuType | str | None = None,
        storage: str | float | None = None,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        request_headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> CreateBatchCompletionsV1Response | BatchCompletionsJob: ...
    @classmethod
    def get_batch_completion(
        cls,
        job_id: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        request_headers: Mapping[str, str] | None = None,
        max_retries: int | None = None,
    ) -> dict[str, Any]: ...
    @classmethod
    def cancel_batch_completion(
        cls,
        job_id: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        request_headers: Mapping[str, str] | None = None,
        max_retries: int | None = None,
    ) -> dict[str, Any]: ...

class Asked:
    limit: int
    has_tokens: bool
    arguments: dict[str, Any]
    def __init__(
        self,
        model: str,
        prompt: str,
        max_new_tokens: int,
        temperature: float,
        options: dict[str, Any],
    ) -> None: ...
    def response(self, answer: Any) -> CompletionSyncV1Response: ...
    def tokens(self, choice: Any) -> Any: ...
    def events(self, chunks: Any) -> Iterator[CompletionStreamV1Response]: ...
    def async_events(self, chunks: Any) -> AsyncIterator[CompletionStreamV1Response]: ...
