from collections.abc import Iterable
from typing import Any

def token_counter(
    model: str = "",
    custom_tokenizer: Any = None,
    text: str | Iterable[str] | None = None,
    messages: Iterable[Any] | None = None,
    count_response_tokens: bool = False,
    tools: Iterable[Any] | None = None,
    tool_choice: Any = None,
    use_default_image_token_count: bool = False,
    default_token_count: int | None = None,
) -> int: ...
def encode(model: str = "", text: str = "", custom_tokenizer: Any = None) -> list[int]: ...
def decode(model: str = "", tokens: Iterable[int] = (), custom_tokenizer: Any = None) -> str: ...
def create_tokenizer(json: str) -> dict[str, Any]: ...
def create_pretrained_tokenizer(
    identifier: str, revision: str = "main", auth_token: str | None = None
) -> dict[str, Any]: ...
