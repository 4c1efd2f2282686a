from ._completion import Completion as Completion
from ._completion import CompletionOutput as CompletionOutput
from ._completion import CompletionStreamOutput as CompletionStreamOutput
from ._completion import CompletionStreamV1Response as CompletionStreamV1Response
from ._completion import CompletionSyncV1Response as CompletionSyncV1Response
from ._completion import TokenOutput as TokenOutput
from ._exceptions import APIError as UnknownError
from ._exceptions import AuthenticationError as UnauthorizedError
from ._exceptions import BadRequestError as BadRequestError
from ._exceptions import InternalServerError as ServerError
from ._exceptions import NotFoundError as NotFoundError
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
