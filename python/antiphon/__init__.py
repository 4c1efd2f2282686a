"""Prompt in, completion out: any model, hosted or local, called the same way.

>>> from antiphon import completion
>>> response = completion("What is the capital of France?", model="local/chorister")
>>> print(response.choices[0].message.content)
The capital of France is Paris.

Importing this module imports nothing that the interpreter has not loaded already, reads no file and starts no
thread; what a call needs is made on the first call.
"""

from ._antiphon import CompletionStream, __version__, completion, set_default_cache_path
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
    "Context": "_context",
    "as_dict": "_batch",
    "async_single": "_single",
    "batch_executor": "_batch",
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
    "single": "_single",
    "start_tracking": "_tracking",
    "stop_tracking": "_tracking",
}
_MODULES = ("asynchronous", "llm")


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
    "CompletionStream",
    "CompletionTokensDetailsWrapper",
    "ConfigError",
    "ConflictError",
    "ContentPolicyViolationError",
    "Context",
    "ContextWindowExceededError",
    "Custom",
    "Delta",
    "Function",
    "FunctionCall",
    "InternalError",
    "InternalServerError",
    "InvalidRequestError",
    "JSONSchemaValidationError",
    "LocalModelError",
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
    "ServiceUnavailableError",
    "StreamInterruptedError",
    "StreamingChoices",
    "Timeout",
    "TopLogprob",
    "UnknownProviderError",
    "UnprocessableEntityError",
    "UnsupportedParamsError",
    "Usage",
    "__version__",
    "acompletion",
    "as_dict",
    "async_completion",
    "async_single",
    "asynchronous",
    "batch_executor",
    "callbacks",
    "completion",
    "get_call_logs",
    "get_total_costs",
    "get_total_input_tokens",
    "get_total_output_tokens",
    "get_total_tokens",
    "get_tracked_logs",
    "llm",
    "print_tracking_stats",
    "set_call_log_save_path",
    "set_default_cache_path",
    "set_default_request_rate_limit",
    "set_request_rate_limit",
    "single",
    "start_tracking",
    "stop_tracking",
]
