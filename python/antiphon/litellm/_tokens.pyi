from collections.abc import Mapping, Sequence
from typing import Any

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
