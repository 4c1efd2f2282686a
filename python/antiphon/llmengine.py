"""The names of ``llmengine``, LLM Engine's client: ``from antiphon.llmengine import Completion``."""

from ._completion import (
    Completion,
    CompletionOutput,
    CompletionStreamOutput,
    CompletionStreamV1Response,
    CompletionSyncV1Response,
    TokenOutput,
)
from ._exceptions import APIError as UnknownError
from ._exceptions import AuthenticationError as UnauthorizedError
from ._exceptions import BadRequestError, NotFoundError
from ._exceptions import InternalServerError as ServerError
from ._exceptions import RateLimitError as RateLimitExceededError

__all__ = [
    "BadRequestError",
    "Completion",
    "CompletionOutput",
    "CompletionStreamOutput",
    "CompletionStreamV1Response",
    "CompletionSyncV1Response",
    "NotFoundError",
    "RateLimitExceededError",
    "ServerError",
    "TokenOutput",
    "UnauthorizedError",
    "UnknownError",
]
