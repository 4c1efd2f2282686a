"""`faultd`, the scripted upstream that can cut a socket, for tests in Python.

    with Faultd([error(429, "rate_limit", headers={"retry-after": "1"}), text("hi")]) as upstream:
        completion("hi", model="openai/m", base_url=upstream.url + "/v1", api_key="x")
        assert upstream.wait(requests=2)

Replies are dictionaries, the JSON of `antiphon_testkit::faultd::Reply`; the last one repeats. The builders
below make them, and `reply | {"when": {"path": "/v1"}}` changes them.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

Reply = dict[str, Any]
Step = Any

_ROOT = Path(__file__).resolve().parents[2]


class Faultd:
    """The command `faultd`, running while the context is open.

    `script` is a reply, a list of replies or a whole script; `auto` ("openai", "anthropic" or "auto") answers
    everything instead. Further options are the command's, with underscores: `text="hi"`, `chunks=5`,
    `delay_ms=20`, `tls="valid"`, `alpn="h2"`, `max_streams=10`, `no_record=True`.
    """

    url: str
    port: int
    ca_pem: str | None

    def __init__(
        self,
        script: Reply | Sequence[Reply] | None = None,
        auto: str | None = None,
        **options: object,
    ) -> None:
        if auto is not None:
            options["auto"] = auto
        self._options = options
        self._script = script
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Faultd:
        command = [str(_binary())]
        for name, value in self._options.items():
            command.append("--" + name.replace("_", "-"))
            if value is not True:
                command.append(str(value))
        if self._script is not None:
            command += ["--script", "-"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        try:
            hello = self._ask(None if self._script is None else _script(self._script))
        except BaseException:
            self.close()
            raise
        self.url, self.port, self.ca_pem = hello["url"], hello["port"], hello.get("ca_pem")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the command, and with it every connection."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(10)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def script(self, script: Reply | Sequence[Reply], *, clear: bool = False) -> None:
        """Replaces the script; answers under way go on. Somebody listens again where nobody did."""
        self._ask({"script": _script(script), "clear": clear})

    def clear(self) -> None:
        """Forgets what was recorded."""
        self._ask({"clear": True})

    def listen(self, listens: bool) -> None:
        """Gives the port up, or takes it again. Open connections stay."""
        self._ask({"listen": listens})

    def record(self) -> dict[str, Any]:
        """All that was recorded: `requests`, `connections`, `accepted`, `open`, `in_flight`, …"""
        return self._ask({"record": True})

    def requests(self) -> list[dict[str, Any]]:
        """The requests so far: `method`, `target`, `headers`, `body`, `written`, `closed`, …

        A body that is UTF-8 is a `str`, another one `bytes`.
        """
        requests: list[dict[str, Any]] = self.record()["requests"]
        for request in requests:
            if isinstance(request["body"], dict):
                request["body"] = base64.b64decode(request["body"]["base64"])
        return requests

    def bodies(self) -> list[Any]:
        """The requests' bodies as JSON."""
        return [json.loads(request["body"]) for request in self.requests()]

    def wait(
        self,
        requests: int = 0,
        closed: int = 0,
        within: float = 1.0,
        *,
        connections: int = 0,
        open: int | None = None,
        in_flight: int | None = None,
    ) -> bool:
        """Waits for at least so many requests, requests that the peer gave up, and connections, and for at
        most so many that are open or in flight. Says whether it came so within those seconds.
        """
        most = {"open": open, "in_flight": in_flight}
        wait: dict[str, Any] = {"requests": requests, "closed": closed, "connections": connections}
        wait |= {name: value for name, value in most.items() if value is not None}
        return bool(self._ask({"wait": wait | {"within_ms": round(within * 1000)}})["ok"])

    def _ask(self, command: Any) -> dict[str, Any]:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError("faultd is not running: use it in a `with` statement")
        with self._lock:
            # One that has ended says so by its exit code, below.
            with contextlib.suppress(BrokenPipeError):
                if command is not None:
                    process.stdin.write(json.dumps(command) + "\n")
                    process.stdin.flush()
            line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"faultd ended with exit code {process.wait(10)}; see its stderr")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ValueError(f"faultd: {answer['error']}")
        return answer


def _binary() -> Path:
    path = Path(os.environ.get("FAULTD") or _ROOT / "target" / "release" / "faultd")
    if not path.exists():
        raise FileNotFoundError(
            f"{path} is not there. Build it with: cargo build --release -p antiphon-testkit --bin faultd"
        )
    return path


def _script(script: Reply | Sequence[Reply]) -> dict[str, Any]:
    if not isinstance(script, Mapping):
        return {"replies": list(script)}
    is_whole = script.keys() & {"replies", "on_connect", "then"}
    return dict(script) if is_whole else {"replies": [script]}


# Steps.


def data(content: str | bytes) -> Any:
    """Text, or bytes as the script's JSON has them."""
    return content if isinstance(content, str) else {"base64": base64.b64encode(content).decode()}


