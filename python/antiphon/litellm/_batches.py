"""LiteLLM's calls of many at once, in threads: each is a ``completion``."""

from antiphon._exceptions import InvalidRequestError


def batch_completion(
    model,
    messages=(),
    functions=None,
    function_call=None,
    temperature=None,
    top_p=None,
    n=None,
    stream=None,
    stop=None,
    max_tokens=None,
    presence_penalty=None,
    frequency_penalty=None,
    logit_bias=None,
    user=None,
    deployment_id=None,
    request_timeout=None,
    timeout=600,
    max_workers=100,
    **kwargs,
):
    """Calls one model once for each list of messages, up to ``max_workers`` at a time. Answers stand in the
    order of the lists; an error stands in the place of its answer.
    """
    given = dict(locals())
    for name in ("messages", "max_workers", "request_timeout", "kwargs"):
        del given[name]
    if request_timeout is not None:
        given["timeout"] = request_timeout
    calls = [{**given, **kwargs, "messages": one} for one in messages]
    return _all(calls, max_workers or 100)


def batch_completion_models(*args, **kwargs):
    """Calls every one of ``models`` at once. The first answer that comes is the answer; where none comes, the
    last model's error is raised.
    """
    from concurrent.futures import ThreadPoolExecutor, as_completed

    calls = _for_models(args, kwargs)
    from antiphon.litellm import completion

    pool = ThreadPoolExecutor(max_workers=max(len(calls), 1))
    try:
        futures = [pool.submit(completion, **call) for call in calls]
        error = None
        for future in as_completed(futures):
            error = future.exception()
            if error is None:
                return future.result()
        if error is not None:
            raise error
        return None
    finally:
        # Those that lost the race end by themselves; nobody waits for them.
        pool.shutdown(wait=False, cancel_futures=True)


def batch_completion_models_all_responses(*args, **kwargs):
    """Calls every one of ``models`` at once and returns all answers, in the models' order; without those that
    failed.
    """
    calls = _for_models(args, kwargs)
    return [answer for answer in _all(calls, max(len(calls), 1)) if not isinstance(answer, Exception)]


def _all(calls, workers):
    from concurrent.futures import ThreadPoolExecutor

    from antiphon.litellm import completion

    def one(call):
        try:
            return completion(**call)
        except Exception as error:
            return error

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return list(pool.map(one, calls))


def _for_models(args, kwargs):
    """The arguments of each model's call. A positional one is the messages."""
    kwargs = dict(kwargs)
    kwargs.pop("model", None)
    if "deployments" in kwargs:
        hint = "models= takes names; a model with its own address is a completion of its own"
        raise InvalidRequestError("deployments: the Router is for later", param="deployments", hint=hint)
    models = kwargs.pop("models", None)
    if models is None:
        raise InvalidRequestError("models: is required, a list of models' names", param="models")
    if args:
        kwargs["messages"] = args[0]
    return [{**kwargs, "model": model} for model in ([models] if isinstance(models, str) else models)]
