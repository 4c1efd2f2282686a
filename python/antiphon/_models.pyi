from collections.abc import Mapping, Sequence
from typing import Any

available_models: list[str]
model_cost: dict[str, dict[str, Any]]

def get_model_info(model: str, custom_llm_provider: str | None = None) -> dict[str, Any]: ...
def search_models(query: str) -> list[str]: ...
def register_model(model_cost: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]: ...
def cost_per_token(
    model: str = "",
    prompt_tokens: int = 0,
    completion_tokens: int = 0,
    *,
    custom_llm_provider: str | None = None,
    cache_creation_input_tokens: int = 0,
    cache_read_input_tokens: int = 0,
    usage_object: Any = None,
    custom_cost_per_token: Mapping[str, float] | None = None,
) -> tuple[float, float] | tuple[None, None]: ...
def completion_cost(
    completion_response: Any = None,
    model: str | None = None,
    prompt: str = "",
    messages: Sequence[Any] | None = None,
    completion: str = "",
    *,
    custom_llm_provider: str | None = None,
    custom_cost_per_token: Mapping[str, float] | None = None,
) -> float | None: ...
