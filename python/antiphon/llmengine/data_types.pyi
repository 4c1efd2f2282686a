from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, ClassVar

from typing_extensions import Self

from .._types import ModelResponse, Object

class Printed(Object):
    def json(self, **options: Any) -> str: ...  # type: ignore[override]
    @classmethod
    def parse_obj(cls, fields: dict[str, Any]) -> Self: ...

class Record(Printed):
    _needed: ClassVar[tuple[str, ...]]
    _made: ClassVar[tuple[tuple[str, Callable[[Any], Any]], ...]]
    def __init__(self, **fields: Any) -> None: ...

class Checked(Record): ...

class TaskStatus(str, Enum):
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"

class LLMSource(str, Enum):
    HUGGING_FACE = "hugging_face"

class LLMInferenceFramework(str, Enum):
    DEEPSPEED = "deepspeed"
    TEXT_GENERATION_INFERENCE = "text_generation_inference"
    VLLM = "vllm"
    LIGHTLLM = "lightllm"
    TENSORRT_LLM = "tensorrt_llm"

class Quantization(str, Enum):
    BITSANDBYTES = "bitsandbytes"
    AWQ = "awq"

class GpuType(str, Enum):
    NVIDIA_TESLA_T4 = "nvidia-tesla-t4"
    NVIDIA_AMPERE_A10 = "nvidia-ampere-a10"
    NVIDIA_AMPERE_A100 = "nvidia-ampere-a100"
    NVIDIA_AMPERE_A100E = "nvidia-ampere-a100e"
    NVIDIA_HOPPER_H100 = "nvidia-hopper-h100"
    NVIDIA_HOPPER_H100_1G_20GB = "nvidia-hopper-h100-1g20gb"
    NVIDIA_HOPPER_H100_3G_40GB = "nvidia-hopper-h100-3g40gb"

class ModelEndpointType(str, Enum):
    STREAMING = "streaming"

class ModelEndpointStatus(str, Enum):
    READY = "READY"
    UPDATE_PENDING = "UPDATE_PENDING"
    UPDATE_IN_PROGRESS = "UPDATE_IN_PROGRESS"
    UPDATE_FAILED = "UPDATE_FAILED"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"

class PostInferenceHooks(str, Enum):
    CALLBACK = "callback"

class BatchCompletionsJobStatus(str, Enum):
    Queued = "queued"
    Running = "running"
    Completed = "completed"
    Failed = "failed"
    Cancelled = "cancelled"
    Unknown = "unknown"

class BatchJobStatus(str, Enum):
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    CANCELLED = "CANCELLED"
    UNDEFINED = "UNDEFINED"
    TIMEOUT = "TIMEOUT"

class TokenOutput(Printed):
    token: str
    log_prob: float
    def __init__(self, token: str = "", log_prob: float = 0.0) -> None: ...

class CompletionOutput(Printed):
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

class CompletionStreamOutput(Printed):
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

class StreamErrorContent(Record):
    error: str
    timestamp: str
    def __init__(
        self,
        *,
        error: str,
        timestamp: str,
        **fields: Any,
    ) -> None: ...

class StreamError(Record):
    status_code: int
    content: StreamErrorContent
    def __init__(
        self,
        *,
        status_code: int,
        content: StreamErrorContent | dict[str, Any],
        **fields: Any,
    ) -> None: ...

class _Response(Printed):
    traceback: str | None
    @property
    def request_id(self) -> str | None: ...

class CompletionSyncV1Response(_Response):
    status: TaskStatus
    outputs: list[CompletionOutput]
    def __init__(self, outputs: Sequence[CompletionOutput] = (), traceback: str | None = None) -> None: ...
    @property
    def output(self) -> CompletionOutput | None: ...

class CompletionStreamV1Response(_Response):
    output: CompletionStreamOutput | None
    error: StreamError | None
    def __init__(
        self,
        output: CompletionStreamOutput | None = None,
        traceback: str | None = None,
        error: StreamError | None = None,
    ) -> None: ...
    @property
    def status(self) -> TaskStatus: ...

