"""What LLM Engine's clients do not show of its wire: raw requests, as the contract lists them."""

import base64
import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

SYNC, STREAM = "/v1/llm/completions-sync", "/v1/llm/completions-stream"
QUERY = "?model_endpoint_name=llama-7b"
BODY = {"prompt": "What is the capital of France?", "max_new_tokens": 8, "temperature": 0}


@pytest.fixture(autouse=True)
def _there(has_route):
    if not has_route(SYNC):
        pytest.skip(f"the server has no POST {SYNC}")


def send(url, method, path, body=None, headers=()):
    """Status, headers and bytes of one request on a connection of its own."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        content = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
        given = {"content-type": "application/json", "x-api-key": "root", **dict(headers)}
        connection.request(method, path, content, given)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def answered(url, path, **fields):
    status, _, content = send(url, "POST", path + QUERY, {**BODY, **fields})
    assert status == 200, content
    return json.loads(content)


def test_several_prompts_are_answered_in_order(server):
    prompts = ["What is the capital of France?", "2 + 2 = "]
    answer = answered(server.url, SYNC, prompt=None, prompts=prompts, max_new_tokens=20)
    assert len(answer["outputs"]) == 2
    assert "Paris" in answer["outputs"][0]["text"]


def test_the_older_path(server):
    old = answered(server.url, "/v1/llm/completion-sync")
    assert old["output"] == answered(server.url, SYNC)["output"]


def test_the_bytes_of_a_stream(server):
    asked = {"accept-encoding": "gzip, deflate"}
    status, headers, content = send(server.url, "POST", STREAM + QUERY, BODY, asked)
    assert status == 200
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["transfer-encoding"] == "chunked"
    assert "content-encoding" not in headers
    events = [event for event in content.decode().replace("\r\n", "\n").split("\n\n") if event]
    data = [event for event in events if not event.startswith(":")]
    assert all(event.startswith("data: ") for event in data)
    assert "[DONE]" not in content.decode()
    assert [json.loads(event[6:])["output"]["finished"] for event in data].count(True) == 1


KEY = "canary-key-0123456789"
COLON_KEY = "canary:key:with:colons"


def basic(key):
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


@pytest.mark.parametrize("key", [KEY, COLON_KEY])
def test_every_way_to_present_a_key(keyed, key):
    nothing = {"x-api-key": ""}
    for headers in [
        {"x-api-key": key},
        nothing | {"authorization": f"Bearer {key}"},
        nothing | {"authorization": basic(key)},
    ]:
        assert send(keyed.url, "POST", SYNC + QUERY, BODY, headers)[0] == 200, headers
    assert send(keyed.url, "POST", SYNC + QUERY, BODY)[0] == 401


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", SYNC + "?model_endpoint_name=nobody", BODY, 404),
        ("POST", SYNC, BODY, 400),
        ("POST", SYNC + QUERY, "{", 400),
        ("POST", SYNC + QUERY, [], 400),
        ("POST", SYNC + QUERY, {"prompt": 5}, 400),
        ("POST", SYNC + QUERY, {**BODY, "max_new_tokens": 0}, 400),
        ("GET", SYNC, None, 405),
        ("GET", "/v1/llm/nothing", None, 404),
        ("POST", SYNC + QUERY, b"x" * (40 << 20), 413),
    ],
)
def test_errors_have_a_detail(server, method, path, body, status):
    got, headers, content = send(server.url, method, path, body)
    assert got == status, content
    assert headers["content-type"].startswith("application/json")
    assert isinstance(json.loads(content)["detail"], str)


def test_two_hundred_at_once(server):
    def one(_):
        return send(server.url, "POST", SYNC + QUERY, {**BODY, "max_new_tokens": 1})[0]

    with ThreadPoolExecutor(200) as pool:
        statuses = list(pool.map(one, range(200)))
    assert set(statuses) <= {200, 429}
    assert 200 in statuses
