"""The official clients, unmodified, against `antiphon serve`. The checks are in each client's folder."""

import ast
from pathlib import Path

import environments
import pytest

HERE = Path(__file__).resolve().parent


def names(client):
    """The checks of a client, with those of the one that it names as ``SHARED``."""
    tree = ast.parse((HERE / client / "checks.py").read_text())
    found = {}
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="SHARED")], value=ast.Constant(value=other)):
                found.update(dict.fromkeys(names(other)))
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if name.startswith("check_"):
                found[name] = None
    return list(found)


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
