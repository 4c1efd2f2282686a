"""How a call of LiteLLM's goes through antiphon: its arguments, what is around it, and who hears of it."""

from threading import Lock
from time import perf_counter

import antiphon
import antiphon.litellm as settings
from antiphon._exceptions import ContextWindowExceededError
from antiphon._types import Object
from antiphon.litellm._arguments import Arguments

_lock = Lock()


def run(kind, function, given):
    """Calls `function` with what the arguments of a sync call come to."""
    call = _Call(kind, given)
    try:
        try:
            answer = function(**call.keywords)
        except ContextWindowExceededError:
            if not call.has_wider():
                raise
            answer = function(**call.keywords)
    except BaseException as error:
        call.failed(error)
        raise
    return call.answered(answer)


async def run_async(kind, function, given):
    """The same for an async call; who is told, is told on its event loop."""
    call = _Call(kind, given)
    try:
        try:
            answer = await function(**call.keywords)
        except ContextWindowExceededError:
            if not call.has_wider():
                raise
            answer = await function(**call.keywords)
    except BaseException as error:
        call.failed(error)
        raise
    return call.answered(answer)


class _Call:
    """One call on its way."""

    def __init__(self, kind, given):
        _check_budget()
        arguments = Arguments(kind, given, settings)
        self.keywords = arguments.keywords
        self.wider = arguments.wider
        self.is_rerank = kind in ("rerank", "arerank")
        self.log = None
        if arguments.prices:
            _register_price(self.keywords["model"], arguments.prices)
        if _is_heard(arguments.kept):
            from antiphon.litellm._log import Log

            self.log = Log(kind, arguments)
        self.began = perf_counter()

    def has_wider(self):
        """Whether there is a model of a larger context for this one; it is the call's from then on."""
        wider = self.wider.get(self.keywords.get("model"))
        if wider is not None:
            self.keywords = {**self.keywords, "model": wider}
        return wider is not None

    def failed(self, error):
        if self.log is not None:
            self.log.reporter.failed(error)

    def answered(self, answer):
        if self.log is not None:
            self.log.reporter.answered(getattr(answer, "_stream", answer))
        if isinstance(answer, Object):
            if self.is_rerank and answer.get("meta") is None:
                _add_meta(answer)
            hidden = answer._hidden_params
            hidden["_response_ms"] = (perf_counter() - self.began) * 1000
            add_cost(hidden.get("response_cost"))
        return answer


def _add_meta(answer):
    """Puts the counts where LiteLLM has them, whoever gave them."""
    if answer.usage is not None:
        counts = answer.usage.prompt_tokens
        answer.meta = {"billed_units": {"total_tokens": counts}, "tokens": {"input_tokens": counts}}


def add_cost(cost):
    """Counts what a call cost towards `max_budget`."""
    if settings.max_budget and cost:
        with _lock:
            settings._current_cost += cost


def _check_budget():
    if settings.max_budget and settings._current_cost > settings.max_budget:
        from antiphon.litellm._exceptions import BudgetExceededError

        raise BudgetExceededError(settings._current_cost, settings.max_budget)


def _is_heard(kept):
    return bool(
        settings.callbacks
        or settings.success_callback
        or settings.failure_callback
        or settings.input_callback
        or settings.max_budget
        or any(kept.get(name) for name in ("callbacks", "success_callback", "failure_callback"))
    )


#: Prices of calls that named them, so that each is registered once.
_registered: dict[str, object] = {}


def _register_price(model, prices):
    if _registered.get(model) != prices:
        antiphon.register_model({model: dict(prices)})
        _registered[model] = prices
