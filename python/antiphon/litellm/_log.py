"""What LiteLLM's callbacks are told: their lists, their arguments, and where they run.

Before a call they run where it is made; after it, on antiphon's thread of callbacks, and coroutines on the
event loop of the call. None of them can hurt a call.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from inspect import iscoroutinefunction
from logging import getLogger
from uuid import uuid4

import antiphon.litellm as settings
from antiphon._antiphon import Reporter
from antiphon._exceptions import InvalidRequestError
from antiphon.litellm._arguments import provider_id
from antiphon.litellm._calls import add_cost

#: What stands in the place of texts where `turn_off_message_logging` is set.
REDACTED = "redacted-by-litellm"

#: Arguments that are told by names of their own, or not at all: some hold keys, and none shapes the answer.
_APART = frozenset(
    """
    api_key base_url cache_enabled cache_key_prefix cache_path connect_timeout context draft drop_params
    enable_retries extra_headers fallbacks first_byte_timeout gpu_layers idle_timeout
    include_model_in_cache_key input max_retries messages mock_delay mock_response mock_tool_calls
    model num_retries prompt retry_delay retry_on_all_exceptions retry_on_exceptions stream threads
    timeout ttl
    """.split()
)


class Log:
    """Who hears of one call, and what."""

    def __init__(self, kind, arguments):
        kept, keywords = arguments.kept, arguments.keywords
        every = [*settings.callbacks, *_listed(kept, "callbacks")]
        self.on_input = _checked([*settings.input_callback, *every])
        self.on_success = _checked([*settings.success_callback, *_listed(kept, "success_callback"), *every])
        self.on_failure = _checked([*settings.failure_callback, *_listed(kept, "failure_callback"), *every])
        self.is_async = kind.startswith("a")
        self.loop = _running_loop() if self.is_async else None
        self.reporter = Reporter((), keywords, listeners=(self.finished,))
        self.details = _details(kind, keywords, kept.get("metadata"))
        self._tell_input()

    def _tell_input(self):
        details = self.details
        for callback in self.on_input:
            if is_logger(callback):
                _guarded(callback.log_pre_api_call, details["model"], details["messages"], details)
            elif not iscoroutinefunction(callback):
                _guarded(callback, details)

    def finished(self, report):
        """Tells of the end of the call; called with antiphon's report of it."""
        details = self.details
        details["end_time"] = details["start_time"] + timedelta(seconds=report["duration"])
        details["log_event_type"] = "post_api_call"
        details["response_cost"] = report["cost"]
        if report["provider"] is not None:
            details["custom_llm_provider"] = report["provider"]
        response = report.get("response")
        if "error" in report:
            _add_error(details, report["error"])
            self._tell(self.on_failure, "failure", None)
            return
        details["cache_hit"] = response._hidden_params.get("cache_hit")
        response = _redacted(response) if settings.turn_off_message_logging else response
        if report["stream"]:
            add_cost(report["cost"])
            prefix = "async_" if self.is_async else ""
            details[f"{prefix}complete_streaming_response"] = response
        self._tell(self.on_success, "success", response)

    def _tell(self, callbacks, outcome, response):
        details = self.details
        details["standard_logging_object"] = _standard(details, outcome, response)
        arguments = (details, response, details["start_time"], details["end_time"])
        for callback in callbacks:
            if not is_logger(callback):
                self._call(callback, arguments)
            elif self.is_async:
                self._call(getattr(callback, f"async_log_{outcome}_event"), arguments)
            else:
                self._call(getattr(callback, f"log_{outcome}_event"), arguments)

    def _call(self, function, arguments):
        if not iscoroutinefunction(function):
            _guarded(function, *arguments)
        elif self.is_async:
            _run_on(self.loop, function, arguments)


def is_logger(callback):
    """Whether it is a `CustomLogger`, or as good as one."""
    return hasattr(callback, "log_success_event")


def _listed(kept, name):
    listed = kept.get(name) or ()
    return listed if isinstance(listed, (list, tuple)) else (listed,)


def _checked(callbacks):
    for callback in callbacks:
        if isinstance(callback, str):
            raise InvalidRequestError(
                f"callbacks: antiphon.litellm has no integration {callback!r}",
                param="callbacks",
                hint="give a function of (kwargs, response, start_time, end_time), or a CustomLogger",
            )
    return callbacks


