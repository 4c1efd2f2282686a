"""Why a call failed: one class for each row of the core's table, named as OpenAI and LiteLLM name them.

They are plain exceptions: they pickle, deep-copy, and can be made by hand for a test.
"""


class AntiphonError(Exception):
    """Whatever goes wrong in antiphon.

    ``message`` says what, ``hint`` what to do about it, ``param`` which field is to blame. ``attempts`` lists
    every attempt that was made, ``partial_response`` holds what had come before it failed, ``raw`` the text
    as the model or the provider gave it, ``code`` the provider's own word for the failure. Other keywords,
    such as the ``response`` and ``body`` of OpenAI's and LiteLLM's classes, become attributes.
    """

    status_code = 500

    def __init__(
        self,
        message="",
        llm_provider=None,
        model=None,
        *,
        hint=None,
        param=None,
        status_code=None,
        request_id=None,
        retry_after=None,
        attempts=(),
        partial_response=None,
        code=None,
        raw=None,
        **others,
    ):
        super().__init__(message)
        # Of those that are also an OSError, `super().__init__` leaves this empty.
        self.args = (message,)
        self.message = message
        self.llm_provider = llm_provider
        self.model = model
        self.hint = hint
        self.param = param
        if status_code is not None:
            self.status_code = status_code
        self.request_id = request_id
        self.retry_after = retry_after
        self.attempts = list(attempts)
        self.partial_response = partial_response
        self.code = code
        self.raw = raw
        self.__dict__.update(others)

    def __str__(self):
        if self.hint is None:
            return str(self.message)
        return f"{self.message}\nhint: {self.hint}"

    def __reduce__(self):
        return type(self), (self.message,), self.__dict__


class APIError(AntiphonError):
    """A call failed, on its way or at the provider."""


class APIStatusError(APIError):
    """The provider, or what stands for it, refused or failed the request: ``status_code`` says how."""


class BadRequestError(APIStatusError):
    """The provider refused the request as malformed."""

    status_code = 400


class InvalidRequestError(BadRequestError, ValueError):
    """The caller's input is wrong: ``param`` names the field. Found before anything was sent or run."""


class ContextWindowExceededError(BadRequestError):
    """The prompt does not fit the model's context."""


class ContentPolicyViolationError(BadRequestError):
    """The provider refused the content."""


class UnsupportedParamsError(BadRequestError):
    """A known parameter that this model or provider cannot take."""


class UnknownProviderError(BadRequestError):
    """There is no provider of that name."""


class AuthenticationError(APIStatusError):
    """There is no key, or one that the provider does not accept."""

    status_code = 401


class PaymentRequiredError(APIStatusError):
    """The account has to be paid first."""

    status_code = 402


class PermissionDeniedError(APIStatusError):
    """The key may not do this."""

    status_code = 403


class NotFoundError(APIStatusError):
    """There is no such model, file or endpoint."""

    status_code = 404


class Timeout(APIError, TimeoutError):
    """A deadline passed; the message names which one."""

    status_code = 408


APITimeoutError = Timeout


class ConflictError(APIStatusError):
    """The provider reports a conflict."""

    status_code = 409


class PayloadTooLargeError(APIStatusError):
    """The request is larger than the provider takes."""

    status_code = 413


class UnprocessableEntityError(APIStatusError):
    """The provider understood the request and cannot process it."""

    status_code = 422


class RateLimitError(APIStatusError):
    """Too many requests; waiting (``retry_after`` seconds, where the provider says so) heals it."""

    status_code = 429


class QuotaExceededError(RateLimitError):
    """A quota is used up; waiting does not heal it."""


class InternalServerError(APIStatusError):
    """The provider failed."""


class BadGatewayError(InternalServerError):
    """The provider is behind a gateway that failed."""

    status_code = 502


class ServiceUnavailableError(InternalServerError):
    """The provider is not available."""

    status_code = 503


class APIConnectionError(APIError, ConnectionError):
    """There is no connection, or one that broke before an answer."""


class APIResponseValidationError(APIError):
    """The answer was not what its dialect says."""

    status_code = 502


class JSONSchemaValidationError(APIResponseValidationError):
    """The answer does not fit the schema that was asked for; ``raw`` is the answer."""


class StreamInterruptedError(APIError):
    """A stream ended before its end; ``partial_response`` is what had come."""

    status_code = 502


class LocalModelError(APIError):
    """A local model file is missing, damaged or does not load."""

    status_code = 400


class CancelledError(AntiphonError):
    """The call was cancelled."""

    status_code = 499


class ConfigError(AntiphonError):
    """Configuration (file, environment) is wrong."""


class InternalError(AntiphonError):
    """A fault of antiphon itself."""


# They are told to the world, and pickled, by the name that they are imported by.
for _class in list(globals().values()):
    if isinstance(_class, type):
        _class.__module__ = "antiphon"
del _class
