"""Every test runs with a configuration of its own and none of the user's keys."""

import os
import subprocess
import sys

import hosted
import pytest
from faultd import Faultd

CHORISTER = "local/chorister"


@pytest.fixture(autouse=True, scope="session")
def _no_configuration(tmp_path_factory):
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_BASE_URL", "_AUTH_TOKEN")) or name.startswith("ANTIPHON_MODEL"):
            del os.environ[name]
    os.environ["ANTIPHON_CONFIG_DIR"] = str(tmp_path_factory.mktemp("config"))


@pytest.fixture
def python():
    """Runs a program in a fresh interpreter and returns its finished process."""

    def run(code, *arguments, timeout=60, check=True):
        command = [sys.executable, "-X", "faulthandler", "-c", code, *arguments]
        process = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
        assert not hosted.secret_in(process.stdout + process.stderr)
        if check:
            assert process.returncode == 0, process.stderr
        return process

    return run


@pytest.fixture
def upstream():
    """An upstream of the test's own; without a script it answers everything."""
    with Faultd() as upstream:
        yield upstream


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """The key stands in nothing that a test prints, logs or warns of, whatever else the test is about."""
    report = yield
    if report.passed and any(hosted.secret_in(text) for _, text in report.sections):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} shows the key in what it printed or logged"
    return report


def soak(tenth):
    """A count that `make test` runs at a tenth, and `make soak` whole."""
    return tenth * 10 if os.environ.get("ANTIPHON_SOAK") else tenth
