from typing import Any

# An enumeration of antiphon's providers, made when it is first asked for: `LlmProviders.OPENAI`.
LlmProviders: Any

def table(name: str) -> Any: ...
