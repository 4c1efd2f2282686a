"""LiteLLM's ``Router`` is not there yet: importing this says so."""

raise ImportError(
    "antiphon.litellm has no Router yet. completion(…, fallbacks=[…]) asks other models in turn, each with "
    "its own api_key and base_url; retries and their waits are completion's own (max_retries=, retry_delay=)"
)
