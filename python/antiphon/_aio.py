"""How an event loop waits for the runtime. Imported by the first call that has to wait.

The runtime's threads never touch Python: they leave a token in the loop's hub, and one wake-up of the loop
takes all tokens that are there.
"""

from asyncio import get_running_loop
from itertools import count
from weakref import WeakKeyDictionary, ref

from ._antiphon import CompletionStream, Hub, Pending, Reporter, begin


class _Waiters:
    """The futures of one event loop that wait for the runtime."""

    def __init__(self, loop):
        self.hub = Hub()
        self.tokens = count(1)
        self.futures = {}
        try:
            loop.add_reader(self.hub.fileno(), self.drain)
        except (AttributeError, NotImplementedError):
            _start_thread(self, loop)

    def drain(self):
        for token in self.hub.drain():
            future = self.futures.pop(token, None)
            # One whose task was cancelled is done already.
            if future is not None and not future.done():
                future.set_result(None)

    async def ready(self, source):
        """Waits until `source` has something to take."""
        token = next(self.tokens)
        future = self.futures[token] = get_running_loop().create_future()
        try:
            if not source.arm(self.hub, token):
                await future
        finally:
            self.futures.pop(token, None)


def _start_thread(waiters, loop):
    """For loops that cannot watch a file: a thread waits in their place."""
    from threading import Thread

    # The thread must not keep the loop alive; the hub is closed with it.
    hub = waiters.hub
    loop_ref = ref(loop, lambda _: hub.close())

    def watch():
        while hub.wait(1.0):
            loop = loop_ref()
            if loop is None or loop.is_closed():
                return
            loop.call_soon_threadsafe(waiters.drain)
            del loop

    Thread(target=watch, name="antiphon-loop", daemon=True).start()


# A loop that is gone takes its waiters with it.
_LOOPS = WeakKeyDictionary()


async def ready(source):
    """Waits until `source`, a pending call or a stream, has something to take."""
    loop = get_running_loop()
    waiters = _LOOPS.get(loop)
    if waiters is None:
        waiters = _LOOPS[loop] = _Waiters(loop)
    await waiters.ready(source)


async def finish(begun):
    """The answer of a call that was begun; when this is cancelled, so is the call."""
    if type(begun) is CompletionStream:
        return AsyncCompletionStream(begun)
    if type(begun) is not Pending:
        return begun
    try:
        await ready(begun)
        answer = begun.take()
    finally:
        begun.close()
    return AsyncCompletionStream(answer) if type(answer) is CompletionStream else answer


async def reported(args, kwargs, operation="chat"):
    """A call that ``antiphon.callbacks`` are to hear of."""
    reporter = Reporter(args, kwargs, operation)
    try:
        answer = await finish(begin(args, kwargs, operation))
    except BaseException as error:
        reporter.failed(error)
        raise
    reporter.answered(answer._stream if type(answer) is AsyncCompletionStream else answer)
    return answer


async def answered(args, kwargs, operation):
    """The answer of a call of that kind."""
    import antiphon

    if antiphon.callbacks:
        return await reported(args, kwargs, operation)
    return await finish(begin(args, kwargs, operation))


class AsyncCompletionStream:
    """The answer of a call with ``stream=True``, in chunks, as they come.

    Iterate over it with ``async for``; or use it in an ``async with``, so that leaving the block early ends
    the call. Dropping it ends the call, too.
    """

    __slots__ = ("__weakref__", "_stream")

    def __init__(self, stream):
        self._stream = stream

    def __class_getitem__(cls, form):
        return cls

    def __aiter__(self):
        return self

    async def __anext__(self):
        stream = self._stream
        while (chunk := stream.poll()) is None:
            await ready(stream)
        return chunk

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind=None, error=None, traceback=None):
        await self.aclose()

    async def aclose(self):
        """Ends the call; what has come stays in ``response``."""
        self._stream.close()

    close = aclose

    @property
    def response(self):
        """The answer so far, as a ``ModelResponse``; whole, with usage, after the last chunk."""
        return self._stream.response

    @property
    def partial(self):
        """What the JSON of the answer says so far, as plain values; ``None`` while there is nothing of it."""
        return self._stream.partial

    @property
    def parsed(self):
        """The instance of ``response_format``, after the last chunk; else ``None``."""
        return self._stream.parsed

    @property
    def usage(self):
        """Token counts, once they are known; else ``None``."""
        return self._stream.usage

    @property
    def _hidden_params(self):
        return self._stream._hidden_params

    def __reduce__(self):
        return self._stream.__reduce__()


AsyncCompletionStream.__module__ = "antiphon"
