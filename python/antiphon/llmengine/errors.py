"""LLM Engine's names of what goes wrong. They are antiphon's own classes, so either name catches an error.

``UnknownError`` is the class of every failed call: catch it last. What a request lacks is found before it is
sent and is a ``ValidationError``, which is a ``BadRequestError`` and a ``ValueError``.
"""

from .._exceptions import APIError as UnknownError
from .._exceptions import AuthenticationError as UnauthorizedError
from .._exceptions import BadRequestError, NotFoundError
from .._exceptions import InternalServerError as ServerError
from .._exceptions import InvalidRequestError as ValidationError
from .._exceptions import RateLimitError as RateLimitExceededError

__all__ = [
    "BadRequestError",
    "NotFoundError",
    "RateLimitExceededError",
    "ServerError",
    "UnauthorizedError",
    "UnknownError",
    "ValidationError",
]
