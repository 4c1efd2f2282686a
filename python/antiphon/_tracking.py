"""What calls leave behind: records that are gathered in memory or in a file, and what they come to."""

import json
import os
import warnings

from . import _antiphon
from ._types import Object

# Pairs of a record and whether the answer was a kept one; ``None`` while nothing is gathered.
_tracked = None


class CallLog(Object):
    """What is known of one call that is over; no prompt, no answer, no key.

    Fields: ``id``, ``started`` (seconds since 1970), ``duration`` (seconds), ``method``, ``model``,
    ``provider``, ``stream``, ``input_tokens``, ``output_tokens``, ``cached_tokens``, ``cost`` (dollars),
    ``cache_hit``, ``cache_key``, ``attempts``, ``error``. What is not known is ``None``.
    """

    @property
    def timestamp(self):
        """When the call began, as a ``datetime`` in UTC."""
        from datetime import datetime, timezone

        return datetime.fromtimestamp(self.started, timezone.utc)


CallLog.__module__ = "antiphon"


def start_tracking():
    """Gathers the record of every call from now on."""
    global _tracked
    if _tracked is not None:
        raise RuntimeError("calls are tracked already: stop_tracking() ends that")
    _antiphon.track(True)
    _tracked = []


def stop_tracking():
    """Gathers no more, and returns what was gathered: a list of pairs ``(CallLog, cache_hit)``."""
    global _tracked
    logs = get_tracked_logs()
    _antiphon.track(False)
    _tracked = None
    return logs


def get_tracked_logs():
    """What was gathered so far: a list of pairs ``(CallLog, cache_hit)``, which goes on growing."""
    if _tracked is None:
        raise RuntimeError("calls are not tracked: start_tracking() begins")
    for fields in _antiphon.take_tracked():
        log = CallLog(**fields)
        _tracked.append((log, log.cache_hit))
    return _tracked


def set_call_log_save_path(path):
    """Appends a line of JSON for every call to this file from now on; ``None``: to none."""
    _antiphon.set_call_log_path(path)


def get_call_logs(model=None, path=None):
    """The records in that file, else in that of ``set_call_log_save_path``, else those that are tracked.

    With ``model``, only those of that model, with or without its provider. Lines that are none are left out.
    """
    saved = _antiphon.written_call_log()
    if path is None:
        path = saved
    if path is not None:
        logs = list(_read(path))
    elif _tracked is not None:
        logs = [log for log, _ in get_tracked_logs()]
    else:
        raise RuntimeError("there is no call log: set_call_log_save_path() or start_tracking() begins one")
    return [log for log in logs if model in (None, log.model, f"{log.provider}/{log.model}")]


def _read(path):
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                fields = json.loads(line)
            except ValueError:
                continue
            if isinstance(fields, dict) and {"model", "cost"} <= fields.keys():
                yield CallLog(**fields)


def get_total_costs(model=None, path=None):
    """What the calls cost, in dollars, as far as it is known; a warning says of how many it is not."""
    costs = [log.cost for log in get_call_logs(model, path)]
    unknown = costs.count(None)
    if unknown:
        warnings.warn(f"{_calls(unknown)} of unknown cost not in the total", stacklevel=2)
    return sum((cost for cost in costs if cost is not None), 0.0)


def get_total_input_tokens(model=None, path=None):
    """Tokens of all prompts that were counted."""
    return sum(log.get("input_tokens") or 0 for log in get_call_logs(model, path))


def get_total_output_tokens(model=None, path=None):
    """Tokens of all answers that were counted."""
    return sum(log.get("output_tokens") or 0 for log in get_call_logs(model, path))


def get_total_tokens(model=None, path=None):
    """Tokens of all prompts and answers that were counted."""
    logs = get_call_logs(model, path)
    return sum((log.get("input_tokens") or 0) + (log.get("output_tokens") or 0) for log in logs)


def print_tracking_stats(call_logs=None, prepend="", get_as_str=False):
    """Prints how many calls there were and what they cost, or returns that as text.

    ``call_logs``: pairs as ``get_tracked_logs()`` has them, which is the default, or records alone.
    """
    pairs = get_tracked_logs() if call_logs is None else map(_pair, call_logs)
    pairs = list(pairs)
    new = [log for log, cache_hit in pairs if not cache_hit]
    text = "\n".join(
        prepend + line
        for line in (
            f"Total calls: {len(pairs)}",
            f"New calls: {len(new)}",
            f"Cache hits: {len(pairs) - len(new)}",
            "Costs:",
            *_costs("Including cache hits", [log for log, _ in pairs]),
            *_costs("Excluding cache hits", new),
        )
    )
    if get_as_str:
        return text
    print(text)
    return None


def _pair(log):
    return log if isinstance(log, (tuple, list)) else (log, log.cache_hit)


def _costs(title, logs):
    known = [log.cost for log in logs if log.cost is not None]
    yield f"  {title}:"
    yield f"    Total costs: ${sum(known):.6f}"
    yield f"    Average cost per call: {f'${sum(known) / len(known):.6f}' if known else 'unknown'}"
    if len(known) < len(logs):
        yield f"    {_calls(len(logs) - len(known))} of unknown cost not in these"


def _calls(count):
    return "1 call is" if count == 1 else f"{count} calls are"
