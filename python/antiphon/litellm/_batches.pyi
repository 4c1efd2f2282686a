from collections.abc import Iterable, Mapping, Sequence
from typing import Any

def batch_completion(
    model: str,
    messages: Iterable[Sequence[Any]] = (),
    functions: Sequence[Mapping[str, Any]] | None = None,
    function_call: str | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    n: int | None = None,
    stream: bool | None = None,
    stop: str | Sequence[str] | None = None,
    max_tokens: int | None = None,
    presence_penalty: float | None = None,
    frequency_penalty: float | None = None,
    logit_bias: Mapping[str, float] | None = None,
    user: str | None = None,
    deployment_id: str | None = None,
    request_timeout: float | None = None,
    timeout: float | None = 600,
    max_workers: int | None = 100,
    **kwargs: Any,
) -> list[Any]: ...
def batch_completion_models(*args: Any, **kwargs: Any) -> Any: ...
def batch_completion_models_all_responses(*args: Any, **kwargs: Any) -> list[Any]: ...
