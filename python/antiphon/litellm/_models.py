"""What LiteLLM's functions tell of models: from antiphon's catalogue and its rows of providers."""

from antiphon._antiphon import provider_ids, provider_of
from antiphon._exceptions import AntiphonError, AuthenticationError, BadRequestError, NotFoundError
from antiphon.litellm._arguments import with_provider
from antiphon.litellm._exceptions import ModelNotMappedError

#: OpenAI's parameters, each with a value that every model that has it takes.
_SAMPLES = {
    "frequency_penalty": 0.5,
    "logit_bias": {"1": 1},
    "logprobs": True,
    "top_logprobs": 1,
    "max_tokens": 100,
    "max_completion_tokens": 100,
    "modalities": ["text"],
    "prediction": {"type": "content", "content": "x"},
    "n": 1,
    "presence_penalty": 0.5,
    "seed": 1,
    "stop": ["x"],
    "stream": True,
    "stream_options": {"include_usage": True},
    "temperature": 1.0,
    "top_p": 0.9,
    "tools": [
        {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    ],
    "tool_choice": "auto",
    "functions": [{"name": "f", "parameters": {"type": "object", "properties": {}}}],
    "function_call": "auto",
    "parallel_tool_calls": True,
    "audio": {"voice": "alloy", "format": "wav"},
    "web_search_options": {},
    "reasoning_effort": "low",
    "verbosity": "low",
    "service_tier": "auto",
    "safety_identifier": "x",
    "prompt_cache_key": "x",
    "prompt_cache_retention": "in_memory",
    "store": False,
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "x", "schema": {"type": "object", "properties": {}}},
    },
    "user": "x",
}


def get_llm_provider(model, custom_llm_provider=None, api_base=None, api_key=None, litellm_params=None):
    """The model in its provider's word, the provider's id, the key as it was given, the address."""
    if custom_llm_provider is not None:
        model = with_provider(model, custom_llm_provider)
    try:
        facts = provider_of(model, api_base)
    except NotFoundError as error:
        # LiteLLM's class of this: a model that is not known without its provider.
        raise BadRequestError(error.message, None, model, hint=error.hint, param="model") from None
    return facts["model"], facts["provider"], api_key, facts["base_url"]


def get_model_info(model, custom_llm_provider=None, api_base=None, api_key=None):
    """What the catalogue knows of a model: prices in dollars a token, windows in tokens, abilities."""
    from antiphon import get_model_info

    try:
        info = get_model_info(model, custom_llm_provider)
    except NotFoundError as error:
        raise _not_mapped(model, error.hint) from None
    if info is None:
        raise _not_mapped(model)
    return info


def _not_mapped(model, hint=None):
    hint = hint or f"register_model({{{model!r}: {{…}}}}) tells it"
    return ModelNotMappedError(f"model: {model!r} is not in the catalogue", None, model, hint=hint)


def get_max_tokens(model):
    """The most tokens of an answer of that model."""
    info = get_model_info(model)
    return info.get("max_output_tokens") or info.get("max_tokens")


def completion_cost(
    completion_response=None,
    model=None,
    prompt="",
    messages=(),
    completion="",
    total_time=0.0,
    call_type=None,
    custom_llm_provider=None,
    region_name=None,
    size=None,
    quality=None,
    n=None,
    custom_cost_per_token=None,
    custom_cost_per_second=None,
    optional_params=None,
    custom_pricing=None,
    base_model=None,
    standard_built_in_tools_params=None,
    litellm_model_name=None,
    router_model_id=None,
    litellm_logging_obj=None,
    pricing_provider=None,
    service_tier=None,
    data_residency=None,
    vertex_location=None,
):
    """What a call costs, in dollars; an error where the price is unknown. ``custom_cost_per_token`` is the
    price to reckon with; prices by second, region and tier are not known here.
    """
    from antiphon import completion_cost

    cost = completion_cost(
        completion_response,
        base_model or model,
        prompt,
        list(messages),
        completion,
        custom_llm_provider=custom_llm_provider,
        custom_cost_per_token=custom_cost_per_token,
    )
    if cost is None:
        raise _not_mapped(model or getattr(completion_response, "model", None))
    return cost


