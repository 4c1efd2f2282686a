"""LiteLLM's ``Router`` is not there yet: importing it says so."""


def __getattr__(name):
    if name == "Router":
        raise ImportError(
            "antiphon.litellm has no Router yet. completion(…, fallbacks=[…]) asks other models in turn, "
            "each with its own api_key and base_url; retries are completion's own: max_retries="
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
