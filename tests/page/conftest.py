"""A headless Chromium on the server's page. Without one these tests are skipped."""

import contextlib
import json
import shutil
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "clients"))

import serving
import upstreams
from upstreams import faultd

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

KEYS = """
[[serve.keys]]
name = "all"
key = "canary-key-all"

[[serve.keys]]
name = "few"
key = "canary-key-few"
models = ["house"]
"""

CONFIG = """
[aliases]
house = "echo/m"
fast = "local/chorister"
"""


def call(url, model, content="hi", key=None, **more):
    """Asks as any client does; the status and the id of the request."""
    body = {"model": model, "messages": [{"role": "user", "content": content}], **more}
    headers = {"content-type": "application/json"} | ({"x-api-key": key} if key else {})
    request = urllib.request.Request(url + "/v1/chat/completions", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()
            return answer.status, answer.headers["x-request-id"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["x-request-id"]


@pytest.fixture(scope="session")
def ask():
    return call


@pytest.fixture(scope="session")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium; Debian's package is `chromium`")
    with playwright.sync_playwright() as running:
        # What the processes share lies in /tmp, for in a container /dev/shm is small. A name that is not this
        # machine's leads here all the same.
        arguments = ["--disable-dev-shm-usage", "--host-resolver-rules=MAP elsewhere.test 127.0.0.1"]
        browser = running.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def upstream():
    with faultd.Faultd(upstreams.script()) as running:
        yield running


@pytest.fixture(scope="session")
def server(chromium, upstream, tmp_path_factory):
    """A server that asks for no key."""
    config = CONFIG + upstreams.config(upstream.url)
    with serving.Server(tmp_path_factory.mktemp("open"), config) as running:
        yield running


@pytest.fixture
def keyed(chromium, upstream, tmp_path):
    """A server that does."""
    with serving.Server(tmp_path, CONFIG + upstreams.config(upstream.url) + KEYS) as running:
        yield running


@pytest.fixture
def serve(chromium, tmp_path):
    """Starts a server whose provider `up` answers as the script says."""
    with contextlib.ExitStack() as stack:

        def start(script):
            upstream = stack.enter_context(faultd.Faultd(script))
            config = f'[providers.up]\nbase_url = "{upstream.url}/v1"\napi_key = "k"\n'
            return stack.enter_context(serving.Server(tmp_path, config)), upstream

        yield start


@pytest.fixture
def visit(chromium):
    """Opens the page of a server. Nothing but that server may be asked, and the console stays silent but for
    what a test `expects` there: statuses of answers, mostly.
    """
    visits = []

    def open_page(server, expects=(), **options):
        context = chromium.new_context(**options)
        page = context.new_page()
        page.set_default_timeout(10_000)
        problems = []
        visits.append((context, problems))
        host = urlsplit(server.url).netloc

        def hear(message):
            is_expected = any(str(what) in message.text for what in expects)
            if message.type in ("error", "warning") and not is_expected:
                problems.append(message.text)

        def follow(request):
            if urlsplit(request.url).netloc != host:
                problems.append(f"asks {request.url}")

        page.on("console", hear)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", follow)
        page.goto(server.url + "/")
        return page

    yield open_page
    for context, problems in visits:
        context.close()
        assert not problems