def cost_per_token(
    model="",
    prompt_tokens=0,
    completion_tokens=0,
    response_time_ms=0.0,
    custom_llm_provider=None,
    region_name=None,
    prompt_characters=None,
    completion_characters=None,
    cache_creation_input_tokens=0,
    cache_read_input_tokens=0,
    custom_cost_per_token=None,
    custom_cost_per_second=None,
    number_of_queries=None,
    usage_object=None,
    rerank_billed_units=None,
    call_type="completion",
    audio_transcription_file_duration=0.0,
    service_tier=None,
    data_residency=None,
    vertex_location=None,
    response=None,
    request_model=None,
    custom_model_info=None,
    bedrock_model_info=None,
):
    """What so many tokens cost, in dollars: a pair, of the prompt and of the answer. An error where the price
    is unknown.
    """
    from antiphon import cost_per_token

    costs = cost_per_token(
        model,
        prompt_tokens,
        completion_tokens,
        custom_llm_provider=custom_llm_provider,
        cache_creation_input_tokens=cache_creation_input_tokens or 0,
        cache_read_input_tokens=cache_read_input_tokens or 0,
        usage_object=usage_object,
        custom_cost_per_token=custom_cost_per_token,
    )
    if None in costs:
        raise _not_mapped(model)
    return costs


def _asker(ability):
    def supports(model, custom_llm_provider=None):
        try:
            info = get_model_info(model, custom_llm_provider)
        except AntiphonError:
            return False
        return info.get(f"supports_{ability}") is True

    # Under the name that it is found by.
    supports.__name__ = supports.__qualname__ = f"supports_{ability}"
    supports.__doc__ = f"Whether the catalogue says of a model that it has this: {ability.replace('_', ' ')}."
    return supports


supports_assistant_prefill = _asker("assistant_prefill")
supports_audio_input = _asker("audio_input")
supports_audio_output = _asker("audio_output")
supports_computer_use = _asker("computer_use")
supports_embedding_image_input = _asker("embedding_image_input")
supports_function_calling = _asker("function_calling")
supports_native_streaming = _asker("native_streaming")
supports_parallel_function_calling = _asker("parallel_function_calling")
supports_pdf_input = _asker("pdf_input")
supports_prompt_caching = _asker("prompt_caching")
supports_reasoning = _asker("reasoning")
supports_response_schema = _asker("response_schema")
supports_system_messages = _asker("system_messages")
supports_tool_choice = _asker("tool_choice")
supports_url_context = _asker("url_context")
supports_video_input = _asker("video_input")
supports_vision = _asker("vision")
supports_web_search = _asker("web_search")


def get_supported_openai_params(
    model, custom_llm_provider=None, request_type="chat_completion", base_model=None
):
    """OpenAI's parameters that a call of this model takes; ``None`` for a model of no known provider."""
    from antiphon import completion

    if request_type == "embeddings":
        return ["dimensions", "encoding_format", "user"]
    if request_type != "chat_completion":
        return None
    if custom_llm_provider is not None:
        model = with_provider(model, custom_llm_provider)
    try:
        facts = provider_of(model)
    except AntiphonError:
        return None
    # What the request itself would have to leave out.
    plan = completion(
        "x", model, dry_run=True, drop_params=True, api_key="x", cache_enabled=False, **_SAMPLES
    )
    names = [name for name in _SAMPLES if name not in plan["dropped"]]
    return names if facts["provider"] == "local" else [*names, "max_retries", "extra_headers"]


def validate_environment(model=None, api_key=None, api_base=None, api_version=None):
    """Whether there is a key for that model (in the environment, stored, or in the configuration), and which
    variable is missing.
    """
    missing = []
    if model is not None and api_key is None:
        try:
            facts = provider_of(model, api_base)
        except AntiphonError:
            facts = {"needs_key": False, "has_key": False}
        if facts["needs_key"] and not facts["has_key"]:
            missing = facts["key_variables"][:1]
    return {"keys_in_environment": not missing, "missing_keys": missing}


def check_valid_key(model, api_key):
    """Whether the provider takes that key. Calls the model."""
    from antiphon import completion

    try:
        completion([{"role": "user", "content": "Hi"}], model, api_key=api_key, max_tokens=10)
    except AuthenticationError:
        return False
    return True


def models_by_provider():
    """The names of the catalogue's models by the ids of their providers."""
    from antiphon import model_cost

    by_provider = {}
    for name, info in model_cost.items():
        if name != "sample_spec":
            by_provider.setdefault(info.get("litellm_provider"), []).append(name)
    return by_provider


def get_valid_models(
    check_provider_endpoint=None, custom_llm_provider=None, litellm_params=None, api_key=None, api_base=None
):
    """The catalogue's models of every provider that there is a key for."""
    names = []
    for provider, models in models_by_provider().items():
        if custom_llm_provider not in (None, provider) or provider not in provider_ids():
            continue
        facts = provider_of(f"{provider}/x")
        if facts["has_key"] or (api_key is not None and custom_llm_provider == provider):
            names += models
    return names
