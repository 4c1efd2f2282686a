"""Prompt in, completion out: any model, hosted or local, called the same way.

>>> from antiphon import completion
>>> response = completion("What is the capital of France?", model="local/chorister")
>>> print(response.choices[0].message.content)
The capital of France is Paris.

Importing this module imports nothing that the interpreter has not loaded already, reads no file and starts no
thread; what a call needs is made on the first call.
"""

from ._antiphon import (
    CompletionStream,
    __version__,
    completion,
    embedding,
    rerank,
    set_default_cache_path,
    text_completion,
)
from ._antiphon import begin as _begin
from ._exceptions import (
    AntiphonError,
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadGatewayError,
    BadRequestError,
    CancelledError,
    ConfigError,
    ConflictError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    InternalError,
    InternalServerError,
    InvalidRequestError,
    JSONSchemaValidationError,
    LocalModelError,
    NotFoundError,
    PayloadTooLargeError,
    PaymentRequiredError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServiceUnavailableError,
    StreamInterruptedError,
    Timeout,
    UnknownProviderError,
    UnprocessableEntityError,
    UnsupportedParamsError,
)
from ._types import (
    Annotation,
    AnnotationURLCitation,
    Attempt,
    ChatCompletionAudio,
    ChatCompletionDeltaToolCall,
    ChatCompletionMessageToolCall,
    ChatCompletionTokenLogprob,
    ChoiceLogprobs,
    Choices,
    CompletionTokensDetailsWrapper,
    Custom,
    Delta,
    Function,
    FunctionCall,
    Message,
    ModelResponse,
    ModelResponseStream,
    PromptTokensDetailsWrapper,
    StreamingChoices,
    TopLogprob,
    Usage,
)

# Each of these is called with a report of every finished call, a dict, from a thread of its own. While the
# list is empty there is no such thread, and no report is made.
callbacks = []


async def async_completion(*args, **kwargs):
    """Asks a model and returns its answer, as ``completion`` does, without blocking the event loop.

    Returns a ``ModelResponse``, or an ``AsyncCompletionStream`` of chunks where ``stream=True``. Cancelling
    the task ends the call at once.
    """
    if callbacks:
        from ._aio import reported

        return await reported(args, kwargs)
    answer = _begin(args, kwargs)
    if type(answer) is ModelResponse:
        return answer
    from ._aio import finish

    return await finish(answer)


# `inspect.signature` follows this, so that both functions show the same parameters.
async_completion.__wrapped__ = completion

acompletion = async_completion


# What is imported when it is first asked for, and where it is.
_LATER = {
    "AsyncCompletionStream": "_aio",
    "CallLog": "_tracking",
    "Completion": "llmengine.completion",
    "Context": "_context",
    "Embedding": "_endpoint_types",
    "EmbeddingResponse": "_endpoint_types",
    "Logprobs": "_endpoint_types",
    "RerankResponse": "_endpoint_types",
    "RerankResult": "_endpoint_types",
    "TextChoices": "_endpoint_types",
    "TextCompletionResponse": "_endpoint_types",
    "aembedding": "_endpoints",
    "arerank": "_endpoints",
    "as_dict": "_batch",
    "async_embedding": "_endpoints",
    "async_rerank": "_endpoints",
    "async_single": "_single",
    "async_text_completion": "_endpoints",
    "atext_completion": "_endpoints",
    "available_models": "_models",
    "batch_executor": "_batch",
    "completion_cost": "_models",
    "cost_per_token": "_models",
    "create_pretrained_tokenizer": "_tokens",
    "create_tokenizer": "_tokens",
    "decode": "_tokens",
    "encode": "_tokens",
    "get_model_info": "_models",
    "model_cost": "_models",
    "register_model": "_models",
    "search_models": "_models",
    "single": "_single",
    "token_counter": "_tokens",
    "get_call_logs": "_tracking",
    "get_total_costs": "_tracking",
    "get_total_input_tokens": "_tracking",
    "get_total_output_tokens": "_tracking",
    "get_total_tokens": "_tracking",
    "get_tracked_logs": "_tracking",
    "print_tracking_stats": "_tracking",
    "set_call_log_save_path": "_tracking",
    "set_default_request_rate_limit": "_antiphon",
    "set_request_rate_limit": "_antiphon",
    "start_tracking": "_tracking",
    "stop_tracking": "_tracking",
}
_MODULES = ("asynchronous", "litellm", "llm", "llmengine", "zoo")


def __getattr__(name):
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name in _LATER:
        value = globals()[name] = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})


__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "Annotation",
    "AnnotationURLCitation",
    "AntiphonError",
    "AsyncCompletionStream",
    "Attempt",
    "AuthenticationError",
    "BadGatewayError",
    "BadRequestError",
    "CallLog",
    "CancelledError",
    "ChatCompletionAudio",
    "ChatCompletionDeltaToolCall",
    "ChatCompletionMessageToolCall",
    "ChatCompletionTokenLogprob",
    "ChoiceLogprobs",
    "Choices",
    "Completion",
    "CompletionStream",
    "CompletionTokensDetailsWrapper",
    "ConfigError",
    "ConflictError",
    "ContentPolicyViolationError",
    "Context",
    "ContextWindowExceededError",
    "Custom",
    "Delta",
    "Embedding",
    "EmbeddingResponse",
    "Function",
    "FunctionCall",
    "InternalError",
    "InternalServerError",
    "InvalidRequestError",
    "JSONSchemaValidationError",
    "LocalModelError",
    "Logprobs",
    "Message",
    "ModelResponse",
    "ModelResponseStream",
    "NotFoundError",
    "PayloadTooLargeError",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "PromptTokensDetailsWrapper",
    "QuotaExceededError",
    "RateLimitError",
    "RerankResponse",
    "RerankResult",
    "ServiceUnavailableError",
    "StreamInterruptedError",
    "StreamingChoices",
    "TextChoices",
    "TextCompletionResponse",
    "Timeout",
    "TopLogprob",
    "UnknownProviderError",
    "UnprocessableEntityError",
    "UnsupportedParamsError",
    "Usage",
    "__version__",
    "acompletion",
    "aembedding",
    "arerank",
    "as_dict",
    "async_completion",
    "async_embedding",
    "async_rerank",
    "async_single",
    "async_text_completion",
    "asynchronous",
    "atext_completion",
    "available_models",
    "batch_executor",
    "callbacks",
    "completion",
    "completion_cost",
    "cost_per_token",
    "create_pretrained_tokenizer",
    "create_tokenizer",
    "decode",
    "embedding",
    "encode",
    "get_call_logs",
    "get_model_info",
    "get_total_costs",
    "get_total_input_tokens",
    "get_total_output_tokens",
    "get_total_tokens",
    "get_tracked_logs",
    "litellm",
    "llm",
    "llmengine",
    "model_cost",
    "print_tracking_stats",
    "register_model",
    "rerank",
    "search_models",
    "set_call_log_save_path",
    "set_default_cache_path",
    "set_default_request_rate_limit",
    "set_request_rate_limit",
    "single",
    "start_tracking",
    "stop_tracking",
    "text_completion",
    "token_counter",
    "zoo",
]
