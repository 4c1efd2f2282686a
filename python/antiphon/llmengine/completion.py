"""``Completion``: LLM Engine's way of asking for a completion of a raw prompt.

Imported when it is first asked for. The call itself is ``text_completion``; here its words become LLM
Engine's. A name of a model is found as everywhere: an alias of ``config.toml``, ``local/NAME``,
``provider/model``. With ``base_url=``, ``set_base_path`` or ``LLM_ENGINE_BASE_PATH`` it is a model of that
LLM Engine.
"""

from .. import text_completion
from .._exceptions import APIStatusError, InvalidRequestError, StreamInterruptedError
from .._types import Object
from .api_engine import part, send, server
from .data_types import (
    BatchCompletionsJob,
    CompletionOutput,
    CompletionStreamOutput,
    CompletionStreamV1Response,
    CompletionSyncV1Response,
    CreateBatchCompletionsV1Response,
    StreamError,
    StreamErrorContent,
    TokenOutput,
)

#: What LLM Engine's client sends where nothing is said.
MAX_NEW_TOKENS, TEMPERATURE = 20, 0.2

#: Seconds that a batch may take where nothing is said: a day.
MAX_RUNTIME = 86_400


class Completion:
    """Completions of a prompt, as LLM Engine's client has them."""

    @classmethod
    def create(
        cls,
        model_name=None,
        prompt=None,
        max_new_tokens=MAX_NEW_TOKENS,
        temperature=TEMPERATURE,
        timeout=None,
        stream=False,
        *,
        model=None,
        **options,
    ):
        """Completes a prompt: a ``CompletionSyncV1Response``, or an iterator of
        ``CompletionStreamV1Response`` where ``stream=True``.

        ``model`` and ``model_name`` are one; ``timeout`` is in seconds. Further options are LLM Engine's
        (``stop_sequences``, ``return_token_log_probs``, ``presence_penalty``, ``frequency_penalty``,
        ``top_k``, ``top_p``, ``include_stop_str_in_output``, ``guided_json``, ``guided_regex``,
        ``guided_choice``, ``guided_grammar``, ``skip_special_tokens``, ``request_headers``) and those of
        every call (``base_url``, ``api_key``, ``cache_path``, …).

        A stream that breaks off after its first event ends, as LLM Engine's does, in one without ``output``,
        whose ``error`` says why; before that it raises.
        """
        call = _asked(model_name, model, prompt, max_new_tokens, temperature, timeout, stream, options)
        answer = text_completion(**call.arguments)
        return call.events(answer) if stream else call.response(answer)

    @classmethod
    async def acreate(
        cls,
        model_name=None,
        prompt=None,
        max_new_tokens=MAX_NEW_TOKENS,
        temperature=TEMPERATURE,
        timeout=None,
        stream=False,
        *,
        model=None,
        **options,
    ):
        """Completes a prompt, as ``create`` does, without blocking the event loop; a stream is read with
        ``async for``.
        """
        call = _asked(model_name, model, prompt, max_new_tokens, temperature, timeout, stream, options)
        from .. import async_text_completion

        answer = await async_text_completion(**call.arguments)
        return call.async_events(answer) if stream else call.response(answer)

    @classmethod
    def batch_create(
        cls,
        output_data_path,
        model_config,
        content=None,
        input_data_path=None,
        data_parallelism=1,
        max_runtime_sec=MAX_RUNTIME,
        labels=None,
        priority=None,
        use_v2=False,
        tool_config=None,
        cpus=None,
        gpus=None,
        memory=None,
        gpu_type=None,
        storage=None,
        **options,
    ):
        """Begins a batch: many prompts, whose answers are written into a file.

        ``content`` is a ``CreateBatchCompletionsV1RequestContent`` or, with ``use_v2=True``, also a list of
        OpenAI's requests; or ``input_data_path`` names a JSON file of either. ``model_config`` says which
        model. ``data_parallelism`` (1 to 64) times 8 rows are asked at once, for at most ``max_runtime_sec``
        seconds. Returns the ``job_id``, or a ``BatchCompletionsJob`` with ``use_v2=True``.

        Without a server the batch runs in this process, on a thread: paths are files of this machine, every
        row is checked first, the process does not end before the batch has, and ``options`` are those of
        every row's call. The file is a JSON list in the order of the rows: of ``CompletionOutput`` for
        prompts, else of OpenAI's responses; a row that failed has an ``error``, one that was not asked is
        null. ``tool_config`` is refused; ``priority``, ``cpus`` and their like change nothing there.
        """
        if tool_config is not None:
            raise _invalid("tool_config", "is not taken: a batch runs no tools")
        content, model_config = _plain("content", content), _plain("model_config", model_config)
        if not isinstance(model_config, dict):
            raise _invalid("model_config", "must be a CreateBatchCompletionsModelConfig or a dict")
        if content is None and input_data_path is None:
            raise _invalid("content", "is required, or input_data_path")
        if content is not None and not isinstance(content, (dict, list) if use_v2 else dict):
            hint = None if use_v2 else "a list of requests goes with use_v2=True"
            raise _invalid("content", "must be a CreateBatchCompletionsV1RequestContent or a dict", hint)
        labels = labels or model_config.get("labels")
        found = server(options)
        if found is None:
            from . import _jobs

            job = _jobs.begin(
                content,
                output_data_path,
                model_config,
                data_parallelism,
                max_runtime_sec,
                options,
                input_data_path=input_data_path,
                labels=labels,
                priority=priority,
                use_v2=use_v2,
            )
        else:
            request = {
                "model_config": model_config,
                "content": content,
                "input_data_path": input_data_path,
                "output_data_path": output_data_path,
                "data_parallelism": data_parallelism,
                "max_runtime_sec": max_runtime_sec,
                "labels": labels,
                "priority": priority,
                "cpus": cpus,
                "gpus": gpus,
                "memory": memory,
                "gpu_type": gpu_type,
                "storage": storage,
            }
            request = {name: value for name, value in request.items() if value is not None}
            path = "/v2/batch-completions" if use_v2 else "/v1/llm/batch-completions"
            job = send(found, "POST", path, request)
        return (
            BatchCompletionsJob(**job) if use_v2 else CreateBatchCompletionsV1Response(job_id=job["job_id"])
        )

    @classmethod
    def get_batch_completion(cls, job_id, **options):
        """How far a batch is: a dict whose ``job`` has the fields of a ``BatchCompletionsJob``.

        Its ``status`` is ``queued``, ``running``, ``completed``, ``failed`` or ``cancelled``; its
        ``metadata`` counts ``rows``, ``rows_done`` and ``rows_failed``. ``NotFoundError`` where there is none
        of that id.
        """
        path = _job_path(job_id)
        found = server(options)
        if found is not None:
            return send(found, "GET", path)
        from . import _jobs

        return {"job": _jobs.find(job_id).told()}

    @classmethod
    def cancel_batch_completion(cls, job_id, **options):
        """Ends a batch: a dict whose ``success`` is false where it was over already.

        What is under way is dropped. In this process the answers so far are still written.
        """
        path = f"{_job_path(job_id)}/actions/cancel"
        found = server(options)
        if found is not None:
            return send(found, "POST", path, {})
        from . import _jobs

        return {"success": _jobs.find(job_id).cancel()}


