"""schemathesis against `/openapi.json`: whatever is asked, no answer is a fault of the server."""

import json
import os
import subprocess
import urllib.request

import environments

# Answered 501 by design: a client is told that there is no such thing here.
NOT_IMPLEMENTED = ["/v1/llm/fine-tunes", "/v1/llm/model-endpoints/download"]
MODELS = ["local/chorister", "llama-7b"]

# At a tenth in `make test`.
EXAMPLES = "200" if os.environ.get("ANTIPHON_SOAK") else "20"


def known_models(schema):
    """The schema with names that mean something here, and answers kept short, so that requests get beyond the
    checks of their fields more often than by chance."""
    if isinstance(schema, list):
        return [known_models(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: known_models(value) for name, value in schema.items()}
    if schema.get("name") == "model_endpoint_name":
        schema["schema"] = {"enum": MODELS}
    properties = schema.get("properties")
    if isinstance(properties, dict):
        for name in {"model", "model_name"} & properties.keys():
            properties[name] = {"enum": MODELS}
        for name in {"max_tokens", "max_new_tokens"} & properties.keys():
            properties[name] = {"type": "integer", "minimum": 1, "maximum": 4}
    return schema


def test_no_request_is_a_fault_of_the_server(server, tmp_path):
    with urllib.request.urlopen(server.url + "/openapi.json", timeout=10) as answer:
        schema = known_models(json.load(answer))
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(schema))
    command = [environments.BUILD / "schemathesis" / "bin" / "schemathesis", "run", path, "--url", server.url]
    # One worker: with more, Python 3.11 now and then fails in hypothesis, whose threads parse source at the
    # same time (SystemError, github.com/python/cpython/issues/106905).
    command += ["--checks", "not_a_server_error", "--max-examples", EXAMPLES, "--workers", "1", "--no-color"]
    command += [
        "--phases",
        "examples,coverage,fuzzing",
        "--warnings",
        "off",
        "--suppress-health-check",
        "all",
    ]
    command += ["--generation-database", "none"]
    for excluded in NOT_IMPLEMENTED:
        command += ["--exclude-path", excluded]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=900)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    # It did get somewhere.
    assert " generated" in done.stdout
