from collections.abc import Mapping, Sequence
from typing import Any

def token_counter(
    model: str = "",
    custom_tokenizer: Any = None,
    text: str | Sequence[str] | None = None,
    messages: Sequence[Any] | None = None,
    count_response_tokens: bool | None = False,
    tools: Sequence[Any] | None = None,
    tool_choice: Any = None,
    use_default_image_token_count: bool | None = False,
    default_token_count: int | None = None,
) -> int: ...
def encode(model: str = "", text: str = "", custom_tokenizer: Any = None) -> list[int]: ...
def decode(
    model: str = "",
    tokens: Sequence[int] = (),
    custom_tokenizer: Any = None,
    skip_special_tokens: bool = True,
) -> str: ...
def register_model(
    model_cost: Mapping[str, Mapping[str, Any]],
    *,
    persist_across_reloads: bool = True,
    warning_display_name: str | None = None,
    custom_llm_provider: str | None = None,
    add_to_provider_model_sets: bool = True,
) -> Any: ...