def _job_path(job_id):
    return f"/v2/batch-completions/{part('job_id', job_id)}"


def _plain(param, value):
    """Objects as dicts, at any depth."""
    if isinstance(value, (list, tuple)):
        return [_plain(f"{param}[{place}]", item) for place, item in enumerate(value)]
    if isinstance(value, Object):
        return value.model_dump()
    return value


def _asked(model_name, model, prompt, max_new_tokens, temperature, timeout, stream, options):
    if model is not None and model_name is not None and model != model_name:
        raise _invalid("model", f"is {model!r}, and model_name is {model_name!r}: give one of them")
    model = model_name if model is None else model
    if not isinstance(model, str) or not model:
        raise _invalid("model", "is required, as a name", 'such as model="local/chorister"')
    found = server(options)
    around = {
        "timeout": timeout,
        "stream": True if stream else None,
        "stream_options": {"include_usage": True} if stream else None,
    }
    around = {name: value for name, value in around.items() if value is not None}
    if found is not None:
        model, options = f"llm_engine/{model}", found
    return Asked(model, prompt, max_new_tokens, temperature, {**options, **around})


class Asked:
    """A call in LLM Engine's words as one of ``text_completion``, and what comes back in those words."""

    def __init__(self, model, prompt, max_new_tokens, temperature, options):
        if not isinstance(prompt, str) or not prompt:
            raise _invalid("prompt", "must be a text with something in it")
        if not isinstance(max_new_tokens, int) or isinstance(max_new_tokens, bool) or max_new_tokens < 1:
            raise _invalid("max_new_tokens", f"must be a whole number of at least 1, got {max_new_tokens!r}")
        _check_sampling(temperature, options)
        options = dict(options)
        self.limit = max_new_tokens
        self.has_tokens = bool(options.pop("return_token_log_probs", False))
        stop = options.pop("stop_sequences", None)
        self.arguments = {
            **options,
            "model": model,
            "prompt": prompt,
            "max_tokens": max_new_tokens,
            "temperature": temperature,
        }
        if stop:
            self.arguments["stop"] = stop
        if self.has_tokens:
            self.arguments["logprobs"] = 1

    def response(self, answer):
        """A whole answer."""
        usage = answer.usage
        outputs = [
            CompletionOutput(
                choice.text,
                usage and usage.prompt_tokens,
                usage.completion_tokens if usage else 0,
                self.tokens(choice),
            )
            for choice in answer.choices
        ]
        response = CompletionSyncV1Response(outputs)
        response._request_id = answer.id
        return response

    def tokens(self, choice):
        if not self.has_tokens:
            return None
        found = choice.logprobs
        if found is None:
            return []
        pairs = zip(found.tokens, found.token_logprobs, strict=True)
        return [TokenOutput(token, log_prob) for token, log_prob in pairs]

    def events(self, chunks):
        """The events of a stream."""
        stream = _Stream(self)
        pieces = iter(chunks)
        while True:
            try:
                chunk = next(pieces, None)
            except (APIStatusError, StreamInterruptedError) as error:
                yield from stream.broken(error)
                return
            if chunk is None:
                break
            yield from stream.take(chunk)
        yield stream.last()

    async def async_events(self, chunks):
        """The same, from a stream that is read with ``async for``."""
        stream = _Stream(self)
        pieces = aiter(chunks)
        while True:
            try:
                chunk = await anext(pieces, None)
            except (APIStatusError, StreamInterruptedError) as error:
                for event in stream.broken(error):
                    yield event
                return
            if chunk is None:
                break
            for event in stream.take(chunk):
                yield event
        yield stream.last()


