from . import api_engine as api_engine
from . import data_types as data_types
from . import errors as errors
from .api_engine import get_api_key as get_api_key
from .api_engine import get_base_path as get_base_path
from .api_engine import set_api_key as set_api_key
from .api_engine import set_base_path as set_base_path
from .completion import Completion as Completion
from .data_types import BatchCompletionsJob as BatchCompletionsJob
from .data_types import BatchCompletionsJobStatus as BatchCompletionsJobStatus
from .data_types import BatchCompletionsModelConfig as BatchCompletionsModelConfig
from .data_types import CancelFineTuneResponse as CancelFineTuneResponse
from .data_types import ChatCompletionV2Request as ChatCompletionV2Request
from .data_types import ChatCompletionV2Response as ChatCompletionV2Response
from .data_types import CompletionOutput as CompletionOutput
from .data_types import CompletionStreamOutput as CompletionStreamOutput
from .data_types import CompletionStreamResponse as CompletionStreamResponse
from .data_types import CompletionStreamV1Request as CompletionStreamV1Request
from .data_types import CompletionStreamV1Response as CompletionStreamV1Response
from .data_types import CompletionSyncResponse as CompletionSyncResponse
from .data_types import CompletionSyncV1Request as CompletionSyncV1Request
from .data_types import CompletionSyncV1Response as CompletionSyncV1Response
from .data_types import CreateBatchCompletionsModelConfig as CreateBatchCompletionsModelConfig
from .data_types import CreateBatchCompletionsRequest as CreateBatchCompletionsRequest
from .data_types import CreateBatchCompletionsRequestContent as CreateBatchCompletionsRequestContent
from .data_types import CreateBatchCompletionsResponse as CreateBatchCompletionsResponse
from .data_types import CreateBatchCompletionsV1Request as CreateBatchCompletionsV1Request
from .data_types import CreateBatchCompletionsV1RequestContent as CreateBatchCompletionsV1RequestContent
from .data_types import CreateBatchCompletionsV1Response as CreateBatchCompletionsV1Response
from .data_types import CreateBatchCompletionsV2ModelConfig as CreateBatchCompletionsV2ModelConfig
from .data_types import CreateBatchCompletionsV2Request as CreateBatchCompletionsV2Request
from .data_types import CreateBatchCompletionsV2RequestContent as CreateBatchCompletionsV2RequestContent
from .data_types import CreateBatchCompletionsV2Response as CreateBatchCompletionsV2Response
from .data_types import CreateFineTuneRequest as CreateFineTuneRequest
from .data_types import CreateFineTuneResponse as CreateFineTuneResponse
from .data_types import DeleteFileResponse as DeleteFileResponse
from .data_types import DeleteLLMEndpointResponse as DeleteLLMEndpointResponse
from .data_types import FilteredChatCompletionV2Request as FilteredChatCompletionV2Request
from .data_types import FilteredCompletionV2Request as FilteredCompletionV2Request
from .data_types import GetFileContentResponse as GetFileContentResponse
from .data_types import GetFileResponse as GetFileResponse
from .data_types import GetFineTuneResponse as GetFineTuneResponse
from .data_types import GetLLMEndpointResponse as GetLLMEndpointResponse
from .data_types import ListFilesResponse as ListFilesResponse
from .data_types import ListFineTunesResponse as ListFineTunesResponse
from .data_types import ListLLMEndpointsResponse as ListLLMEndpointsResponse
from .data_types import ModelDownloadRequest as ModelDownloadRequest
from .data_types import ModelDownloadResponse as ModelDownloadResponse
from .data_types import TokenOutput as TokenOutput
from .data_types import UploadFileResponse as UploadFileResponse
from .data_types import VLLMEndpointAdditionalArgs as VLLMEndpointAdditionalArgs
from .errors import BadRequestError as BadRequestError
from .errors import NotFoundError as NotFoundError
from .errors import RateLimitExceededError as RateLimitExceededError
from .errors import ServerError as ServerError
from .errors import UnauthorizedError as UnauthorizedError
from .errors import UnknownError as UnknownError
from .errors import ValidationError as ValidationError
from .file import File as File
from .fine_tuning import FineTune as FineTune
from .model import Model as Model

__all__ = [
    "BadRequestError",
    "BatchCompletionsJob",
    "BatchCompletionsJobStatus",
    "BatchCompletionsModelConfig",
    "CancelFineTuneResponse",
    "ChatCompletionV2Request",
    "ChatCompletionV2Response",
    "Completion",
    "CompletionOutput",
    "CompletionStreamOutput",
    "CompletionStreamResponse",
    "CompletionStreamV1Request",
    "CompletionStreamV1Response",
    "CompletionSyncResponse",
    "CompletionSyncV1Request",
    "CompletionSyncV1Response",
    "CreateBatchCompletionsModelConfig",
    "CreateBatchCompletionsRequest",
    "CreateBatchCompletionsRequestContent",
    "CreateBatchCompletionsResponse",
    "CreateBatchCompletionsV1Request",
    "CreateBatchCompletionsV1RequestContent",
    "CreateBatchCompletionsV1Response",
    "CreateBatchCompletionsV2ModelConfig",
    "CreateBatchCompletionsV2Request",
    "CreateBatchCompletionsV2RequestContent",
    "CreateBatchCompletionsV2Response",
    "CreateFineTuneRequest",
    "CreateFineTuneResponse",
    "DeleteFileResponse",
    "DeleteLLMEndpointResponse",
    "File",
    "FilteredChatCompletionV2Request",
    "FilteredCompletionV2Request",
    "FineTune",
    "GetFileContentResponse",
    "GetFileResponse",
    "GetFineTuneResponse",
    "GetLLMEndpointResponse",
    "ListFilesResponse",
    "ListFineTunesResponse",
    "ListLLMEndpointsResponse",
    "Model",
    "ModelDownloadRequest",
    "ModelDownloadResponse",
    "NotFoundError",
    "RateLimitExceededError",
    "ServerError",
    "TokenOutput",
    "UnauthorizedError",
    "UnknownError",
    "UploadFileResponse",
    "VLLMEndpointAdditionalArgs",
    "ValidationError",
    "api_engine",
    "data_types",
    "errors",
    "get_api_key",
    "get_base_path",
    "set_api_key",
    "set_base_path",
]