class CompletionSyncV1Request(Checked):
    prompt: str
    max_new_tokens: int
    temperature: float
    stop_sequences: Sequence[str] | None
    return_token_log_probs: bool | None
    presence_penalty: float | None
    frequency_penalty: float | None
    top_k: int | None
    top_p: float | None
    include_stop_str_in_output: bool | None
    guided_json: Mapping[str, Any] | None
    guided_regex: str | None
    guided_choice: Sequence[str] | None
    guided_grammar: str | None
    skip_special_tokens: bool | None
    def __init__(
        self,
        *,
        prompt: str,
        max_new_tokens: int,
        temperature: float,
        stop_sequences: Sequence[str] | None = None,
        return_token_log_probs: bool | None = None,
        presence_penalty: float | None = None,
        frequency_penalty: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        include_stop_str_in_output: bool | None = None,
        guided_json: Mapping[str, Any] | None = None,
        guided_regex: str | None = None,
        guided_choice: Sequence[str] | None = None,
        guided_grammar: str | None = None,
        skip_special_tokens: bool | None = None,
    ) -> None: ...

class CompletionStreamV1Request(CompletionSyncV1Request): ...

class ChatCompletionV2Request(Record):
    model: str
    messages: Sequence[Any]
    def __init__(
        self,
        *,
        model: str,
        messages: Sequence[Any],
        **fields: Any,
    ) -> None: ...

class CompletionV2Request(Record):
    model: str
    prompt: Any
    def __init__(
        self,
        *,
        model: str,
        prompt: Any,
        **fields: Any,
    ) -> None: ...

class FilteredChatCompletionV2Request(ChatCompletionV2Request):
    messages: Sequence[Any]
    model: str | None  # type: ignore[assignment]
    def __init__(
        self,
        *,
        messages: Sequence[Any],
        model: str | None = None,
        **fields: Any,
    ) -> None: ...

class FilteredCompletionV2Request(CompletionV2Request):
    prompt: Any
    model: str | None  # type: ignore[assignment]
    def __init__(
        self,
        *,
        prompt: Any,
        model: str | None = None,
        **fields: Any,
    ) -> None: ...

ChatCompletionV2Response = ModelResponse

class ToolConfig(Checked):
    name: str
    max_iterations: int
    execution_timeout_seconds: int
    should_retry_on_error: bool
    def __init__(
        self,
        *,
        name: str,
        max_iterations: int = 10,
        execution_timeout_seconds: int = 60,
        should_retry_on_error: bool = True,
    ) -> None: ...

class BatchCompletionsModelConfig(Record):
    model: str
    checkpoint_path: str | None
    num_shards: int | None
    max_context_length: int | None
    seed: int | None
    response_role: str | None
    def __init__(
        self,
        *,
        model: str,
        checkpoint_path: str | None = None,
        num_shards: int | None = None,
        max_context_length: int | None = None,
        seed: int | None = None,
        response_role: str | None = None,
        **fields: Any,
    ) -> None: ...

