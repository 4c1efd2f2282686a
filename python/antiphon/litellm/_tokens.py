"""LiteLLM's functions that count and take apart tokens, and that teach the catalogue a model."""

from antiphon._exceptions import InvalidRequestError


def token_counter(
    model="",
    custom_tokenizer=None,
    text=None,
    messages=None,
    count_response_tokens=False,
    tools=None,
    tool_choice=None,
    use_default_image_token_count=False,
    default_token_count=None,
):
    """How many tokens a text, or messages with their tools, are for a model. With ``default_token_count``,
    that many where they cannot be counted.
    """
    from antiphon import token_counter

    try:
        return token_counter(
            model=model,
            custom_tokenizer=custom_tokenizer,
            text=text,
            messages=messages,
            count_response_tokens=count_response_tokens,
            tools=tools,
            tool_choice=tool_choice,
        )
    except Exception:
        if default_token_count is None:
            raise
        return default_token_count


def encode(model="", text="", custom_tokenizer=None):
    """A text as the ids of its tokens."""
    from antiphon import encode

    return encode(model=model, text=text, custom_tokenizer=custom_tokenizer)


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
