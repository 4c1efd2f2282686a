"""LiteLLM's functions, parameter by parameter: other libraries read their signatures, and wrap them.

What a call comes to stands in ``_calls``, which the first call imports.
"""

#: Kind of call, and antiphon's function for it.
_ANTIPHONS = {
    "completion": "completion",
    "acompletion": "async_completion",
    "text_completion": "text_completion",
    "atext_completion": "async_text_completion",
    "embedding": "embedding",
    "aembedding": "async_embedding",
    "rerank": "rerank",
    "arerank": "async_rerank",
}


def _run(kind, given):
    import antiphon
    from antiphon.litellm._calls import run, run_async

    given = dict(given)
    if given.pop("args", ()):
        raise TypeError(f"{kind}() takes what follows custom_llm_provider by name")
    given |= given.pop("kwargs")
    function = getattr(antiphon, _ANTIPHONS[kind])
    return run_async(kind, function, given) if kind.startswith("a") else run(kind, function, given)


def completion(
    model,
    messages=(),
    timeout=None,
    temperature=None,
    top_p=None,
    n=None,
    stream=None,
    stream_options=None,
    stop=None,
    max_completion_tokens=None,
    max_tokens=None,
    modalities=None,
    prediction=None,
    audio=None,
    presence_penalty=None,
    frequency_penalty=None,
    logit_bias=None,
    user=None,
    reasoning_effort=None,
    verbosity=None,
    response_format=None,
    seed=None,
    tools=None,
    tool_choice=None,
    logprobs=None,
    top_logprobs=None,
    parallel_tool_calls=None,
    web_search_options=None,
    include_server_side_tool_invocations=None,
    deployment_id=None,
    extra_headers=None,
    safety_identifier=None,
    service_tier=None,
    store=None,
    prompt_cache_key=None,
    prompt_cache_retention=None,
    functions=None,
    function_call=None,
    base_url=None,
    api_version=None,
    api_key=None,
    model_list=None,
    thinking=None,
    shared_session=None,
    enable_json_schema_validation=None,
    **kwargs,
):
    """Asks a model and returns its answer, a ``ModelResponse``, or with ``stream=True`` its chunks."""
    return _run("completion", locals())


async def acompletion(
    model,
    messages=(),
    functions=None,
    function_call=None,
    timeout=None,
    temperature=None,
    top_p=None,
    n=None,
    stream=None,
    stream_options=None,
    stop=None,
    max_tokens=None,
    max_completion_tokens=None,
    modalities=None,
    prediction=None,
    audio=None,
    presence_penalty=None,
    frequency_penalty=None,
    logit_bias=None,
    user=None,
    response_format=None,
    seed=None,
    tools=None,
    tool_choice=None,
    parallel_tool_calls=None,
    logprobs=None,
    top_logprobs=None,
    deployment_id=None,
    reasoning_effort=None,
    verbosity=None,
    safety_identifier=None,
    service_tier=None,
    store=None,
    prompt_cache_key=None,
    prompt_cache_retention=None,
    base_url=None,
    api_version=None,
    api_key=None,
    model_list=None,
    extra_headers=None,
    thinking=None,
    web_search_options=None,
    include_server_side_tool_invocations=None,
    shared_session=None,
    enable_json_schema_validation=None,
    **kwargs,
):
    """``completion``, without blocking the event loop. Cancelling the task ends the call at once."""
    return await _run("acompletion", locals())


def text_completion(
    prompt,
    model=None,
    best_of=None,
    echo=None,
    frequency_penalty=None,
    logit_bias=None,
    logprobs=None,
    max_tokens=None,
    n=None,
    presence_penalty=None,
    stop=None,
    stream=None,
    stream_options=None,
    suffix=None,
    temperature=None,
    top_p=None,
    user=None,
    api_base=None,
    api_version=None,
    api_key=None,
    model_list=None,
    custom_llm_provider=None,
    *args,
    **kwargs,
):
    """Has a model go on with a text and returns a ``TextCompletionResponse``, or with ``stream=True`` its
    chunks.
    """
    return _run("text_completion", locals())


async def atext_completion(
    prompt,
    model=None,
    best_of=None,
    echo=None,
    frequency_penalty=None,
    logit_bias=None,
    logprobs=None,
    max_tokens=None,
    n=None,
    presence_penalty=None,
    stop=None,
    stream=None,
    stream_options=None,
    suffix=None,
    temperature=None,
    top_p=None,
    user=None,
    api_base=None,
    api_version=None,
    api_key=None,
    model_list=None,
    custom_llm_provider=None,
    *args,
    **kwargs,
):
    """``text_completion``, without blocking the event loop."""
    return await _run("atext_completion", locals())


def embedding(
    model,
    input=(),
    dimensions=None,
    encoding_format=None,
    timeout=None,
    api_base=None,
    api_version=None,
    api_key=None,
    api_type=None,
    caching=None,
    user=None,
    custom_llm_provider=None,
    litellm_call_id=None,
    logger_fn=None,
    **kwargs,
):
    """The vectors of one text, or of a list of texts: an ``EmbeddingResponse``."""
    return _run("embedding", locals())


async def aembedding(
    model,
    input=(),
    dimensions=None,
    encoding_format=None,
    timeout=None,
    api_base=None,
    api_version=None,
    api_key=None,
    api_type=None,
    caching=None,
    user=None,
    custom_llm_provider=None,
    litellm_call_id=None,
    logger_fn=None,
    **kwargs,
):
    """``embedding``, without blocking the event loop."""
    return await _run("aembedding", locals())


def rerank(
    model,
    query,
    documents,
    custom_llm_provider=None,
    top_n=None,
    rank_fields=None,
    return_documents=True,
    max_chunks_per_doc=None,
    max_tokens_per_doc=None,
    **kwargs,
):
    """Documents by how well they answer a query, the best first: a ``RerankResponse``."""
    return _run("rerank", locals())


async def arerank(
    model,
    query,
    documents,
    custom_llm_provider=None,
    top_n=None,
    rank_fields=None,
    return_documents=None,
    max_chunks_per_doc=None,
    **kwargs,
):
    """``rerank``, without blocking the event loop."""
    return await _run("arerank", locals())


def completion_with_retries(*args, **kwargs):
    """``completion``, tried again up to three times unless ``num_retries`` says otherwise."""
    kwargs.setdefault("num_retries", 3)
    return completion(*args, **kwargs)


async def acompletion_with_retries(*args, **kwargs):
    """``acompletion``, tried again up to three times unless ``num_retries`` says otherwise."""
    kwargs.setdefault("num_retries", 3)
    return await acompletion(*args, **kwargs)


def mock_completion(model, messages, stream=False, n=None, mock_response="This is a mock request", **kwargs):
    """``completion`` that calls nothing."""
    return completion(model, messages, stream=stream, n=n, mock_response=mock_response, **kwargs)


# Where they are found, for pickles and for the reader of a traceback.
for _function in list(globals().values()):
    if getattr(_function, "__module__", None) == __name__:
        _function.__module__ = "antiphon.litellm"
del _function
