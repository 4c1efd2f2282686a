from typing import Any

from antiphon import (
    AntiphonError,
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    AuthenticationError,
    BadGatewayError,
    BadRequestError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    InternalServerError,
    InvalidRequestError,
    JSONSchemaValidationError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    ServiceUnavailableError,
    StreamInterruptedError,
    Timeout,
    UnknownProviderError,
    UnprocessableEntityError,
    UnsupportedParamsError,
)

OpenAIError = AntiphonError
MidStreamFallbackError = StreamInterruptedError
LiteLLMUnknownProvider = UnknownProviderError

class BudgetExceededError(AntiphonError):
    current_cost: float
    max_budget: float
    def __init__(
        self,
        current_cost: float = 0.0,
        max_budget: float = 0.0,
        message: str | None = None,
        llm_provider: str | None = None,
        **others: Any,
    ) -> None: ...

class ModelNotMappedError(NotFoundError): ...
class MockException(APIError): ...
class RejectedRequestError(BadRequestError): ...
class ImageFetchError(BadRequestError): ...
class UnsupportedEndpointError(BadRequestError): ...
class BlockedPiiEntityError(BadRequestError): ...
class GuardrailRaisedException(BadRequestError): ...

LITELLM_EXCEPTION_TYPES: list[type[AntiphonError]]

__all__ = [
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
