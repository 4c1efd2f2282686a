"""Runs the checks of one client in that client's own interpreter: `python harness.py FOLDER`.

A check is a function of `FOLDER/checks.py` whose name begins with `check_`; it may be a coroutine. Each
prints one line of JSON: its name, and what failed or why it was not run. Only the standard library is used
here: what a check imports is the client alone.
"""

import asyncio
import contextlib
import importlib.util
import inspect
import json
import os
import signal
import sys
import traceback
import urllib.request

# A server that asks for no key, one that does, and the keys of that one.
URL = os.environ.get("ANTIPHON_URL", "")
KEYED_URL = os.environ.get("ANTIPHON_KEYED_URL", "")
KEY = os.environ.get("ANTIPHON_KEY", "")
COLON_KEY = os.environ.get("ANTIPHON_COLON_KEY", "")

LOCAL = "local/chorister"
QUESTION = "What is the capital of France?"

# The longest that a check may take.
SECONDS = 60


def needs(*routes):
    """Marks a check as one of routes (`POST /v1/messages`) without which it is not run."""

    def mark(check):
        check.needs = routes
        return check

    return mark


def raises(kind, act):
    """The exception of that class which `act` raises."""
    try:
        act()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


async def raises_async(kind, act):
    try:
        await act()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


def routes():
    """What the server says that it has."""
    with urllib.request.urlopen(URL + "/openapi.json", timeout=10) as answer:
        paths = json.load(answer)["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


def run(check, there):
    missing = [route for route in getattr(check, "needs", ()) if route not in there]
    if missing:
        return {"skipped": f"the server has no {missing[0]}"}
    signal.alarm(SECONDS)
    try:
        outcome = check()
        if inspect.iscoroutine(outcome):
            asyncio.run(outcome)
    except BaseException:
        return {"failed": traceback.format_exc()}
    finally:
        signal.alarm(0)
    return {}


def too_long(*_):
    raise TimeoutError(f"the check took more than {SECONDS} s")


def main():
    folder = sys.argv[1]
    spec = importlib.util.spec_from_file_location("checks", os.path.join(folder, "checks.py"))
    checks = importlib.util.module_from_spec(spec)
    # The checks see this module as `harness`, not a second copy of it.
    sys.modules["harness"] = sys.modules[__name__]
    spec.loader.exec_module(checks)
    signal.signal(signal.SIGALRM, too_long)
    there = routes()
    for name, check in vars(checks).items():
        if name.startswith("check_"):
            # What a check prints itself (a seed's program does) is no outcome.
            with contextlib.redirect_stdout(sys.stderr):
                outcome = run(check, there)
            print(json.dumps({"name": name, **outcome}), flush=True)


if __name__ == "__main__":
    main()
