"""LLM Engine's types, under the names of its client.

What a server adds to them is kept, as is a word that an enumeration does not know.
"""

from enum import Enum
from json import dumps

from .._exceptions import InvalidRequestError
from .._types import ModelResponse, Object


class Printed(Object):
    """An object whose ``json()`` is a text, as LLM Engine's client has it."""

    def json(self, **options):
        """The fields as JSON text."""
        return dumps(self.model_dump(), ensure_ascii=False, **options)

    @classmethod
    def parse_obj(cls, fields):
        """The object of these fields, a dict."""
        return cls(**fields)

    __str__ = Object.__repr__


class Record(Printed):
    """An object that is made by the names of its fields. Those that may be left out are ``None`` then."""

    #: Fields that must be given.
    _needed = ()
    #: Fields that are more than plain values, and what makes them such.
    _made = ()

    def __init__(self, **fields):
        name = type(self).__name__
        for needed in self._needed:
            if needed not in fields:
                raise InvalidRequestError(f"{needed}: is required by {name}", param=needed)
        for field, make in self._made:
            if fields.get(field) is not None:
                fields[field] = make(fields[field])
        super().__init__(**fields)


class Checked(Record):
    """One that refuses fields of which it knows nothing."""

    def __init__(self, **fields):
        for field in fields:
            if field not in self._needed and not hasattr(type(self), field):
                message = f"{field}: is no field of {type(self).__name__}"
                raise InvalidRequestError(message, param=field)
        super().__init__(**fields)


def _one_of(words):
    """Makes a member of an enumeration; a word that it does not know stays a word."""

    def make(word):
        try:
            return words(word)
        except ValueError:
            return word

    return make


def _record(kind):
    return lambda value: kind(**value) if isinstance(value, dict) else value


def _records(kind):
    make = _record(kind)
    return lambda values: [make(value) for value in values]


# Words.


class TaskStatus(str, Enum):
    """How a completion ended."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"


class LLMSource(str, Enum):
    """Where models come from."""

    HUGGING_FACE = "hugging_face"


class LLMInferenceFramework(str, Enum):
    """What runs a model."""

    DEEPSPEED = "deepspeed"
    TEXT_GENERATION_INFERENCE = "text_generation_inference"
    VLLM = "vllm"
    LIGHTLLM = "lightllm"
    TENSORRT_LLM = "tensorrt_llm"


class Quantization(str, Enum):
    """How weights are made smaller."""

    BITSANDBYTES = "bitsandbytes"
    AWQ = "awq"


class GpuType(str, Enum):
    """Kinds of GPU that LLM Engine knows."""

    NVIDIA_TESLA_T4 = "nvidia-tesla-t4"
    NVIDIA_AMPERE_A10 = "nvidia-ampere-a10"
    NVIDIA_AMPERE_A100 = "nvidia-ampere-a100"
    NVIDIA_AMPERE_A100E = "nvidia-ampere-a100e"
    NVIDIA_HOPPER_H100 = "nvidia-hopper-h100"
    NVIDIA_HOPPER_H100_1G_20GB = "nvidia-hopper-h100-1g20gb"
    NVIDIA_HOPPER_H100_3G_40GB = "nvidia-hopper-h100-3g40gb"


class ModelEndpointType(str, Enum):
    """How a model's endpoint answers."""

    STREAMING = "streaming"


class ModelEndpointStatus(str, Enum):
    """Whether a model can be asked."""

    READY = "READY"
    UPDATE_PENDING = "UPDATE_PENDING"
    UPDATE_IN_PROGRESS = "UPDATE_IN_PROGRESS"
    UPDATE_FAILED = "UPDATE_FAILED"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"


class PostInferenceHooks(str, Enum):
    """What an endpoint does after each answer."""

    CALLBACK = "callback"


class BatchCompletionsJobStatus(str, Enum):
    """How far a batch is."""

    Queued = "queued"
    Running = "running"
    Completed = "completed"
    Failed = "failed"
    Cancelled = "cancelled"
    Unknown = "unknown"


