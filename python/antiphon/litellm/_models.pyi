from collections.abc import Mapping, Sequence
from typing import Any

def get_llm_provider(
    model: str,
    custom_llm_provider: str | None = None,
    api_base: str | None = None,
    api_key: str | None = None,
    litellm_params: object = None,
) -> tuple[str, str, str | None, str | None]: ...
def get_model_info(
    model: str,
    custom_llm_provider: str | None = None,
    api_base: str | None = None,
    api_key: str | None = None,
) -> dict[str, Any]: ...
def get_max_tokens(
    model: str,
) -> int | None: ...
def completion_cost(
    completion_response: object = None,
    model: str | None = None,
    prompt: str = "",
    messages: Sequence[Any] = (),
    completion: str = "",
    total_time: float | None = 0.0,
    call_type: str | None = None,
    custom_llm_provider: str | None = None,
    region_name: object = None,
    size: object = None,
    quality: object = None,
    n: object = None,
    custom_cost_per_token: Mapping[str, float] | None = None,
    custom_cost_per_second: object = None,
    optional_params: object = None,
    custom_pricing: object = None,
    base_model: str | None = None,
    standard_built_in_tools_params: object = None,
    litellm_model_name: object = None,
    router_model_id: object = None,
    litellm_logging_obj: object = None,
    pricing_provider: object = None,
    service_tier: object = None,
    data_residency: object = None,
    vertex_location: object = None,
) -> float: ...
def cost_per_token(
    model: str = "",
    prompt_tokens: int = 0,
    completion_tokens: int = 0,
    response_time_ms: float | None = 0.0,
    custom_llm_provider: str | None = None,
    region_name: object = None,
    prompt_characters: object = None,
    completion_characters: object = None,
    cache_creation_input_tokens: int | None = 0,
    cache_read_input_tokens: int | None = 0,
    custom_cost_per_token: Mapping[str, float] | None = None,
    custom_cost_per_second: object = None,
    number_of_queries: object = None,
    usage_object: object = None,
    rerank_billed_units: object = None,
    call_type: str | None = "completion",
    audio_transcription_file_duration: float = 0.0,
    service_tier: object = None,
    data_residency: object = None,
    vertex_location: object = None,
    response: object = None,
    request_model: object = None,
    custom_model_info: object = None,
    bedrock_model_info: object = None,
) -> tuple[float, float]: ...
def supports_assistant_prefill(
    model: str,
    custom_llm_provider: str | None = None,
) -> bool: ...
def supports_audio_input(
    model: str,
    custom_llm_provider: str | None = None,
) -> bool: ...
def supports_audio_output(
    model: str,
    custom_llm_provider: str | None = None,
) -> bool: ...
def supports_computer_use(
    model: str,
    custom_llm_provider: str | None = None,
) -> bool: ...
def supports_embedding_image_input(
    model: str,
    custom_llm_provider: str | None = None,
) -> bool: ...
def supports_function_calling(
    model: str,
    custom_llm_provider: str | None = None,
) -> bool: ...
def supports_native_streaming(
    model: str,
    custom_llm_provider: str | None = None,
) -> bool: ...
def supports_parallel_function_calling(
    model: str,
    custom_llm_provider: str | None = None,
) -> bool: ...
def supports_pdf_input(
    model: str,
    custom_llm_provider: str | None = None,
) -> bool: ...
def supports_prompt_caching(
    model: str,
    custom_llm_provider: str | None = None,
) -> bool: ...
def supports_reasoning(
    model: str,
    custom_llm_provider: str | None = None,
) -> bool: ...
def supports_response_schema(
    model: str,
    custom_llm_provider: str | None = None,
) -> bool: ...
def supports_system_messages(
    model: str,
    custom_llm_provider: str | None = None,
) -> bool: ...
def supports_tool_choice(
    model: str,
    custom_llm_provider: str | None = None,
) -> bool: ...
def supports_url_context(
    model: str,
    custom_llm_provider: str | None = None,
) -> bool: ...
def supports_video_input(
    model: str,
    custom_llm_provider: str | None = None,
) -> bool: ...
def supports_vision(
    model: str,
    custom_llm_provider: str | None = None,
) -> bool: ...
def supports_web_search(
    model: str,
    custom_llm_provider: str | None = None,
) -> bool: ...
def get_supported_openai_params(
    model: str,
    custom_llm_provider: str | None = None,
    request_type: str = "chat_completion",
    base_model: str | None = None,
) -> list[str] | None: ...
def validate_environment(
    model: str | None = None,
    api_key: str | None = None,
    api_base: str | None = None,
    api_version: str | None = None,
) -> dict[str, Any]: ...
def check_valid_key(
    model: str,
    api_key: str,
) -> bool: ...
def models_by_provider() -> dict[str, list[str]]: ...
def get_valid_models(
    check_provider_endpoint: bool | None = None,
    custom_llm_provider: str | None = None,
    litellm_params: object = None,
    api_key: str | None = None,
    api_base: str | None = None,
) -> list[str]: ...
