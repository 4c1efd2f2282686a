"""LiteLLM's names of errors. Those that antiphon raises are antiphon's own classes; the others stand below
them, so that programs that name them run, and are raised by nobody here unless it is said.
"""

from antiphon._exceptions import (
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

#: The base of all, as ``openai.OpenAIError`` is in OpenAI's client.
OpenAIError = AntiphonError

#: A stream that ends before its end; ``partial_response`` has what had come.
MidStreamFallbackError = StreamInterruptedError

LiteLLMUnknownProvider = UnknownProviderError


class BudgetExceededError(AntiphonError):
    """The calls so far cost more than ``max_budget``."""

    status_code = 422

    def __init__(self, current_cost=0.0, max_budget=0.0, message=None, llm_provider=None, **others):
        self.current_cost = current_cost
        self.max_budget = max_budget
        if message is None:
            message = f"the budget is used up: {current_cost} of {max_budget} dollars"
        super().__init__(message, llm_provider, **others)

    def __reduce__(self):
        return type(self), (self.current_cost, self.max_budget, self.message), self.__dict__


class ModelNotMappedError(NotFoundError):
    """The catalogue does not have the model, or not its price. Raised by ``completion_cost``,
    ``cost_per_token``, ``get_model_info`` and ``get_max_tokens``.
    """


class MockException(APIError):
    """For errors made by hand."""


class RejectedRequestError(BadRequestError):
    """For rules of one's own."""


class ImageFetchError(BadRequestError):
    """An image could not be read."""


class UnsupportedEndpointError(BadRequestError):
    """An endpoint that there is not."""


class BlockedPiiEntityError(BadRequestError):
    """For guards of one's own."""


class GuardrailRaisedException(BadRequestError):
    """For guards of one's own."""


#: Every class, as LiteLLM lists them.
LITELLM_EXCEPTION_TYPES = [
    AuthenticationError,
    NotFoundError,
    BadRequestError,
    UnprocessableEntityError,
    UnsupportedParamsError,
    UnsupportedEndpointError,
    Timeout,
    PermissionDeniedError,
    RateLimitError,
    ContextWindowExceededError,
    PaymentRequiredError,
    RejectedRequestError,
    ContentPolicyViolationError,
    InternalServerError,
    ServiceUnavailableError,
    BadGatewayError,
    APIError,
    APIConnectionError,
    APIResponseValidationError,
    OpenAIError,
    JSONSchemaValidationError,
]

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

# They are told to the world, and pickled, by the name that they are imported by.
for _class in list(globals().values()):
    if isinstance(_class, type) and _class.__module__ == __name__:
        _class.__module__ = "antiphon.litellm"
del _class