class BatchJobStatus(str, Enum):
    """How far a fine-tune is."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    CANCELLED = "CANCELLED"
    UNDEFINED = "UNDEFINED"
    TIMEOUT = "TIMEOUT"


# Completions.


class TokenOutput(Printed):
    """A token and the natural logarithm of its probability."""

    def __init__(self, token="", log_prob=0.0):
        super().__init__(token=token, log_prob=log_prob)


class CompletionOutput(Printed):
    """One completion. ``tokens`` is there where ``return_token_log_probs`` asked for it."""

    tokens = None

    def __init__(self, text="", num_prompt_tokens=None, num_completion_tokens=0, tokens=None):
        super().__init__(
            text=text, num_prompt_tokens=num_prompt_tokens, num_completion_tokens=num_completion_tokens
        )
        if tokens is not None:
            self.tokens = tokens


class CompletionStreamOutput(Printed):
    """A piece of a completion; ``num_completion_tokens`` counts all so far."""

    token = None

    def __init__(
        self, text="", finished=False, num_prompt_tokens=None, num_completion_tokens=None, token=None
    ):
        super().__init__(
            text=text,
            finished=finished,
            num_prompt_tokens=num_prompt_tokens,
            num_completion_tokens=num_completion_tokens,
        )
        if token is not None:
            self.token = token


class StreamErrorContent(Record):
    """What went wrong, and when."""

    _needed = ("error", "timestamp")


class StreamError(Record):
    """Why a stream broke off; ``content`` is a ``StreamErrorContent``."""

    _needed = ("status_code", "content")
    _made = (("content", _record(StreamErrorContent)),)


class _Response(Printed):
    """The id of the request is no field: what is printed is what the documentation of LLM Engine prints."""

    __slots__ = ("_request_id",)

    status = TaskStatus.SUCCESS

    @property
    def request_id(self):
        """The id of the answer; ``None`` where it was made by hand."""
        return getattr(self, "_request_id", None)


class CompletionSyncV1Response(_Response):
    """A whole answer: ``outputs`` is a list of one, and ``output`` that one."""

    __slots__ = ()

    def __init__(self, outputs=(), traceback=None):
        super().__init__(outputs=list(outputs), traceback=traceback)

    @property
    def output(self):
        """The completion."""
        return self.outputs[0] if self.outputs else None


class CompletionStreamV1Response(_Response):
    """One event of a stream. One without ``output`` is the last, and its ``error`` is why it broke off."""

    __slots__ = ()

    error = None

    def __init__(self, output=None, traceback=None, error=None):
        super().__init__(output=output, traceback=traceback)
        if error is not None:
            self.error = error

    @property
    def status(self):
        """``FAILURE`` where the stream broke off."""
        return TaskStatus.SUCCESS if self.error is None else TaskStatus.FAILURE


class CompletionSyncV1Request(Checked):
    """What ``Completion.create`` sends of a prompt."""

    _needed = ("prompt", "max_new_tokens", "temperature")
    stop_sequences = return_token_log_probs = presence_penalty = frequency_penalty = top_k = top_p = None
    include_stop_str_in_output = guided_json = guided_regex = guided_choice = guided_grammar = None
    skip_special_tokens = None


class CompletionStreamV1Request(CompletionSyncV1Request):
    """The same, for a stream."""


# OpenAI's requests, as rows of a batch: whatever a model takes may be in them.


class ChatCompletionV2Request(Record):
    """A conversation: ``model``, ``messages``, and any parameter of ``completion``."""

    _needed = ("model", "messages")


class CompletionV2Request(Record):
    """A raw prompt: ``model``, ``prompt``, and any parameter of ``text_completion``."""

    _needed = ("model", "prompt")


class FilteredChatCompletionV2Request(ChatCompletionV2Request):
    """A conversation as a row of a batch, which names the model itself."""

    _needed = ("messages",)
    model = None


class FilteredCompletionV2Request(CompletionV2Request):
    """A raw prompt as a row of a batch, which names the model itself."""

    _needed = ("prompt",)
    model = None


ChatCompletionV2Response = ModelResponse


# Batches.


class ToolConfig(Checked):
    """A tool that a batch is to run. antiphon runs none, and refuses it."""

    _needed = ("name",)
    max_iterations = 10
    execution_timeout_seconds = 60
    should_retry_on_error = True


class BatchCompletionsModelConfig(Record):
    """The model of a batch, and how LLM Engine is to run it: ``num_shards``, vLLM's arguments, …"""

    _needed = ("model",)
    checkpoint_path = num_shards = max_context_length = seed = response_role = None


class CreateBatchCompletionsV1ModelConfig(BatchCompletionsModelConfig):
    """The same, with ``labels``: texts by name."""

    labels = None


class CreateBatchCompletionsV1RequestContent(Checked):
    """Prompts, and what all of them share."""

    _needed = ("prompts", "max_new_tokens", "temperature")
    stop_sequences = return_token_log_probs = presence_penalty = frequency_penalty = top_k = top_p = None
    include_stop_str_in_output = guided_json = guided_regex = guided_choice = guided_grammar = None
    skip_special_tokens = None


