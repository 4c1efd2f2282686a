"""``batch_executor``: one function over many rows, so many at once, and no result lost.

Imported on first use.
"""

from asyncio import CancelledError, create_task, get_running_loop, wait
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from inspect import isawaitable, iscoroutinefunction
from operator import index

#: How many asynchronous calls are under way at once where no limit is given: fewer than the files that a
#: process may have open on most systems.
CALLS = 256

#: The same for calls in threads, each of which is one.
THREADS = 32


async def batch_executor(
    func,
    constant_kwargs=None,
    batch_args=None,
    batch_kwargs=None,
    concurrency_limit=None,
    verbose=True,
    progress_bar_desc="Processing",
    return_exceptions=False,
):
    """Calls ``func`` once for every row and returns the results in the rows' order.

    A row's positional arguments are a tuple of ``batch_args``, its keyword arguments a dict of
    ``batch_kwargs``; where both are given they are as many. ``constant_kwargs`` go to every call; where a row
    names the same, the row's holds. ``func`` may be asynchronous; one that is not runs in threads.

    At most ``concurrency_limit`` calls are under way at once; 256 if not given, 32 in threads. ``verbose``
    shows a progress bar on stderr, tqdm's where that is installed.

    Every row is called, whatever becomes of the others. Then, if some failed, the error of the first of them
    is raised; its ``results`` is the list of all results, with the errors in their places.
    ``return_exceptions=True`` returns that list instead. Cancelling the task cancels the calls that are under
    way, and begins no other.
    """
    if not callable(func):
        raise TypeError(f"func must be a function, got {type(func).__name__}")
    rows = _Rows(constant_kwargs, batch_args, batch_kwargs)
    calls = _Calls(func, _limit(concurrency_limit))
    if not len(rows):
        return []
    bar = _progress(progress_bar_desc, len(rows)) if verbose else None
    batch = _Batch(calls, rows, bar)
    try:
        await batch.run()
    finally:
        calls.close()
        if bar is not None:
            bar.close()
    if batch.failed and not return_exceptions:
        raise _carrying(batch.results[min(batch.failed)], batch.results)
    return batch.results


def as_dict(**kwargs):
    """Its keyword arguments, as a dict: ``as_dict(model="gpt-4o-mini", temperature=0)``."""
    return kwargs


# Where they are found, for pickles and for the reader of a traceback.
batch_executor.__module__ = as_dict.__module__ = "antiphon"


class _Batch:
    """Rows that lanes take one by one, and what has become of them."""

    def __init__(self, calls, rows, bar):
        self.calls = calls
        self.lanes = min(calls.limit, len(rows))
        self.rows = enumerate(rows)
        self.bar = bar
        self.results = [None] * len(rows)
        self.failed = set()
        self.is_cancelled = False

    async def run(self):
        tasks = {create_task(self.lane()) for _ in range(self.lanes)}
        try:
            await wait(tasks)
        except CancelledError:
            self.is_cancelled = True
            await _end(tasks)
            raise
        for task in tasks:
            # Only what is no `Exception` (of pytest, say) gets as far as here.
            task.result()

    async def lane(self):
        for place, (args, kwargs) in self.rows:
            # A task of its own: what a row sets (a context variable) or cancels is the row's alone.
            row = create_task(self.calls.call(args, kwargs))
            try:
                self.results[place] = await row
            except CancelledError as error:
                if self.is_cancelled or not row.cancelled():
                    raise
                self.fail(place, error)
            except Exception as error:
                self.fail(place, error)
            if self.is_cancelled:
                # The row went on in spite of it.
                return
            if self.bar is not None:
                self.bar.update(1)

    def fail(self, place, error):
        self.results[place] = error
        self.failed.add(place)


async def _end(tasks):
    """Cancels tasks and waits for their ends, however often that is cancelled in turn."""
    while tasks:
        for task in tasks:
            task.cancel()
        try:
            _, tasks = await wait(tasks)
        except CancelledError:
            tasks = {task for task in tasks if not task.done()}


class _Calls:
    """Calls of one function: asynchronous ones in the event loop, others in threads of the batch's own.

    Those of `asyncio.to_thread` are a few for the whole loop, fewer than the concurrency that was asked for.
    """

    def __init__(self, func, limit):
        self.func = func
        self.threads = None
        is_asynchronous = iscoroutinefunction(func) or iscoroutinefunction(type(func).__call__)
        self.limit = limit or (CALLS if is_asynchronous else THREADS)
        if not is_asynchronous:
            self.threads = ThreadPoolExecutor(self.limit, "antiphon-batch")

    def close(self):
        if self.threads is not None:
            # A call that was cancelled ends in its thread, and nobody waits for it.
            self.threads.shutdown(wait=False, cancel_futures=True)

    async def call(self, args, kwargs):
        if self.threads is None:
            return await self.func(*args, **kwargs)
        run = copy_context().run
        loop = get_running_loop()
        result, error = await loop.run_in_executor(self.threads, run, _outcome, self.func, args, kwargs)
        if error is not None:
            raise error
        # A plain function around an asynchronous one: `lambda row: async_single(row)`.
        return await result if isawaitable(result) else result


def _outcome(func, args, kwargs):
    """A result and an error. A future cannot hold every error that a function can raise."""
    try:
        return func(*args, **kwargs), None
    except BaseException as error:
        return None, error


def _progress(description, total):
    from ._progress import progress

    return progress(description, total)


def _carrying(error, results):
    # Past the `__setattr__` of its class, which may be frozen. A `results` of its own that cannot be set
    # stays.
    with suppress(AttributeError):
        BaseException.__setattr__(error, "results", results)
    return error


def _limit(limit):
    if limit is None:
        return None
    try:
        limit = index(limit)
    except TypeError:
        message = f"concurrency_limit must be a whole number or None, got {type(limit).__name__}"
        raise TypeError(message) from None
    if limit < 1:
        raise ValueError(f"concurrency_limit must be at least 1, got {limit}")
    return limit


class _Rows:
    """The arguments of each call, put together when it is its turn."""

    def __init__(self, constant_kwargs, batch_args, batch_kwargs):
        self.constant = {} if constant_kwargs is None else constant_kwargs
        if not isinstance(self.constant, Mapping):
            raise TypeError(f"constant_kwargs must be a dict, got {type(self.constant).__name__}")
        args = _each("batch_args", batch_args, (tuple, list), "a tuple or a list of arguments")
        kwargs = _each("batch_kwargs", batch_kwargs, Mapping, "a dict of arguments")
        if args is None and kwargs is None:
            raise ValueError("there is nothing to call func with: give batch_args or batch_kwargs")
        self.args = [()] * len(kwargs) if args is None else args
        self.kwargs = [{}] * len(args) if kwargs is None else kwargs
        if len(self.args) != len(self.kwargs):
            raise ValueError(
                f"batch_args has {len(args)} rows and batch_kwargs has {len(kwargs)}; they must be as many"
            )

    def __len__(self):
        return len(self.args)

    def __iter__(self):
        for args, kwargs in zip(self.args, self.kwargs, strict=True):
            yield args, {**self.constant, **kwargs}


def _each(name, rows, form, what):
    if rows is None:
        return None
    if isinstance(rows, Mapping):
        raise TypeError(f"{name} must be a list, got {type(rows).__name__}")
    rows = list(rows)
    for place, row in enumerate(rows):
        if not isinstance(row, form):
            raise TypeError(f"{name}[{place}] must be {what}, got {type(row).__name__}")
    return rows
