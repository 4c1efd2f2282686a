"""The servers and the upstream of all clients, and what each client's checks came to."""

import contextlib
import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import environments  # noqa: E402
import serving  # noqa: E402
import upstreams  # noqa: E402
from upstreams import faultd  # noqa: E402

KEY = "canary-key-0123456789"
COLON_KEY = "canary:key:with:colons"

# The names of the seeds, on a model that is there.
ALIASES = """
[aliases]
"llama-7b" = "local/chorister"
"falcon-7b" = "local/chorister"
"falcon-7b-instruct" = "local/chorister"
"meta-llama/Llama-2-7b" = "local/chorister"
"""


@pytest.fixture(scope="session")
def upstream():
    with faultd.Faultd(upstreams.script()) as running:
        yield running


@pytest.fixture(scope="session")
def server(upstream, tmp_path_factory):
    """A server that asks for no key."""
    config = ALIASES + upstreams.config(upstream.url)
    with serving.Server(tmp_path_factory.mktemp("open"), config) as running:
        yield running


@pytest.fixture(scope="session")
def keyed(upstream, tmp_path_factory):
    """A server that does."""
    keys = f"""
[[serve.keys]]
name = "team"
key = "{KEY}"

[[serve.keys]]
name = "colon"
key = "{COLON_KEY}"
"""
    config = ALIASES + upstreams.config(upstream.url) + keys
    with serving.Server(tmp_path_factory.mktemp("keyed"), config) as running:
        yield running


@pytest.fixture(scope="session")
def environment(server, keyed, tmp_path_factory):
    """What a client's process finds in its environment. It loads no proxy and checks no version."""
    return serving.clean_environment(tmp_path_factory.mktemp("client")) | {
        "ANTIPHON_URL": server.url,
        "ANTIPHON_KEYED_URL": keyed.url,
        "ANTIPHON_KEY": KEY,
        "ANTIPHON_COLON_KEY": COLON_KEY,
        "LLM_ENGINE_BASE_PATH": server.url + "/llm-engine/",
        "LLM_ENGINE_DISABLE_VERSION_CHECK": "1",
        "PYTHONPATH": str(HERE),
    }


@pytest.fixture(scope="session")
def outcomes(environment):
    """What the checks of a client came to, by name. All of them run in one process, once."""
    known = {}

    def run(client):
        if client not in known:
            command = [environments.python(client), HERE / "harness.py", HERE / client]
            done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=900)
            known[client] = {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}
            known[client]["stderr"] = done.stderr
        return known[client]

    return run


@pytest.fixture(scope="session")
def has_route(server):
    """Whether the server has a route, whatever its method."""
    with urllib.request.urlopen(server.url + "/openapi.json", timeout=10) as answer:
        paths = json.load(answer)["paths"]
    return lambda path: path in paths


@pytest.fixture
def start(environment):
    """Starts a program in a client's interpreter; in a `with` statement it is ended, too."""

    @contextlib.contextmanager
    def run(client, code, **variables):
        command = [environments.python(client), "-c", code]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
        with subprocess.Popen(command, env=environment | variables, **pipes) as process:
            try:
                yield process
            finally:
                process.kill()

    return run
