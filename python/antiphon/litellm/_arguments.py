"""The arguments of a LiteLLM call as antiphon has them: what is passed on, renamed, kept back or refused.

What stands in none of the tables goes to antiphon as it is, and from there, where antiphon does not know
it, to the provider. ``docs/migrating-from-litellm.md`` tells it to people.
"""

from antiphon._antiphon import provider_of
from antiphon._exceptions import AntiphonError, InvalidRequestError, Timeout

#: What only LiteLLM's own machinery reads, and what antiphon does anyway. Left out, without a word.
IGNORED = frozenset(
    """
    acompletion aembedding allm_passthrough_route allowed_openai_params api_type api_version arerank
    atext_completion base_model completion_call_id cooldown_time custom_prompt_dict
    disable_add_transform_inline_image_block drop_unsupported enable_json_schema_validation
    force_timeout hugging_face id include_server_side_tool_invocations is_async litellm_call_id
    litellm_credential_name litellm_logging_obj litellm_metadata litellm_params litellm_request_debug
    litellm_session_id litellm_trace_id logger_fn max_parallel_requests
    merge_reasoning_content_in_choices model_info no-log no_log order original_function preset_cache_key
    proxy_server_request replicate retry_strategy router_model_id rpm secret_fields session_id
    shared_session specific_deployment tags text_completion together_ai tpm trace_id
    use_chat_completions_api use_in_pass_through user_api_key_auth verbose weight
    """.split()
)

#: What changes the call in a way that antiphon does not have: leaving it out would be another call.
REFUSED = {
    "assistant_continue_message": "write the messages as the model wants them",
    "azure_ad_token_provider": "Azure's own dialect is for later",
    "bos_token": "a local model's template is in its file; a hosted one has its own",
    "cache_control_injection_points": "put cache_control on the messages themselves",
    "client": "antiphon has its own connections: give api_key= and base_url=",
    "ensure_alternating_roles": "write the messages as the model wants them",
    "eos_token": "a local model's template is in its file; a hosted one has its own",
    "final_prompt_value": "a local model's template is in its file; a hosted one has its own",
    "guardrails": "check the messages before the call",
    "hf_model_name": "a local model's template is in its file; a hosted one has its own",
    "initial_prompt_value": "a local model's template is in its file; a hosted one has its own",
    "input_cost_per_second": "prices are by token: register_model",
    "max_chunks_per_doc": "max_tokens_per_doc= says how much of a document is read",
    "model_list": "the Router is for later; fallbacks= takes models with their own api_key and base_url",
    "output_cost_per_second": "prices are by token: register_model",
    "prompt_id": "give the messages themselves",
    "prompt_variables": "give the messages themselves",
    "rank_fields": "write what is to be ranked into the text of each document",
    "retry_policy": "retry_on_exceptions= and max_retries= say what is tried again",
    "roles": "a local model's template is in its file; a hosted one has its own",
    "supports_system_message": "write the messages as the model wants them",
    "use_litellm_proxy": "base_url= is the proxy's address",
    "user_continue_message": "write the messages as the model wants them",
}

#: Beginnings of names that belong to providers whose dialects are not there yet; their values are often keys.
REFUSED_FAMILIES = ("aws_", "azure_", "vertex_", "watsonx_")

#: LiteLLM's name, then antiphon's, which counts where both are given.
RENAMED = {"api_base": "base_url", "request_timeout": "timeout"}

#: What is told to callbacks and never sent.
FOR_CALLBACKS = ("metadata", "success_callback", "failure_callback", "callbacks")


class Arguments:
    """A call's arguments: `keywords` for antiphon, and what is kept back for around it."""

    def __init__(self, kind, given, settings):
        given = {name: value for name, value in given.items() if value is not None}
        self.kept = {name: given.pop(name) for name in FOR_CALLBACKS if name in given}
        self.wider = given.pop("context_window_fallback_dict", None) or {}
        self.prices = {
            name: given.pop(name)
            for name in ("input_cost_per_token", "output_cost_per_token")
            if name in given
        }
        for name in given.pop("additional_drop_params", ()):
            if not name.isidentifier():
                hint = f"{name!r} is a part of a parameter, and only whole ones can be dropped"
                raise _unavailable("additional_drop_params", hint)
            given.pop(name, None)
        _refuse(given, settings)
        for name, ours in RENAMED.items():
            if name in given:
                given.setdefault(ours, given.pop(name))
        keywords = {name: value for name, value in given.items() if name not in IGNORED}
        _set_model(keywords, settings)
        _set_key_and_address(keywords, settings)
        _set_headers(keywords, settings)
        _set_policy(keywords, settings)
        _set_cache(kind, keywords, settings)
        _set_mock(keywords)
        self.keywords = keywords


def _unavailable(name, hint):
    return InvalidRequestError(f"{name}: antiphon.litellm does not have it", param=name, hint=hint)


