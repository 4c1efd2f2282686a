"""The thread that hands reports of finished calls on to ``antiphon.callbacks``.

Imported for the first report. Calls leave their reports in a queue, so that none waits for a callback and
none is hurt by one.
"""

import os
from atexit import register
from queue import SimpleQueue
from threading import Lock, Thread

from ._antiphon import mute

#: How long the end of the process waits for reports that are on their way, in seconds.
FLUSH = 1.0

#: Pairs of the callbacks and the report that each of them gets; ``None`` while there is no thread.
queue = None

_lock = Lock()


def start():
    """Starts the thread and returns its queue; ``None`` where no thread is to be had."""
    global queue
    with _lock:
        if queue is None:
            reports = SimpleQueue()
            thread = Thread(target=_work, args=(reports,), name="antiphon-callbacks", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                # Mostly because the interpreter is ending.
                return None
            register(_flush, reports, thread, os.getpid())
            queue = reports
        return queue


def _work(reports):
    mute()
    failed = set()
    while (item := reports.get()) is not None:
        callbacks, report = item
        for callback in callbacks:
            try:
                callback(dict(report))
            except BaseException:
                if id(callback) not in failed:
                    failed.add(id(callback))
                    from logging import getLogger

                    getLogger("antiphon").exception("the callback %r failed; this is said once", callback)
        # Nothing of a call is kept while the next one is waited for.
        del item, callbacks, report


def _flush(reports, thread, process):
    if process == os.getpid():
        reports.put(None)
        thread.join(FLUSH)


def _begin_anew():
    """A forked child has a thread of its own; what the parent had not handed on yet, the parent does."""
    global queue, _lock
    queue, _lock = None, Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
