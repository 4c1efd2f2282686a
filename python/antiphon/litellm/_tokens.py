"""LiteLLM's ``decode`` and ``register_model``, which have parameters that antiphon's do not."""

from antiphon._exceptions import InvalidRequestError


def decode(model="", tokens=(), custom_tokenizer=None, skip_special_tokens=True):
    """The text that ids of tokens stand for."""
    from antiphon import decode

    return decode(model=model, tokens=list(tokens), custom_tokenizer=custom_tokenizer)


def register_model(
    model_cost,
    *,
    persist_across_reloads=True,
    warning_display_name=None,
    custom_llm_provider=None,
    add_to_provider_model_sets=True,
):
    """Teaches the catalogue models: names, each with a dict of ``input_cost_per_token`` and so on."""
    from antiphon import register_model

    if isinstance(model_cost, str):
        hint = "read it yourself, and give the dict: antiphon opens no address that is no model's"
        raise InvalidRequestError("model_cost: must be a dict", param="model_cost", hint=hint)
    return register_model(model_cost)