class CreateBatchCompletionsV1Request(Checked):
    """What ``Completion.batch_create`` sends."""

    _needed = ("output_data_path", "model_config")
    _made = (
        ("content", _record(CreateBatchCompletionsV1RequestContent)),
        ("model_config", _record(CreateBatchCompletionsV1ModelConfig)),
    )
    content = input_data_path = labels = data_parallelism = max_runtime_sec = priority = tool_config = None
    cpus = gpus = memory = gpu_type = storage = nodes_per_worker = None


class CreateBatchCompletionsV2Request(CreateBatchCompletionsV1Request):
    """The same, whose ``content`` may be a list of OpenAI's requests."""

    _made = (("model_config", _record(BatchCompletionsModelConfig)),)


class CreateBatchCompletionsV1Response(Record):
    """A batch that was taken: its ``job_id``."""

    _needed = ("job_id",)


class BatchCompletionsJob(Record):
    """A batch: ``status`` says how far it is, ``metadata`` has ``rows``, ``rows_done``, ``rows_failed``.

    The counts are texts, times those of RFC 3339.
    """

    _needed = ("job_id", "output_data_path", "model_config", "status", "created_at", "expires_at")
    _made = (
        ("status", _one_of(BatchCompletionsJobStatus)),
        ("model_config", _record(BatchCompletionsModelConfig)),
    )
    input_data_path = priority = completed_at = metadata = None


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


# Models.


class VLLMEndpointAdditionalArgs(Record):
    """Arguments of vLLM, by its names."""


class GetLLMEndpointResponse(Record):
    """A model: the ``name`` it is asked by, what that stands for (``model_name``), whether it is ready."""

    _needed = ("name", "source", "status", "inference_framework")
    _made = (
        ("source", _one_of(LLMSource)),
        ("status", _one_of(ModelEndpointStatus)),
        ("inference_framework", _one_of(LLMInferenceFramework)),
        ("quantize", _one_of(Quantization)),
    )
    id = model_name = inference_framework_tag = num_shards = quantize = spec = None
    chat_template_override = None


class ListLLMEndpointsResponse(Record):
    """Every model."""

    _needed = ("model_endpoints",)
    _made = (("model_endpoints", _records(GetLLMEndpointResponse)),)


class CreateLLMEndpointResponse(Record):
    """A name that is being made."""

    _needed = ("endpoint_creation_task_id",)


class UpdateLLMEndpointResponse(CreateLLMEndpointResponse):
    """A name that is being changed."""


class DeleteLLMEndpointResponse(Record):
    """Whether a name is gone."""

    _needed = ("deleted",)


class ModelDownloadRequest(Checked):
    """Which model's files are asked for."""

    _needed = ("model_name",)
    download_format = "hugging_face"


class ModelDownloadResponse(Record):
    """Where they are: addresses by names of files."""

    _needed = ("urls",)


# Files.


class UploadFileResponse(Record):
    """A file that was taken."""

    _needed = ("id",)


class GetFileResponse(Record):
    """A file, with its size in bytes."""

    _needed = ("id", "filename", "size")


class ListFilesResponse(Record):
    """Every file."""

    _needed = ("files",)
    _made = (("files", _records(GetFileResponse)),)


class DeleteFileResponse(Record):
    """Whether a file is gone."""

    _needed = ("deleted",)


class GetFileContentResponse(Record):
    """What stands in a file, as text."""

    _needed = ("id", "content")


# Fine-tunes.


class CreateFineTuneRequest(Checked):
    """What ``FineTune.create`` sends."""

    _needed = ("model", "training_file")
    validation_file = hyperparameters = wandb_config = suffix = None


class CreateFineTuneResponse(Record):
    """A job that was taken."""

    _needed = ("id",)


class GetFineTuneResponse(Record):
    """How far a job is; ``fine_tuned_model`` is the name of what came of it."""

    _needed = ("id", "status")
    _made = (("status", _one_of(BatchJobStatus)),)
    fine_tuned_model = None


class ListFineTunesResponse(Record):
    """Every job."""

    _needed = ("jobs",)
    _made = (("jobs", _records(GetFineTuneResponse)),)


class CancelFineTuneResponse(Record):
    """Whether a job was ended."""

    _needed = ("success",)


class LLMFineTuneEvent(Record):
    """Something that a job has told."""

    _needed = ("message", "level")
    timestamp = None


class GetFineTuneEventsResponse(Record):
    """All that a job has told."""

    _needed = ("events",)
    _made = (("events", _records(LLMFineTuneEvent)),)
