"""The names of ``llmengine``, LLM Engine's client: ``from antiphon.llmengine import Completion``.

With ``LLM_ENGINE_BASE_PATH``, ``set_base_path`` or ``base_url=`` everything is asked of that LLM Engine or
``antiphon serve``; without, models run in this process. A name is imported when it is first asked for.
"""

_MODULES = ("api_engine", "completion", "data_types", "errors", "file", "fine_tuning", "model")

# Where a name is; all others are in `data_types`.
_HOMES = {
    "BadRequestError": "errors",
    "Completion": "completion",
    "File": "file",
    "FineTune": "fine_tuning",
    "Model": "model",
    "NotFoundError": "errors",
    "RateLimitExceededError": "errors",
    "ServerError": "errors",
    "UnauthorizedError": "errors",
    "UnknownError": "errors",
    "ValidationError": "errors",
    "get_api_key": "api_engine",
    "get_base_path": "api_engine",
    "set_api_key": "api_engine",
    "set_base_path": "api_engine",
}

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


def __getattr__(name):
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name in __all__:
        home = import_module(f"{__name__}.{_HOMES.get(name, 'data_types')}")
        value = globals()[name] = getattr(home, name)
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