class CreateBatchCompletionsV1ModelConfig(BatchCompletionsModelConfig):
    model: str
    checkpoint_path: str | None
    num_shards: int | None
    max_context_length: int | None
    seed: int | None
    response_role: str | None
    labels: Mapping[str, str] | None
    def __init__(
        self,
        *,
        model: str,
        checkpoint_path: str | None = None,
        num_shards: int | None = None,
        max_context_length: int | None = None,
        seed: int | None = None,
        response_role: str | None = None,
        labels: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> None: ...

class CreateBatchCompletionsV1RequestContent(Checked):
    prompts: Sequence[str]
    max_new_tokens: int
    temperature: float
    stop_sequences: Sequence[str] | None
    return_token_log_probs: bool | None
    presence_penalty: float | None
    frequency_penalty: float | None
    top_k: int | None
    top_p: float | None
    include_stop_str_in_output: bool | None
    guided_json: Mapping[str, Any] | None
    guided_regex: str | None
    guided_choice: Sequence[str] | None
    guided_grammar: str | None
    skip_special_tokens: bool | None
    def __init__(
        self,
        *,
        prompts: Sequence[str],
        max_new_tokens: int,
        temperature: float,
        stop_sequences: Sequence[str] | None = None,
        return_token_log_probs: bool | None = None,
        presence_penalty: float | None = None,
        frequency_penalty: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        include_stop_str_in_output: bool | None = None,
        guided_json: Mapping[str, Any] | None = None,
        guided_regex: str | None = None,
        guided_choice: Sequence[str] | None = None,
        guided_grammar: str | None = None,
        skip_special_tokens: bool | None = None,
    ) -> None: ...

class CreateBatchCompletionsV1Request(Checked):
    output_data_path: str
    model_config: BatchCompletionsModelConfig | dict[str, Any]
    content: Any
    input_data_path: str | None
    labels: Mapping[str, str] | None
    data_parallelism: int | None
    max_runtime_sec: int | None
    priority: str | None
    tool_config: ToolConfig | None
    cpus: str | float | None
    gpus: int | None
    memory: str | float | None
    gpu_type: GpuType | str | None
    storage: str | float | None
    nodes_per_worker: int | None
    def __init__(
        self,
        *,
        output_data_path: str,
        model_config: BatchCompletionsModelConfig | dict[str, Any],
        content: Any = None,
        input_data_path: str | None = None,
        labels: Mapping[str, str] | None = None,
        data_parallelism: int | None = None,
        max_runtime_sec: int | None = None,
        priority: str | None = None,
        tool_config: ToolConfig | None = None,
        cpus: str | float | None = None,
        gpus: int | None = None,
        memory: str | float | None = None,
        gpu_type: GpuType | str | None = None,
        storage: str | float | None = None,
        nodes_per_worker: int | None = None,
    ) -> None: ...

class CreateBatchCompletionsV2Request(CreateBatchCompletionsV1Request): ...

class CreateBatchCompletionsV1Response(Record):
    job_id: str
    def __init__(
        self,
        *,
        job_id: str,
        **fields: Any,
    ) -> None: ...

class BatchCompletionsJob(Record):
    job_id: str
    output_data_path: str
    model_config: BatchCompletionsModelConfig
    status: BatchCompletionsJobStatus
    created_at: str
    expires_at: str
    input_data_path: str | None
    priority: str | None
    completed_at: str | None
    metadata: dict[str, str] | None
    def __init__(
        self,
        *,
        job_id: str,
        output_data_path: str,
        model_config: BatchCompletionsModelConfig,
        status: BatchCompletionsJobStatus,
        created_at: str,
        expires_at: str,
        input_data_path: str | None = None,
        priority: str | None = None,
        completed_at: str | None = None,
        metadata: dict[str, str] | None = None,
        **fields: Any,
    ) -> None: ...

CompletionSyncRequest = CompletionSyncV1Request
CompletionSyncResponse = CompletionSyncV1Response
CompletionStreamRequest = CompletionStreamV1Request
CompletionStreamResponse = CompletionStreamV1Response
CompletionV1Output = CompletionOutput
CreateBatchCompletionsModelConfig = CreateBatchCompletionsV1ModelConfig
CreateBatchCompletionsRequest = CreateBatchCompletionsV1Request
CreateBatchCompletionsRequestContent = CreateBatchCompletionsV1RequestContent
CreateBatchCompletionsResponse = CreateBatchCompletionsV1Response
CreateBatchCompletionsV2ModelConfig = BatchCompletionsModelConfig
CreateBatchCompletionsV2RequestContent = (
    list[FilteredCompletionV2Request] | list[FilteredChatCompletionV2Request]
)
CreateBatchCompletionsV2Response = BatchCompletionsJob

class VLLMEndpointAdditionalArgs(Record):
    def __init__(self, **fields: Any) -> None: ...

class GetLLMEndpointResponse(Record):
    name: str
    source: LLMSource
    status: ModelEndpointStatus
    inference_framework: LLMInferenceFramework
    id: str | None
    model_name: str | None
    inference_framework_tag: str | None
    num_shards: int | None
    quantize: Quantization | None
    spec: Any
    chat_template_override: str | None
    def __init__(
        self,
        *,
        name: str,
        source: LLMSource,
        status: ModelEndpointStatus,
        inference_framework: LLMInferenceFramework,
        id: str | None = None,
        model_name: str | None = None,
        inference_framework_tag: str | None = None,
        num_shards: int | None = None,
        quantize: Quantization | None = None,
        spec: Any = None,
        chat_template_override: str | None = None,
        **fields: Any,
    ) -> None: ...

class ListLLMEndpointsResponse(Record):
    model_endpoints: list[GetLLMEndpointResponse]
    def __init__(
        self,
        *,
        model_endpoints: list[GetLLMEndpointResponse],
        **fields: Any,
    ) -> None: ...

class CreateLLMEndpointResponse(Record):
    endpoint_creation_task_id: str
    def __init__(
        self,
        *,
        endpoint_creation_task_id: str,
        **fields: Any,
    ) -> None: ...

class UpdateLLMEndpointResponse(CreateLLMEndpointResponse): ...

class DeleteLLMEndpointResponse(Record):
    deleted: bool
    def __init__(
        self,
        *,
        deleted: bool,
        **fields: Any,
    ) -> None: ...

class ModelDownloadRequest(Checked):
    model_name: str
    download_format: str
    def __init__(
        self,
        *,
        model_name: str,
        download_format: str = "hugging_face",
    ) -> None: ...

class ModelDownloadResponse(Record):
    urls: dict[str, str]
    def __init__(
        self,
        *,
        urls: dict[str, str],
        **fields: Any,
    ) -> None: ...

class UploadFileResponse(Record):
    id: str
    def __init__(
        self,
        *,
        id: str,
        **fields: Any,
    ) -> None: ...

class GetFileResponse(Record):
    id: str
    filename: str
    size: int
    def __init__(
        self,
        *,
        id: str,
        filename: str,
        size: int,
        **fields: Any,
    ) -> None: ...

class ListFilesResponse(Record):
    files: list[GetFileResponse]
    def __init__(
        self,
        *,
        files: list[GetFileResponse],
        **fields: Any,
    ) -> None: ...

class DeleteFileResponse(Record):
    deleted: bool
    def __init__(
        self,
        *,
        deleted: bool,
        **fields: Any,
    ) -> None: ...

class GetFileContentResponse(Record):
    id: str
    content: str
    def __init__(
        self,
        *,
        id: str,
        content: str,
        **fields: Any,
    ) -> None: ...

class CreateFineTuneRequest(Checked):
    model: str
    training_file: str
    validation_file: str | None
    hyperparameters: Mapping[str, Any] | None
    wandb_config: Mapping[str, Any] | None
    suffix: str | None
    def __init__(
        self,
        *,
        model: str,
        training_file: str,
        validation_file: str | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
        wandb_config: Mapping[str, Any] | None = None,
        suffix: str | None = None,
    ) -> None: ...

class CreateFineTuneResponse(Record):
    id: str
    def __init__(
        self,
        *,
        id: str,
        **fields: Any,
    ) -> None: ...

class GetFineTuneResponse(Record):
    id: str
    status: BatchJobStatus
    fine_tuned_model: str | None
    def __init__(
        self,
        *,
        id: str,
        status: BatchJobStatus,
        fine_tuned_model: str | None = None,
        **fields: Any,
    ) -> None: ...

class ListFineTunesResponse(Record):
    jobs: list[GetFineTuneResponse]
    def __init__(
        self,
        *,
        jobs: list[GetFineTuneResponse],
        **fields: Any,
    ) -> None: ...

class CancelFineTuneResponse(Record):
    success: bool
    def __init__(
        self,
        *,
        success: bool,
        **fields: Any,
    ) -> None: ...

class LLMFineTuneEvent(Record):
    message: str
    level: str
    timestamp: float | None
    def __init__(
        self,
        *,
        message: str,
        level: str,
        timestamp: float | None = None,
        **fields: Any,
    ) -> None: ...

class GetFineTuneEventsResponse(Record):
    events: list[LLMFineTuneEvent]
    def __init__(
        self,
        *,
        events: list[LLMFineTuneEvent],
        **fields: Any,
    ) -> None: ...
