"""Reports of finished calls to those who asked for them: the functions in ``antiphon.callbacks``.

Imported by the first call that finds one there. A call leaves its report in a queue; one daemon thread of
Python's hands the reports on, so that no call waits for a callback and none is hurt by one.
"""

import os
from atexit import register
from os import getpid
from queue import SimpleQueue
from threading import Lock, Thread, get_ident
from time import perf_counter, time

import antiphon

from ._antiphon import CompletionStream, begin, given, unwatched

#: How long the end of the process waits for reports that are on their way, in seconds.
FLUSH = 1.0


def completion(args, kwargs):
    """``antiphon.completion``, reported."""
    report = _Report(args, kwargs)
    try:
        answer = unwatched(*args, **kwargs)
    except BaseException as error:
        report.failed(error)
        raise
    return report.answered(answer)


async def async_completion(args, kwargs):
    """``antiphon.async_completion``, reported."""
    from ._aio import finish

    report = _Report(args, kwargs)
    try:
        answer = await finish(begin(args, kwargs))
    except BaseException as error:
        report.failed(error)
        raise
    return report.answered(answer)


class _Report:
    """What is told of one call."""

    def __init__(self, args, kwargs):
        try:
            messages, self.model = given(args, kwargs)
        except TypeError:
            # The call says what is wrong with its arguments.
            messages = self.model = None
        # A conversation is mostly gone on with in the same list.
        self.messages = list(messages) if isinstance(messages, list) else messages
        self.is_stream = bool(kwargs.get("stream"))
        self.started = time()
        self.clock = perf_counter()

    def answered(self, answer):
        stream = getattr(answer, "_stream", answer)
        if type(stream) is CompletionStream:
            self.is_stream = True
            stream.watch(self.ended)
        elif type(answer) is antiphon.ModelResponse:
            self.ended(answer, None)
        # Else nothing was called: a dry run.
        return answer

    def failed(self, error):
        self.tell("error", error, getattr(error, "llm_provider", None), getattr(error, "model", None), None)

    def ended(self, response, error):
        if error is not None:
            self.failed(error)
            return
        known = response._hidden_params
        provider, model = known.get("custom_llm_provider"), known.get("model_id")
        self.tell("response", response, provider, model, known.get("response_cost"))

    def tell(self, outcome, value, provider, model, cost):
        callbacks = tuple(antiphon.callbacks or ())
        report = {
            "model": model or self.model,
            "provider": provider,
            "messages": self.messages,
            outcome: value,
            "stream": self.is_stream,
            "started": self.started,
            "duration": perf_counter() - self.clock,
            "cost": cost,
        }
        _post.send(callbacks, report)


class _Post:
    """The thread that hands reports on, and its queue."""

    def __init__(self):
        self.process = getpid()
        self.lock = Lock()
        self.queue = SimpleQueue()
        self.thread = None
        self.failed = set()

    def send(self, callbacks, report):
        if not callbacks or not self.is_started():
            return
        # What a callback calls is not told to callbacks: that would never end.
        if get_ident() != self.thread.ident:
            self.queue.put((callbacks, report))

    def is_started(self):
        with self.lock:
            if self.thread is None:
                thread = Thread(target=self.work, name="antiphon-callbacks", daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    # There is none to be had; mostly because the interpreter is ending.
                    return False
                self.thread = thread
                register(self.flush)
        return True

    def work(self):
        while (item := self.queue.get()) is not None:
            callbacks, report = item
            for callback in callbacks:
                try:
                    callback(dict(report))
                except BaseException:
                    self.complain(callback)
            # Nothing of a call is kept while the next one is waited for.
            del item, callbacks, report

    def complain(self, callback):
        if id(callback) in self.failed:
            return
        self.failed.add(id(callback))
        from logging import getLogger

        getLogger("antiphon").exception("the callback %r failed; this is said once", callback)

    def flush(self):
        if self.process == getpid():
            self.queue.put(None)
            self.thread.join(FLUSH)


_post = _Post()


def _begin_anew():
    """A forked child has a thread of its own; what the parent had not handed on yet, the parent does."""
    global _post
    _post = _Post()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
