"""Every test runs with a configuration of its own and none of the user's keys."""

import os
import subprocess
import sys

import pytest

CHORISTER = "local/chorister"


@pytest.fixture(autouse=True, scope="session")
def _no_configuration(tmp_path_factory):
    for name in list(os.environ):
        if name.endswith("_API_KEY") or name.startswith("ANTIPHON_MODEL"):
            del os.environ[name]
    os.environ["ANTIPHON_CONFIG_DIR"] = str(tmp_path_factory.mktemp("config"))


@pytest.fixture
def python():
    """Runs a program in a fresh interpreter and returns its finished process."""

    def run(code, *arguments, timeout=60, check=True):
        command = [sys.executable, "-X", "faulthandler", "-c", code, *arguments]
        process = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
        if check:
            assert process.returncode == 0, process.stderr
        return process

    return run


def soak(tenth):
    """A count that `make test` runs at a tenth, and `make soak` whole."""
    return tenth * 10 if os.environ.get("ANTIPHON_SOAK") else tenth
