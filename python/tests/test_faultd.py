"""The helper around faultd, tried with `http.client`."""

import http.client
import json
import socket
import ssl
import time

import faultd
import pytest
from faultd import Faultd

PATH = "/v1/chat/completions"


def post(upstream, body=b"{}", path=PATH):
    connection = http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=10)
    try:
        connection.request("POST", path, body, {"x-one": "1"})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def test_replies_in_order_and_their_record():
    replies = [faultd.error(429, "rate_limit", headers={"retry-after": "1"}), faultd.text("hi")]
    with Faultd(replies) as upstream:
        status, headers, body = post(upstream)
        assert (status, headers["retry-after"]) == (429, "1")
        assert json.loads(body)["error"]["code"] == "rate_limit"
        for _ in range(2):
            answer = json.loads(post(upstream, '{"n": "ö"}'.encode())[2])
            assert answer["choices"][0]["message"]["content"] == "hi"
        assert upstream.wait(requests=3)
        assert not upstream.wait(requests=4, within=0.01)
        first = upstream.requests()[0]
        assert (first["method"], first["target"], first["body"]) == ("POST", PATH, "{}")
        assert ["x-one", "1"] in first["headers"]
        assert upstream.bodies()[1] == {"n": "ö"}

        upstream.script(faultd.reply(200, b"\xff"), clear=True)
        assert post(upstream, b"\xfe")[2] == b"\xff"
        assert [request["body"] for request in upstream.requests()] == [b"\xfe"]


def test_streams():
    with Faultd(faultd.stream(["Hel", "lo"], every_ms=20)) as upstream:
        start = time.perf_counter()
        events = post(upstream)[2].decode().strip().split("\n\n")
        assert time.perf_counter() - start >= 0.1
    chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-1]]
    assert events[-1] == "data: [DONE]"
    assert "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"]) == "Hello"
    assert chunks[-1]["usage"]["completion_tokens"] == 2


def test_answers_by_themselves():
    with Faultd(auto="auto", text="hi there", chunks=2) as upstream:
        assert json.loads(post(upstream, path="/v1/messages")[2])["content"][0]["text"] == "hi there"
        assert b"data: [DONE]" in post(upstream, b'{"stream": true}')[2]


def test_cuts():
    with Faultd() as upstream:
        upstream.script(faultd.stream(["Hel"], finish=False, then=[faultd.cut("fin")]))
        with pytest.raises(http.client.IncompleteRead):
            post(upstream)
        upstream.script(faultd.stream(["Hel"], cut_after=150, end="rst"))
        with pytest.raises(ConnectionResetError):
            post(upstream)
        assert upstream.requests()[-1]["written"] == 150
        upstream.script(faultd.close("rst"))
        with pytest.raises(ConnectionResetError):
            post(upstream)
        upstream.script(faultd.raw(b"HTTP/1.1 garbage\r\n\r\n"))
        with pytest.raises(http.client.BadStatusLine):
            post(upstream)
        upstream.listen(False)
        time.sleep(0.05)
        with pytest.raises(ConnectionRefusedError):
            post(upstream)


@pytest.mark.parametrize("reply", [faultd.hang(), faultd.stream(["x"], then=[faultd.HANG])])
def test_a_peer_that_leaves(reply):
    with Faultd(reply) as upstream:
        with socket.create_connection(("127.0.0.1", upstream.port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert upstream.wait(requests=1)
            assert upstream.record()["in_flight"] == 1
        assert upstream.wait(closed=1, in_flight=0, open=0)
        assert upstream.requests()[0]["closed"]["how"] in ("fin", "rst")


def test_tls():
    with Faultd(faultd.text("hi"), tls="valid", alpn="http/1.1") as upstream:
        context = ssl.create_default_context(cadata=upstream.ca_pem)
        connection = http.client.HTTPSConnection("localhost", upstream.port, context=context, timeout=10)
        connection.request("POST", PATH, "{}")
        assert connection.getresponse().status == 200
        connection.close()
    with Faultd(tls="expired") as upstream:
        context = ssl.create_default_context(cadata=upstream.ca_pem)
        connection = http.client.HTTPSConnection("localhost", upstream.port, context=context, timeout=10)
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
            connection.connect()
        connection.close()


def test_mistakes_are_told(monkeypatch):
    with Faultd() as upstream, pytest.raises(ValueError, match="stauts"):
        upstream.script({"replies": [{"stauts": 200}]})
    with pytest.raises(RuntimeError, match="with"):
        upstream.requests()
    with pytest.raises(RuntimeError, match="exit code 2"), Faultd(nonsense=1):
        pass
    with pytest.raises(RuntimeError, match="exit code 2"), Faultd({"stauts": 200}):
        pass
    monkeypatch.setenv("FAULTD", "/nonexistent/faultd")
    with pytest.raises(FileNotFoundError, match="cargo build"), Faultd():
        pass
