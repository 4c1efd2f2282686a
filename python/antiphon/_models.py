"""What is known of models: prices, limits, abilities; and what calls cost.

Imported when one of its names is first asked for. Costs are in dollars; what is not known is ``None``, never
zero and never an exception.
"""

from . import _antiphon


def get_model_info(model, custom_llm_provider=None):
    """All that is known of a model, by LiteLLM's names: prices of one token, limits, what it supports.

    What is unknown is ``None``. Raises ``NotFoundError``, with a near name, where nothing is known.

    >>> get_model_info("gpt-4o-mini")["input_cost_per_token"]
    1.5e-07
    """
    return _antiphon.model_info(model, custom_llm_provider)


def search_models(query):
    """The names of the models that have every word of ``query`` in them, in capitals or not."""
    return _antiphon.search_models(query)


def register_model(model_cost):
    """Adds models to what is known, or changes what is known of them, in all calls from now on.

    ``model_cost`` is a dict from names (``"provider/model"``) to what LiteLLM's price map says of one
    (``"input_cost_per_token"`` and the like, in dollars). Returns ``antiphon.model_cost`` with it.
    """
    told = _antiphon.register_models(model_cost)
    models = globals().get("model_cost")
    if models is None:
        return __getattr__("model_cost")
    models.update(told)
    names = globals().get("available_models", [])
    names.extend(name for name in told if name not in names)
    return models


def cost_per_token(
    model="",
    prompt_tokens=0,
    completion_tokens=0,
    *,
    custom_llm_provider=None,
    cache_creation_input_tokens=0,
    cache_read_input_tokens=0,
    usage_object=None,
    custom_cost_per_token=None,
):
    """What so many tokens cost: a pair, prompt and answer, in dollars; ``(None, None)`` if it is not known.

    ``prompt_tokens`` counts those that were read from the provider's cache or written to it, too.
    ``usage_object``, a response's ``usage``, goes before the counts. ``custom_cost_per_token`` is a dict with
    ``input_cost_per_token`` and ``output_cost_per_token``, which then are the prices.
    """
    usage = usage_object
    if usage is None:
        usage = {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "prompt_tokens_details": {"cached_tokens": cache_read_input_tokens},
            "cache_creation_input_tokens": cache_creation_input_tokens,
        }
    return _cost(model, custom_llm_provider, usage, {}, custom_cost_per_token)


def completion_cost(
    completion_response=None,
    model=None,
    prompt="",
    messages=None,
    completion="",
    *,
    custom_llm_provider=None,
    custom_cost_per_token=None,
):
    """What a call cost, in dollars; ``None`` where a price is not known.

    Of a response (ours, or one as a dict) by its usage; without one by the texts, whose tokens are counted.

    >>> completion_cost(model="gpt-4o-mini", prompt="hello", completion="how are you?")
    2.55e-06
    """
    if completion_response is None:
        if not model:
            raise TypeError("completion_cost() needs a completion_response, or a model and texts")
        from ._tokens import token_counter

        counted = token_counter(model, messages=messages) if messages else token_counter(model, text=prompt)
        usage = {"prompt_tokens": counted, "completion_tokens": token_counter(model, text=completion)}
        return _total(_cost(model, custom_llm_provider, usage, {}, custom_cost_per_token))
    get = completion_response.get
    hidden = getattr(completion_response, "_hidden_params", None) or {}
    usage = get("usage")
    if usage is None:
        return hidden.get("response_cost")
    if model is None:
        # The provider's own word for the model does not name the provider.
        custom_llm_provider = custom_llm_provider or hidden.get("custom_llm_provider")
        model = hidden.get("model_id") or get("model") or ""
    return _total(_cost(model, custom_llm_provider, usage, completion_response, custom_cost_per_token))


def _cost(model, provider, usage, response, prices):
    if prices is None:
        tier, created = response.get("service_tier"), response.get("created")
        return _antiphon.call_cost(model, provider, usage, tier, created) or (None, None)
    prompt = usage["prompt_tokens"] * prices["input_cost_per_token"]
    return prompt, usage.get("completion_tokens", 0) * prices.get("output_cost_per_token", 0.0)


def _total(parts):
    return None if None in parts else sum(parts)


# Made when they are first asked for.
_MADE = {"available_models": _antiphon.model_names, "model_cost": _antiphon.model_map}


def __getattr__(name):
    if name not in _MADE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = _MADE[name]()
    return value


for _function in (completion_cost, cost_per_token, get_model_info, register_model, search_models):
    _function.__module__ = "antiphon"
