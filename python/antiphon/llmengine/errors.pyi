from .._exceptions import APIError as UnknownError
from .._exceptions import AuthenticationError as UnauthorizedError
from .._exceptions import BadRequestError as BadRequestError
from .._exceptions import InternalServerError as ServerError
from .._exceptions import InvalidRequestError as ValidationError
from .._exceptions import NotFoundError as NotFoundError
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
