"""The official clients, unmodified, against `antiphon serve`. The checks are in each client's folder."""

import ast
from pathlib import Path

import environments
import pytest

HERE = Path(__file__).resolve().parent


def names(client):
    tree = ast.parse((HERE / client / "checks.py").read_text())
    functions = (node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
    return [function.name for function in functions if function.name.startswith("check_")]


# schemathesis checks by itself.
CLIENTS = [client for client in environments.CLIENTS if (HERE / client / "checks.py").exists()]
CHECKS = [(client, name) for client in CLIENTS for name in names(client)]


@pytest.mark.parametrize(("client", "name"), CHECKS, ids=lambda value: value.removeprefix("check_"))
def test_check(outcomes, client, name):
    outcome = outcomes(client).get(name)
    assert outcome is not None, f"it was not run: {outcomes(client)['stderr']}"
    if skipped := outcome.get("skipped"):
        pytest.skip(skipped)
    assert not outcome.get("failed"), outcome["failed"]


@pytest.mark.parametrize("client", CLIENTS)
def test_no_upstream_key_is_shown(outcomes, client):
    from upstreams import UPSTREAM_KEY

    assert UPSTREAM_KEY not in str(outcomes(client))