def _refuse(given, settings):
    for name, value in given.items():
        if name in REFUSED:
            if value or name == "supports_system_message":
                raise _unavailable(name, REFUSED[name])
        elif name.startswith(REFUSED_FAMILIES):
            raise _unavailable(
                name, "that provider's own dialect is for later; base_url= takes an OpenAI-like address"
            )
    if (given.get("ssl_verify", settings.ssl_verify)) is not True:
        hint = "SSL_CERT_FILE, or ca_file in config.toml, names the authorities to trust; checking stays on"
        raise _unavailable("ssl_verify", hint)
    if settings.client_session is not None or settings.aclient_session is not None:
        raise _unavailable("client_session", "antiphon has its own connections")
    for name in ("pre_call_rules", "post_call_rules"):
        if getattr(settings, name):
            raise _unavailable(name, "check the messages before the call, and the answer after it")


def _set_model(keywords, settings):
    model = keywords.get("model")
    model = settings.model_alias_map.get(model, model) if isinstance(model, str) else model
    deployment = keywords.pop("deployment_id", None)
    provider = keywords.pop("custom_llm_provider", None)
    model = model or deployment
    if provider and isinstance(model, str):
        model = with_provider(model, provider)
    if model is not None:
        keywords["model"] = model


def with_provider(model, provider):
    """The model's name with its provider before it."""
    return model if model.startswith(f"{provider}/") else f"{provider}/{model}"


def provider_id(model, base_url=None):
    """The id of the provider that a model's name means; ``None`` where it means none."""
    try:
        return provider_of(model, base_url)["provider"]
    except (AntiphonError, TypeError):
        return None


def _set_key_and_address(keywords, settings):
    provider = provider_id(keywords.get("model"), keywords.get("base_url"))
    if provider == "local":
        return
    if "api_key" not in keywords:
        # LiteLLM asks for its one key before OpenAI's, and after everybody else's.
        key = settings.api_key or _key_of(provider, settings)
        if provider != "openai":
            key = _key_of(provider, settings) or settings.api_key
        if key:
            keywords["api_key"] = key
    if "base_url" not in keywords and settings.api_base:
        keywords["base_url"] = settings.api_base


def _key_of(provider, settings):
    if provider is None:
        return None
    joined = provider.replace("_", "")
    assigned = vars(settings)
    for name in (f"{provider}_key", f"{provider}_api_key", f"{joined}_key", f"{joined}_api_key"):
        if key := assigned.get(name):
            return key
    return None


def _set_headers(keywords, settings):
    headers = {}
    if organization := keywords.pop("organization", None) or settings.organization:
        headers["openai-organization"] = organization
    if project := keywords.pop("project", None) or settings.project:
        headers["openai-project"] = project
    for more in (settings.headers, keywords.pop("headers", None), keywords.get("extra_headers")):
        headers.update(more or {})
    if headers:
        keywords["extra_headers"] = headers


def _set_policy(keywords, settings):
    if settings.drop_params:
        keywords.setdefault("drop_params", True)
    if settings.num_retries is not None and "max_retries" not in keywords:
        keywords.setdefault("num_retries", settings.num_retries)
    if settings.model_fallbacks:
        keywords.setdefault("fallbacks", settings.model_fallbacks)
    stream_timeout = keywords.pop("stream_timeout", None)
    if keywords.get("stream") and stream_timeout is not None:
        keywords["timeout"] = stream_timeout
    timeout = keywords.get("timeout", settings.request_timeout)
    if timeout is not None:
        keywords.update(_waits(timeout))


def _waits(timeout):
    """Seconds; also as text, or as one of httpx's objects, of which the connection's and the read's are
    taken.
    """
    if isinstance(timeout, str):
        try:
            return {"timeout": float(timeout)}
        except ValueError:
            raise InvalidRequestError(f"timeout: must be seconds, got {timeout!r}", param="timeout") from None
    if hasattr(timeout, "connect") and hasattr(timeout, "read"):
        waits = {"timeout": timeout.read, "connect_timeout": timeout.connect}
        return {name: seconds for name, seconds in waits.items() if seconds is not None}
    return {"timeout": timeout}


def _set_cache(kind, keywords, settings):
    caching, control = keywords.pop("caching", None), keywords.pop("cache", None)
    if settings.cache is not None:
        keywords.update(settings.cache.keywords(kind, caching, control or {}))
    elif caching is False:
        keywords["cache_enabled"] = False


def _set_mock(keywords):
    if keywords.pop("mock_timeout", False):
        seconds = keywords.get("timeout", 0)
        keywords["mock_delay"] = seconds
        # The mock answers by itself, at the end of the time that was given.
        keywords.pop("timeout", None)
        keywords["mock_response"] = Timeout("this is a mocked timeout", "mock", keywords.get("model"))
