"""What `antiphon serve` costs between a client and an instant upstream, beside nginx's `proxy_pass`."""

from __future__ import annotations

import http.client
import json
import os
import re
import resource
import selectors
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from harness import COMMAND, Record, Row, interleaved, ratio, start
from upstream import Upstream

ROUNDS = 7
REQUESTS = 2000
CONNECTIONS = 16
SINGLES = 500
CHUNKS = 100
OPEN_STREAMS = 2000
# After so many requests the memory is looked at again.
MANY = 100_000
KEY = "bench-key"
MIB = 1 << 20
METHOD = f"""
`faultd` answers at once. CPU: user and system time of the process (nginx: its worker) over {REQUESTS} whole
answers on {CONNECTIONS} kept connections. Added p50: the median of {SINGLES} answers on one connection, less
that without anything between. Burst: a stream of {CHUNKS} chunks that the upstream writes at once, likewise.
With keys: a key is checked, a limit of requests a minute is kept, each request is logged to a file.
{ROUNDS} rounds.
"""
BODY = {"model": "up/m", "messages": [{"role": "user", "content": "What is the capital of France?"}]}


class Served:
    """A server on a port, with the process whose time is counted."""

    def __init__(
        self, port: int, pid: int, headers: dict[str, str], process: subprocess.Popen[bytes] | None
    ) -> None:
        self.port, self.pid, self.headers, self.process = port, pid, headers, process

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self) -> float:
        """MiB of resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", status)
        assert found
        return int(found[1]) / 1024

    def close(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait()


def main() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    record = start("gateway", "Between a client and an upstream", METHOD)
    with tempfile.TemporaryDirectory() as folder, instant() as upstream:
        port = urlsplit(upstream.url).port
        assert port
        bare = Served(port, upstream.process.pid, {}, None)
        plain = antiphon(Path(folder) / "plain", upstream.url, keyed=False)
        keyed = antiphon(Path(folder) / "keyed", upstream.url, keyed=True)
        nginx = proxy(Path(folder), port)
        idle = plain.resident()
        served = {"nginx": nginx, "ours": plain, "ours with keys": keyed}
        try:
            measure(record, bare, {name: each for name, each in served.items() if each}, idle)
        finally:
            for each in served.values():
                if each:
                    each.close()
    record.save()


def instant() -> Upstream:
    return Upstream("--auto", "openai", "--text", "Paris. " * CHUNKS, "--chunks", str(CHUNKS), "--no-record")


def measure(record: Record, bare: Served, served: dict[str, Served], idle: float) -> None:
    def cpu(each: Served) -> Callable[[], float]:
        def run() -> float:
            before = each.cpu()
            load(each)
            return (each.cpu() - before) / REQUESTS * 1e6

        return run

    for each in served.values():
        load(each)
    used = interleaved({name: cpu(each) for name, each in served.items()}, ROUNDS)
    all_served = served | {"nothing between": bare}
    once = interleaved({name: lambda each=each: singles(each) for name, each in all_served.items()}, ROUNDS)
    burst = interleaved({name: lambda each=each: bursts(each) for name, each in all_served.items()}, ROUNDS)
    for name in served:
        added = [1e6 * (a - b) for a, b in zip(once[name], once["nothing between"], strict=True)]
        late = [1e3 * (a - b) for a, b in zip(burst[name], burst["nothing between"], strict=True)]
        record.details.append(
            f"{name}: {median(used[name]):.0f} us of processor a request, {median(added):.0f} us added p50, "
            f"{median(late):.2f} ms added to a burst."
        )
    if "nginx" in served:
        nginx_added = median(a - b for a, b in zip(once["nginx"], once["nothing between"], strict=True))
        ours_added = median(a - b for a, b in zip(once["ours"], once["nothing between"], strict=True))
        for name, goal in (("ours", 2.5), ("ours with keys", 4.0)):
            times = ratio(used, name, "nginx")
            what = "CPU a request, against nginx" + (", keys and log on" if "keys" in name else "")
            peers = "" if "keys" in name else "TensorZero 5.3x, Portkey 46x, LiteLLM 359x"
            record.rows.append(Row(what, peers, f"{times:.1f}x", f"at most {goal}x", times <= goal))
        times = ours_added / nginx_added
        record.rows.append(
            Row(
                "added p50, against nginx's",
                "TensorZero 1.5x, LiteLLM 50x",
                f"{times:.1f}x",
                "at most 1.5x",
                times <= 1.5,
            )
        )
    late = median(a - b for a, b in zip(burst["ours"], burst["nothing between"], strict=True)) * 1e3
    peers = "TensorZero +44 ms, LiteLLM +36 ms, nginx +0.08 ms"
    record.rows.append(
        Row(f"a burst of {CHUNKS} chunks", peers, f"{late:+.2f} ms", "at most +0.3 ms", late <= 0.3)
    )
    for _ in range(MANY // REQUESTS - ROUNDS):
        load(served["ours"])
    after = served["ours"].resident()
    goal = "15 MiB; at most 20"
    record.rows.append(
        Row(
            f"RSS idle; after {MANY:,} requests",
            "",
            f"{idle:.1f} MiB; {after:.1f} MiB",
            goal,
            idle <= 15 and after <= 20,
        )
    )
    each = open_streams(served["ours"])
    record.rows.append(
        Row(f"{OPEN_STREAMS} open streams, each", "", f"{each:.0f} KiB", "at most 64 KiB", each <= 64)
    )


def antiphon(folder: Path, upstream: str, keyed: bool) -> Served:
    folder.mkdir()
    text = f'[providers.up]\nbase_url = "{upstream}/v1"\napi_key = "k"\n'
    if keyed:
        text = f'[[serve.keys]]\nname = "bench"\nkey = "{KEY}"\nrequests_per_minute = 100000000\n' + text
    (folder / "serve.toml").write_text(text)
    log = (folder / "log").open("wb")
    # Without keys the log is off, as nginx's is.
    environment = os.environ | ({} if keyed else {"ANTIPHON_LOG": "error"})
    words = [COMMAND, "serve", "--port", "0", "--config", folder / "serve.toml", "--data", folder / "data"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, env=environment)
    assert process.stdout
    line = process.stdout.readline().decode()
    port = urlsplit(line.split()[-1]).port
    assert port, line
    return Served(port, process.pid, {"Authorization": f"Bearer {KEY}"} if keyed else {}, process)


def proxy(folder: Path, upstream: int) -> Served | None:
    command = shutil.which("nginx")
    if not command:
        return None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "nginx.conf").write_text(f"""
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000; proxy_buffering off; client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream up {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
""")
    process = subprocess.Popen([command, "-p", folder, "-c", folder / "nginx.conf"])
    for _ in range(100):
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, check=False
        )
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return Served(port, int(children.stdout.split()[0]), {}, process)
        except (OSError, IndexError):
            time.sleep(0.05)
    raise RuntimeError("nginx does not start")


def request(each: Served, **more: object) -> bytes:
    body = json.dumps(BODY | more).encode()
    lines = ["POST /v1/chat/completions HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in each.headers.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def load(each: Served) -> None:
    """Sends all requests, so many at once, on kept connections."""
    wire, left, selector = request(each), REQUESTS, selectors.DefaultSelector()
    sockets = [socket.create_connection(("127.0.0.1", each.port)) for _ in range(CONNECTIONS)]
    for one in sockets:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(one, selectors.EVENT_READ)
        one.sendall(wire)
        left -= 1
    waiting = len(sockets)
    had: dict[socket.socket, bytes] = dict.fromkeys(sockets, b"")
    while waiting:
        for key, _ in selector.select():
            one = key.fileobj
            assert isinstance(one, socket.socket)
            had[one] += one.recv(65536)
            if not whole(had[one]):
                continue
            assert had[one].startswith(b"HTTP/1.1 200"), had[one]
            had[one] = b""
            if left:
                left -= 1
                one.sendall(wire)
            else:
                waiting -= 1
    for one in sockets:
        one.close()


def whole(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return False
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    return len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")


def singles(each: Served) -> float:
    """Median seconds of an answer, one at a time."""
    wire = request(each)
    with socket.create_connection(("127.0.0.1", each.port)) as one:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return median(timed(one, wire) for _ in range(SINGLES))


def bursts(each: Served) -> float:
    """Median seconds of a whole stream whose chunks come at once."""
    wire = request(each, stream=True)
    with socket.create_connection(("127.0.0.1", each.port)) as one:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return median(timed(one, wire) for _ in range(SINGLES // 5))


def timed(one: socket.socket, wire: bytes) -> float:
    begin = time.perf_counter()
    one.sendall(wire)
    had = b""
    while not whole(had):
        had += one.recv(1 << 20)
    return time.perf_counter() - begin


def open_streams(each: Served) -> float:
    """KiB of resident memory for each stream that is open and waits."""
    slow = Upstream.auto(text="word " * 100, chunks=100, chunk_delay_ms=200)
    with slow, tempfile.TemporaryDirectory() as folder:
        own = antiphon(Path(folder) / "slow", slow.url, keyed=False)
        try:
            load_one = http.client.HTTPConnection("127.0.0.1", own.port)
            load_one.request("GET", "/v1/models")
            load_one.getresponse().read()
            before, wire, sockets = own.resident(), request(own, stream=True), []
            for _ in range(OPEN_STREAMS):
                one = socket.create_connection(("127.0.0.1", own.port))
                one.sendall(wire)
                sockets.append(one)
            for one in sockets:
                one.recv(1024)
            grown = own.resident() - before
            for one in sockets:
                one.close()
            return grown * 1024 / OPEN_STREAMS
        finally:
            own.close()


if __name__ == "__main__":
    main()
