"""A program written for LiteLLM runs on antiphon: ``import antiphon.litellm as litellm``.

>>> import antiphon.litellm as litellm
>>> response = litellm.completion(
...     model="local/chorister", messages=[{"role": "user", "content": "What is the capital of France?"}]
... )
>>> response.choices[0].message.content
'The capital of France is Paris.'

A thin layer over antiphon's own functions, light to import. Settings (``litellm.drop_params = True``) hold
from the next call on. ``docs/migrating-from-litellm.md`` says what differs.

The modules within import each other by their whole names: where ``sys.modules["litellm"]`` is this one,
Python makes a second copy of each that is imported as ``litellm.…``, and both are to have the same classes.
"""

from antiphon import (
    ChatCompletionDeltaToolCall,
    ChatCompletionMessageToolCall,
    Choices,
    CompletionTokensDetailsWrapper,
    Delta,
    Function,
    FunctionCall,
    Message,
    ModelResponse,
    ModelResponseStream,
    PromptTokensDetailsWrapper,
    StreamingChoices,
    Usage,
    __version__,
)

from ._exceptions import *
from ._exceptions import __all__ as _exception_names
from ._functions import (
    acompletion,
    acompletion_with_retries,
    aembedding,
    arerank,
    atext_completion,
    completion,
    completion_with_retries,
    embedding,
    mock_completion,
    rerank,
    text_completion,
)
from ._settings import *
from ._settings import _current_cost
from ._streams import CustomStreamWrapper

# What is imported when it is first asked for, and where it is.
_LATER = {
    "batch_completion": "antiphon.litellm._batches",
    "batch_completion_models": "antiphon.litellm._batches",
    "batch_completion_models_all_responses": "antiphon.litellm._batches",
    "Cache": "antiphon.litellm._cache",
    "disable_cache": "antiphon.litellm._cache",
    "enable_cache": "antiphon.litellm._cache",
    "update_cache": "antiphon.litellm._cache",
    "stream_chunk_builder": "antiphon.litellm._chunks",
    "function_to_dict": "antiphon.litellm._messages",
    "get_response_string": "antiphon.litellm._messages",
    "trim_messages": "antiphon.litellm._messages",
    "check_valid_key": "antiphon.litellm._models",
    "completion_cost": "antiphon.litellm._models",
    "cost_per_token": "antiphon.litellm._models",
    "get_llm_provider": "antiphon.litellm._models",
    "get_max_tokens": "antiphon.litellm._models",
    "get_model_info": "antiphon.litellm._models",
    "get_supported_openai_params": "antiphon.litellm._models",
    "get_valid_models": "antiphon.litellm._models",
    "supports_assistant_prefill": "antiphon.litellm._models",
    "supports_audio_input": "antiphon.litellm._models",
    "supports_audio_output": "antiphon.litellm._models",
    "supports_computer_use": "antiphon.litellm._models",
    "supports_embedding_image_input": "antiphon.litellm._models",
    "supports_function_calling": "antiphon.litellm._models",
    "supports_native_streaming": "antiphon.litellm._models",
    "supports_parallel_function_calling": "antiphon.litellm._models",
    "supports_pdf_input": "antiphon.litellm._models",
    "supports_prompt_caching": "antiphon.litellm._models",
    "supports_reasoning": "antiphon.litellm._models",
    "supports_response_schema": "antiphon.litellm._models",
    "supports_system_messages": "antiphon.litellm._models",
    "supports_tool_choice": "antiphon.litellm._models",
    "supports_url_context": "antiphon.litellm._models",
    "supports_video_input": "antiphon.litellm._models",
    "supports_vision": "antiphon.litellm._models",
    "supports_web_search": "antiphon.litellm._models",
    "validate_environment": "antiphon.litellm._models",
    "decode": "antiphon.litellm._tokens",
    "register_model": "antiphon.litellm._tokens",
    "CustomLogger": "antiphon.litellm._logger",
    "LlmProviders": "antiphon.litellm._providers",
    "create_pretrained_tokenizer": "antiphon",
    "create_tokenizer": "antiphon",
    "encode": "antiphon",
    "token_counter": "antiphon",
    "Embedding": "antiphon",
    "EmbeddingResponse": "antiphon",
    "RerankResponse": "antiphon",
    "TextChoices": "antiphon",
    "TextCompletionResponse": "antiphon",
}

_MODULES = ("caching", "cost_calculator", "exceptions", "integrations", "main", "types", "utils")


def _turn_on_debug():
    """Changes nothing: antiphon prints nothing. ``dry_run=True`` shows the request that a call would send."""


def __getattr__(name):
    from importlib import import_module

    if name in _LATER:
        value = globals()[name] = getattr(import_module(_LATER[name]), name)
        if value.__module__.startswith("antiphon.litellm."):
            # It is told to the world by the name that it is imported by.
            value.__module__ = "antiphon.litellm"
        return value
    if name in _MODULES:
        return import_module(f"antiphon.litellm.{name}")
    if name in ("model_cost", "model_list", "models_by_provider", "provider_list"):
        from antiphon.litellm._providers import table

        # Not kept: the catalogue learns.
        return table(name)
    if name == "Router":
        return import_module("antiphon.litellm.router").Router
    raise AttributeError(f"antiphon.litellm has no {name!r}; docs/migrating-from-litellm.md says what it has")


def __dir__():
    return sorted({*globals(), *__all__})


__all__ = [
    "ChatCompletionDeltaToolCall",
    "ChatCompletionMessageToolCall",
    "Choices",
    "CompletionTokensDetailsWrapper",
    "CustomStreamWrapper",
    "Delta",
    "Function",
    "FunctionCall",
    "Message",
    "ModelResponse",
    "ModelResponseStream",
    "PromptTokensDetailsWrapper",
    "StreamingChoices",
    "Usage",
    "__version__",
    "acompletion",
    "acompletion_with_retries",
    "aembedding",
    "arerank",
    "atext_completion",
    "completion",
    "completion_with_retries",
    "embedding",
    "mock_completion",
    "rerank",
    "model_cost",
    "model_list",
    "models_by_provider",
    "provider_list",
    "text_completion",
    *_LATER,
    *_MODULES,
    *_exception_names,
]