def send(content: str | bytes) -> Step:
    return {"send": data(content)}


def sleep(ms: int) -> Step:
    return {"sleep": ms}


def cut(how: str = "fin") -> Step:
    """Ends the connection there: `fin` or `rst`."""
    return {"cut": how}


def drip(content: str | bytes, n: int = 1, every_ms: int = 10) -> Step:
    return {"drip": {"bytes": data(content), "n": n, "every_ms": every_ms}}


def repeat(content: str | bytes, every_ms: int = 10, times: int | None = None) -> Step:
    """The same bytes again and again, for ever by default."""
    return {"repeat": {"bytes": data(content), "every_ms": every_ms, "times": times}}


HANG: Step = "hang"


# Replies. `options` are fields of a reply: `delay_ms`, `cut_after`, `times` (None: for ever),
# `read` ("nothing", "head", "whole"), `end` ("keep_alive", "fin", "rst", "hang"),
# `when` (`path`, `method`, `nth`, `reused`).


def reply(
    status: int = 200, body: str | bytes | Sequence[Step] = "", headers: Any = (), **options: Any
) -> Reply:
    """A whole answer, or one of steps. `headers` is a mapping or a sequence of pairs."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    content = data(body) if isinstance(body, (str, bytes)) else list(body)
    return {"status": status, "headers": [list(pair) for pair in pairs], "body": content, **options}


def json_reply(value: Any, status: int = 200, headers: Any = (), **options: Any) -> Reply:
    """A JSON body."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return reply(status, json.dumps(value), [("content-type", "application/json"), *pairs], **options)


def text(content: str = "Hello", tongue: str = "auto", **options: Any) -> Reply:
    """A text as the path's tongue has it: streamed where the request asks for it."""
    return {"auto": {"text": content, "tongue": tongue}, **options}


def stream(
    pieces: Iterable[str], every_ms: int = 0, finish: bool = True, then: Sequence[Step] = (), **options: Any
) -> Reply:
    """A stream of OpenAI's chunks with these pieces of text. `then` follows after them, or with
    `finish=False` instead of the finish, the usage and `[DONE]`.
    """
    pieces = list(pieces)
    events = [_chunk({"role": "assistant", "content": "", "refusal": None})]
    events += [_chunk({"content": piece}) for piece in pieces]
    if finish:
        count = len(pieces)
        usage = {"prompt_tokens": 9, "completion_tokens": count, "total_tokens": 9 + count}
        events += [_chunk({}, "stop"), _event({**_CHUNK, "choices": [], "usage": usage}), "data: [DONE]\n\n"]
    return event_stream(events, every_ms, then, **options)


def sse(payloads: Iterable[str], every_ms: int = 0, then: Sequence[Step] = (), **options: Any) -> Reply:
    """A stream of events, each `data: …` of one of these."""
    return event_stream([f"data: {payload}\n\n" for payload in payloads], every_ms, then, **options)


def event_stream(
    events: Iterable[str | bytes], every_ms: int = 0, then: Sequence[Step] = (), **options: Any
) -> Reply:
    """A chunked stream of events from their bytes."""
    steps: list[Step] = []
    for event in events:
        steps += [sleep(every_ms), send(event)] if every_ms and steps else [send(event)]
    headers = [("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache")]
    return reply(200, [*steps, *then], headers, framing="chunked", **options)


def error(
    status: int,
    code: str | None = None,
    message: str = "an error by script",
    kind: str = "invalid_request_error",
    headers: Any = (),
    **options: Any,
) -> Reply:
    """An error as OpenAI has it."""
    value = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return json_reply(value, status, headers, **options)


def anthropic_error(
    status: int, kind: str, message: str = "an error by script", headers: Any = (), **options: Any
) -> Reply:
    """An error as Anthropic has it."""
    value = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_faultd"}
    return json_reply(value, status, headers, **options)


def raw(content: str | bytes | Sequence[Step], **options: Any) -> Reply:
    """Bytes, or steps, instead of an HTTP answer; then a FIN."""
    body = [send(content)] if isinstance(content, (str, bytes)) else list(content)
    return {"status": None, "framing": "none", "body": body, "end": "fin", **options}


def hang(**options: Any) -> Reply:
    """No answer until the peer leaves."""
    return raw([HANG], **options)


def close(how: str = "fin", **options: Any) -> Reply:
    """No answer: the connection ends by `fin` or `rst`."""
    return raw([cut(how)], **options)


_CHUNK = {
    "id": "chatcmpl-faultd",
    "object": "chat.completion.chunk",
    "created": 1_760_000_000,
    "model": "faultd",
}


def _chunk(delta: Any, finish_reason: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return _event({**_CHUNK, "choices": [choice], "usage": None})


def _event(value: Any) -> str:
    return f"data: {json.dumps(value)}\n\n"
