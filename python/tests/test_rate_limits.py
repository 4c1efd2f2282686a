"""Limits of how many requests go out in a time."""

import asyncio
import itertools
import os
import time

import antiphon
import pytest
from antiphon import async_completion, completion
from faultd import Faultd, error, text


@pytest.fixture(autouse=True)
def _no_limits():
    yield
    antiphon.set_default_request_rate_limit(None)
    for key in (None, "canary-1", "canary-2"):
        antiphon.set_request_rate_limit("openai/m", key, None)


def options(upstream, **more):
    return {"model": "openai/m", "base_url": f"{upstream.url}/v1", "api_key": "canary-1", **more}


def gaps(upstream):
    at = [request["at_ms"] for request in upstream.requests()]
    return [later - earlier for earlier, later in itertools.pairwise(at)]


def test_calls_are_spaced_sync_and_async():
    with Faultd(text("Hello.")) as upstream:
        antiphon.set_request_rate_limit("openai/m", None, 10, "per-second")
        completion("hi", **options(upstream))

        async def three():
            await asyncio.gather(*(async_completion("hi", **options(upstream)) for _ in range(3)))

        asyncio.run(three())
        assert min(gaps(upstream)) > 80, gaps(upstream)


def test_retries_are_spaced_too():
    with Faultd([error(500, "down"), error(500, "down"), text("Hello.")]) as upstream:
        antiphon.set_default_request_rate_limit(600)
        completion("hi", **options(upstream, retry_delay=0))
        assert len(gaps(upstream)) == 2
        assert min(gaps(upstream)) > 80


def test_a_key_has_a_limit_of_its_own():
    with Faultd(text("Hello.")) as upstream:
        antiphon.set_request_rate_limit("openai/m", "canary-1", 1, "per-hour")
        completion("hi", **options(upstream))
        for _ in range(3):
            completion("hi", **options(upstream, api_key="canary-2"))
        with pytest.raises(antiphon.RateLimitError, match=r"openai/m \(1 an hour\)") as caught:
            completion("hi", **options(upstream, timeout=5))
        assert "canary" not in repr(caught.value) + str(caught.value)
        assert len(upstream.requests()) == 4


def test_a_change_lets_those_go_on_who_wait():
    with Faultd(text("Hello.")) as upstream:
        antiphon.set_request_rate_limit("openai/m", None, 1, "per-hour")

        async def both():
            first = asyncio.create_task(async_completion("hi", **options(upstream, timeout=7200)))
            await first
            waiting = asyncio.create_task(async_completion("hi", **options(upstream, timeout=7200)))
            await asyncio.sleep(0.1)
            assert not waiting.done()
            antiphon.set_request_rate_limit("openai/m", None, None)
            return await asyncio.wait_for(waiting, 10)

        assert asyncio.run(both()).choices[0].message.content == "Hello."


def test_mocked_and_local_calls_do_not_wait():
    antiphon.set_default_request_rate_limit(1, "per-hour")
    began = time.monotonic()
    for _ in range(3):
        completion("hi", "openai/m", mock_response="x")
        completion("hi", "local/chorister", max_tokens=1)
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("openai/m", None, 0), "request_rate: must be above 0"),
        (("openai/m", None, float("nan")), "request_rate: must be above 0"),
        (("openai/m", None, -1), "request_rate: must be above 0"),
        (("openai/m", None, 1, "per-day"), "request_rate_unit: must be"),
        (("nobody/m", None, 1), "there is no provider"),
        (("local/chorister", None, 1), "runs in this process"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(antiphon.AntiphonError, match=message):
        antiphon.set_request_rate_limit(*arguments)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_keeps_to_the_limits(python):
    with Faultd(text("Hello.")) as upstream:
        python(
            """
import os, sys, antiphon
antiphon.set_request_rate_limit("openai/m", "canary-1", 1, "per-hour")
call = lambda: antiphon.completion(
    "hi", "openai/m", base_url=sys.argv[1], api_key="canary-1", timeout=5)
call()
child = os.fork()
if child == 0:
    call()
    try:
        call()
    except antiphon.RateLimitError:
        sys.exit(0)
    sys.exit(1)
assert os.waitpid(child, 0)[1] == 0
""",
            f"{upstream.url}/v1",
        )
        assert len(upstream.requests()) == 2