class _Stream:
    """Turns pieces into events. Only the last of all says that it is finished, and there are never more
    events than tokens were asked for: a piece that may be the last waits for what comes after it.
    """

    def __init__(self, call):
        self.call = call
        self.count = 0
        self.held = None
        self.usage = None
        self.id = None

    def take(self, chunk):
        self.id = chunk.id
        self.usage = chunk.usage or self.usage
        for choice in chunk.choices:
            tokens = self.call.tokens(choice)
            if not choice.text and not tokens:
                continue
            self.count += max(1, len(tokens or ()))
            if self.held is not None:
                yield self.event(self.held)
            token = tokens[0] if tokens else None
            output = CompletionStreamOutput(choice.text, False, None, self.count, token)
            self.held = output
            if self.count < self.call.limit:
                self.held = None
                yield self.event(output)

    def last(self):
        output = self.held
        if output is None:
            output = CompletionStreamOutput("", False, None, self.count)
        output.finished = True
        if self.usage is not None:
            output.num_prompt_tokens = self.usage.prompt_tokens
            output.num_completion_tokens = self.usage.completion_tokens
        return self.event(output)

    def broken(self, error):
        """What had come, and last why there is no more. Before the first event the error is the call's."""
        if self.count == 0:
            raise error
        if self.held is not None:
            yield self.event(self.held)
        from time import gmtime, strftime

        timestamp = strftime("%Y-%m-%d %H:%M:%S UTC", gmtime())
        content = StreamErrorContent(error=error.message, timestamp=timestamp)
        # A status of the one that broke off, and not of what the caller did.
        status = max(500, error.status_code)
        yield self.event(None, error.message, StreamError(status_code=status, content=content))

    def event(self, output, traceback=None, error=None):
        event = CompletionStreamV1Response(output, traceback, error)
        event._request_id = self.id
        return event


def _check_sampling(temperature, options):
    """LLM Engine's rules for what goes together, in its words."""
    top_k, top_p = options.get("top_k"), options.get("top_p")
    if top_k == 0:
        raise _invalid("top_k", "must be at least 1, or -1 for none")
    if temperature == 0 and top_k not in (None, -1):
        raise _invalid("top_k", "has no meaning where the temperature is 0")
    if temperature == 0 and top_p not in (None, 1, 1.0):
        raise _invalid("top_p", "has no meaning where the temperature is 0")
    guides = [name for name in options if name.startswith("guided_") and options[name] is not None]
    if len(guides) > 1:
        raise _invalid(guides[1], f"cannot go with {guides[0]}: give one of them")


def _invalid(param, message, hint=None):
    return InvalidRequestError(f"{param}: {message}", param=param, hint=hint)


Completion.__module__ = "antiphon.llmengine"
