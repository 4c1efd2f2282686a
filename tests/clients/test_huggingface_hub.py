"""The hub's own client and `antiphon zoo` share one cache: what either gets, the other finds."""

import importlib.util
import subprocess
from pathlib import Path

import environments
import pytest
import serving

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("hub", ROOT / "python" / "tests" / "hub.py")
hub = importlib.util.module_from_spec(spec)
spec.loader.exec_module(hub)

REPOSITORY, FILE = "someone/tiny-GGUF", "tiny-Q8_0.gguf"
# As it begins, that is what it is.
CONTENT = b"GGUF" + bytes(range(256)) * 400

DOWNLOAD = f"""
import sys
from huggingface_hub import hf_hub_download
offline = sys.argv[1] == "offline"
print(hf_hub_download({REPOSITORY!r}, {FILE!r}, local_files_only=offline))
"""


@pytest.fixture
def servers():
    with hub.Hub() as running:
        running.files[f"{REPOSITORY}/{FILE}"] = CONTENT
        yield running


@pytest.fixture
def variables(servers, tmp_path):
    unset = {"HF_TOKEN": "", "HF_HUB_OFFLINE": "", "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    places = {"HF_HOME": str(tmp_path / "home"), "HF_ENDPOINT": servers.url}
    return serving.clean_environment(tmp_path) | unset | places


def run(command, variables):
    done = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=60)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip().splitlines()[-1])


def theirs(word, variables):
    return run([environments.python("huggingface_hub"), "-c", DOWNLOAD, word], variables)


def test_their_client_finds_what_pull_got(servers, variables):
    run([serving.binary(), "zoo", "pull", REPOSITORY], variables)
    path = run([serving.binary(), "zoo", "path", REPOSITORY], variables)
    assert servers.ranges == [None]
    assert theirs("offline", variables) == path
    assert path.read_bytes() == CONTENT


def test_pull_finds_what_their_client_got(servers, variables):
    path = theirs("online", variables)
    asked = list(servers.ranges)
    run([serving.binary(), "zoo", "pull", REPOSITORY], variables)
    assert run([serving.binary(), "zoo", "path", REPOSITORY], variables) == path
    assert asked
    assert servers.ranges == asked