def _running_loop():
    from asyncio import get_running_loop

    return get_running_loop()


def _details(kind, keywords, metadata):
    messages = keywords.get("messages", keywords.get("prompt", keywords.get("input")))
    if isinstance(messages, list):
        # A conversation is mostly gone on with in the same list.
        messages = list(messages)
    if settings.turn_off_message_logging:
        messages = REDACTED
    model = keywords.get("model")
    provider = provider_id(model, keywords.get("base_url"))
    if provider is not None and model.startswith(f"{provider}/"):
        model = model[len(provider) + 1 :]
    shaping = {name: value for name, value in keywords.items() if name not in _APART}
    return {
        "litellm_call_id": str(uuid4()),
        "call_type": kind,
        "model": model,
        "messages": messages,
        "input": messages,
        "optional_params": dict(shaping),
        "litellm_params": {
            "metadata": metadata or {},
            "custom_llm_provider": provider,
            "api_base": keywords.get("base_url"),
        },
        "custom_llm_provider": provider,
        "start_time": datetime.now(),
        "stream": bool(keywords.get("stream")),
        "user": keywords.get("user"),
        "additional_args": {},
        "log_event_type": "pre_api_call",
        **shaping,
    }


def _add_error(details, error):
    from traceback import format_exception

    details["exception"] = error
    details["traceback_exception"] = "".join(format_exception(type(error), error, error.__traceback__))


def _redacted(response):
    from copy import deepcopy

    copy = deepcopy(response)
    for choice in copy.get("choices", ()):
        for place, name in ((choice.get("message"), "content"), (choice, "text")):
            if place is not None and place.get(name) is not None:
                place[name] = REDACTED
    return copy


def _standard(details, outcome, response):
    """LiteLLM's standard logging object, of the fields that are known here."""
    usage = response.get("usage") if response is not None else None
    counts = {
        name: usage.get(name) or 0 if usage else 0
        for name in ("total_tokens", "prompt_tokens", "completion_tokens")
    }
    error = details.get("exception")
    start, end = details["start_time"].timestamp(), details["end_time"].timestamp()
    return {
        "id": (response.get("id") if response is not None else None) or details["litellm_call_id"],
        "litellm_call_id": details["litellm_call_id"],
        "call_type": details["call_type"],
        "status": outcome,
        "stream": details["stream"],
        "model": details["model"],
        "custom_llm_provider": details["custom_llm_provider"],
        "api_base": details["litellm_params"]["api_base"],
        "messages": details["messages"],
        "response": response.model_dump() if response is not None else None,
        "model_parameters": details["optional_params"],
        "metadata": details["litellm_params"]["metadata"],
        "cache_hit": details.get("cache_hit"),
        "response_cost": details["response_cost"] or 0.0,
        **counts,
        "startTime": start,
        "endTime": end,
        "response_time": end - start,
        "error_str": None if error is None else str(error),
        "error_information": None
        if error is None
        else {
            "error_class": type(error).__name__,
            "error_message": str(error),
            "error_code": str(getattr(error, "status_code", "")),
            "llm_provider": getattr(error, "llm_provider", None),
        },
    }


def _guarded(function, *arguments):
    try:
        function(*arguments)
    except Exception:
        getLogger("antiphon").exception("the callback %r failed", function)


async def _guarded_async(function, arguments):
    try:
        await function(*arguments)
    except Exception:
        getLogger("antiphon").exception("the callback %r failed", function)


#: Coroutines on their way: a loop keeps none of its own.
_tasks: set[object] = set()


def _run_on(loop, function, arguments):
    """Runs a coroutine function on the call's event loop; where that is over, on one of its own."""
    import asyncio
    from threading import Event

    # Whoever takes the turn runs it: the loop, or this thread where the loop does not come to it.
    turn = iter((True,))
    has_begun = Event()

    async def there():
        if next(turn, False):
            has_begun.set()
            await _guarded_async(function, arguments)

    def begin():
        task = loop.create_task(there())
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)

    with suppress(RuntimeError):  # it is closed
        loop.call_soon_threadsafe(begin)
    while loop.is_running():
        if has_begun.wait(0.05):
            return
    if next(turn, False):
        asyncio.run(_guarded_async(function, arguments))
