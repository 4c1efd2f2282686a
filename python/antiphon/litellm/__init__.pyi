from collections.abc import Callable
from typing import Any

from antiphon import (
    ChatCompletionDeltaToolCall,
    ChatCompletionMessageToolCall,
    Choices,
    CompletionTokensDetailsWrapper,
    Delta,
    Embedding,
    EmbeddingResponse,
    Function,
    FunctionCall,
    Message,
    ModelResponse,
    ModelResponseStream,
    PromptTokensDetailsWrapper,
    RerankResponse,
    StreamingChoices,
    TextChoices,
    TextCompletionResponse,
    Usage,
    __version__,
    create_pretrained_tokenizer,
    create_tokenizer,
    encode,
    token_counter,
)

from . import caching as caching
from . import cost_calculator as cost_calculator
from . import exceptions as exceptions
from . import integrations as integrations
from . import main as main
from . import types as types
from . import utils as utils
from ._batches import batch_completion, batch_completion_models, batch_completion_models_all_responses
from ._cache import Cache, disable_cache, enable_cache, update_cache
from ._chunks import stream_chunk_builder
from ._exceptions import *
from ._functions import (
    acompletion,
    acompletion_with_retries,
    aembedding,
    arerank,
    atext_completion,
    completion,
    completion_with_retries,
    embedding,
    mock_completion,
    rerank,
    text_completion,
)
from ._logger import CustomLogger
from ._messages import function_to_dict, get_response_string, trim_messages
from ._models import (
    check_valid_key,
    completion_cost,
    cost_per_token,
    get_llm_provider,
    get_max_tokens,
    get_model_info,
    get_supported_openai_params,
    get_valid_models,
    supports_assistant_prefill,
    supports_audio_input,
    supports_audio_output,
    supports_computer_use,
    supports_embedding_image_input,
    supports_function_calling,
    supports_native_streaming,
    supports_parallel_function_calling,
    supports_pdf_input,
    supports_prompt_caching,
    supports_reasoning,
    supports_response_schema,
    supports_system_messages,
    supports_tool_choice,
    supports_url_context,
    supports_video_input,
    supports_vision,
    supports_web_search,
    validate_environment,
)
from ._providers import LlmProviders
from ._streams import CustomStreamWrapper
from ._tokens import decode, register_model

_Callback = str | Callable[..., object] | CustomLogger

# Settings, read at each call.
drop_params: bool
num_retries: int | None
request_timeout: float | None
model_alias_map: dict[str, str]
model_fallbacks: list[Any] | None
headers: dict[str, str] | None
organization: str | None
project: str | None
api_base: str | None
cache: Cache | None
max_budget: float
_current_cost: float
api_key: str | None
openai_key: str | None
anthropic_key: str | None
cerebras_key: str | None
deepseek_key: str | None
fireworks_ai_key: str | None
groq_key: str | None
huggingface_key: str | None
mistral_key: str | None
nebius_key: str | None
openrouter_key: str | None
perplexity_key: str | None
togetherai_api_key: str | None
xai_key: str | None
callbacks: list[_Callback]
input_callback: list[_Callback]
success_callback: list[_Callback]
failure_callback: list[_Callback]
turn_off_message_logging: bool
ssl_verify: bool | str
client_session: Any
aclient_session: Any
pre_call_rules: list[Callable[..., object]]
post_call_rules: list[Callable[..., object]]

# Settings of no consequence here.
add_function_to_prompt: bool
allowed_fails: int
api_version: str | None
context_window_fallbacks: list[Any] | None
default_fallbacks: list[Any] | None
default_in_memory_ttl: float | None
disable_aiohttp_transport: bool
disable_streaming_logging: bool
enable_json_schema_validation: bool
fallbacks: list[Any] | None
force_ipv4: bool
include_cost_in_streaming_usage: bool
in_memory_llm_clients_cache: Any
log_raw_request_response: bool
max_tokens: int
modify_params: bool
return_response_headers: bool
retry: bool
set_verbose: bool
suppress_debug_info: bool
telemetry: bool
use_aiohttp_transport: bool
use_client: bool

model_cost: dict[str, dict[str, Any]]
model_list: list[str]
models_by_provider: dict[str, list[str]]
provider_list: list[Any]

def _turn_on_debug() -> None: ...

__all__ = [
    "ChatCompletionDeltaToolCall",
    "ChatCompletionMessageToolCall",
    "Choices",
    "CompletionTokensDetailsWrapper",
    "CustomStreamWrapper",
    "Delta",
    "Function",
    "FunctionCall",
    "Message",
    "ModelResponse",
    "ModelResponseStream",
    "PromptTokensDetailsWrapper",
    "StreamingChoices",
    "Usage",
    "__version__",
    "acompletion",
    "acompletion_with_retries",
    "aembedding",
    "arerank",
    "atext_completion",
    "completion",
    "completion_with_retries",
    "embedding",
    "mock_completion",
    "rerank",
    "model_cost",
    "model_list",
    "models_by_provider",
    "provider_list",
    "text_completion",
    "batch_completion",
    "batch_completion_models",
    "batch_completion_models_all_responses",
    "Cache",
    "disable_cache",
    "enable_cache",
    "update_cache",
    "stream_chunk_builder",
    "function_to_dict",
    "get_response_string",
    "trim_messages",
    "check_valid_key",
    "completion_cost",
    "cost_per_token",
    "get_llm_provider",
    "get_max_tokens",
    "get_model_info",
    "get_supported_openai_params",
    "get_valid_models",
    "supports_assistant_prefill",
    "supports_audio_input",
    "supports_audio_output",
    "supports_computer_use",
    "supports_embedding_image_input",
    "supports_function_calling",
    "supports_native_streaming",
    "supports_parallel_function_calling",
    "supports_pdf_input",
    "supports_prompt_caching",
    "supports_reasoning",
    "supports_response_schema",
    "supports_system_messages",
    "supports_tool_choice",
    "supports_url_context",
    "supports_video_input",
    "supports_vision",
    "supports_web_search",
    "validate_environment",
    "decode",
    "register_model",
    "CustomLogger",
    "LlmProviders",
    "create_pretrained_tokenizer",
    "create_tokenizer",
    "encode",
    "token_counter",
    "Embedding",
    "EmbeddingResponse",
    "RerankResponse",
    "TextChoices",
    "TextCompletionResponse",
    "caching",
    "cost_calculator",
    "exceptions",
    "integrations",
    "main",
    "types",
    "utils",
    "LITELLM_EXCEPTION_TYPES",
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "AuthenticationError",
    "BadGatewayError",
    "BadRequestError",
    "BlockedPiiEntityError",
    "BudgetExceededError",
    "ContentPolicyViolationError",
    "ContextWindowExceededError",
    "GuardrailRaisedException",
    "ImageFetchError",
    "InternalServerError",
    "InvalidRequestError",
    "JSONSchemaValidationError",
    "LiteLLMUnknownProvider",
    "MidStreamFallbackError",
    "MockException",
    "ModelNotMappedError",
    "NotFoundError",
    "OpenAIError",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "RateLimitError",
    "RejectedRequestError",
    "ServiceUnavailableError",
    "Timeout",
    "UnprocessableEntityError",
    "UnsupportedEndpointError",
    "UnsupportedParamsError",
]
