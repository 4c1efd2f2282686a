"""Local models over HTTP: `antiphon serve` against llama-cpp-python's server, and with more to do."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

import aiohttp
from harness import (
    COMMAND,
    LLAMA_SERVER,
    MISSING,
    RANDOM_MODEL,
    Record,
    Rounds,
    Row,
    interleaved,
    ratio,
    start,
    version,
)
from prompts import prompt, prompts

THREADS = 2
CONTEXT = 2048
# Of all requests together: thirty-two conversations fit.
CELLS = 8192
TOKENS = 64
STREAMS = 8
MANY = 32
ROUNDS = 7
# llama-server's threads wait for more with the processors in their hands: whoever comes next shall not pay
# for it.
SETTLE = 0.6
# Tokens of an answer, in turn, where they are mixed.
MIXED = (16, 32, 64, 96)
# Prompts of this many pieces of 32 tokens: a system prompt, and what is read of a long prefix.
SYSTEM, LONG = 8, 32
NUMBERS = itertools.count(1_000_000)
METHOD = f"""
The same GGUF (500 M random parameters, Q4_0), {THREADS} threads, a context of {CONTEXT}, the same build
flags of llama.cpp, `/v1/completions` streamed at temperature 0, prompts of 32 tokens and answers of
{TOKENS}; one client process for all. llama-cpp-python's server answers one request at a time. Tokens per
second are of all answers, from the first request to the last token. "Thirty-two at once" have a system
prompt of {SYSTEM * 32} tokens in common, questions of 8 to 32 tokens and answers of {MIXED[0]} to
{MIXED[-1]}; the eight that they are compared with are the first eight of such a set. How long somebody
waits is the time to the first token. "The same prefix" is one of {LONG * 32} tokens, new in each round,
with another question behind it. Medians of {ROUNDS} interleaved rounds.
"""


@dataclass
class Server:
    """A server that answers `/v1/completions`."""

    process: subprocess.Popen[bytes]
    url: str
    model: str

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()


@dataclass
class Answered:
    """What was seen of one answer: when its tokens came, from when all were asked."""

    tokens: int
    first: float
    last: float


def main() -> None:
    record = start("serving", "Many at once over HTTP", METHOD)
    with tempfile.TemporaryDirectory() as folder:
        ours = antiphon(Path(folder))
        peers = {"llama-cpp-python": llama_cpp_python(), "llama-server": llama_server()}
        servers = {"antiphon": ours} | {name: server for name, server in peers.items() if server}
        try:
            measure(record, servers)
        finally:
            for server in servers.values():
                server.close()
    record.save()


def measure(record: Record, servers: dict[str, Server]) -> None:
    for server in servers.values():
        speed(server, 1)
    goals = {"llama-cpp-python": (1.0, 1.7), "llama-server": (0.95, 0.95)}
    for place, (streams, what) in enumerate(((1, "one stream"), (STREAMS, "eight at once"))):
        found = interleaved({name: lambda s=s, n=streams: speed(s, n) for name, s in servers.items()}, ROUNDS)
        for peer, wanted in goals.items():
            against(record, found, peer, f"{what}, against {peer}", wanted[place])
    longest: list[float] = []
    ours = servers["antiphon"]
    cases = {"32": lambda: mixed(ours, MANY, longest), "8": lambda: mixed(ours, STREAMS, [])}
    found = interleaved(cases, ROUNDS)
    times = ratio(found, "32", "8")
    rates = f"{median(found['32']):.1f} and {median(found['8']):.1f} tokens/s"
    goal = "at least 1.3x"
    record.rows.append(Row("thirty-two at once, of eight", "", f"{times:.2f}x, {rates}", goal, times >= 1.3))
    wait = median(longest)
    goal = "at most 3x"
    what = "the longest wait of the thirty-two"
    record.rows.append(Row(what, "", f"{wait:.2f}x the mean", goal, wait <= 3))
    shares = interleaved({name: lambda s=s: again(s) for name, s in servers.items()}, ROUNDS)
    shown = {name: median(found) for name, found in shares.items()}
    theirs = "; ".join(f"{name} {share:.2f}x" for name, share in shown.items() if name != "antiphon")
    goal = "at most 0.15x"
    ours_share = shown["antiphon"]
    what = "the same 1,000-token prefix again: time to the first token"
    record.rows.append(Row(what, theirs, f"{ours_share:.3f}x of the first", goal, ours_share <= 0.15))


def against(record: Record, found: Rounds, peer: str, what: str, wanted: float) -> None:
    ours = f"{median(found['antiphon']):.1f} tokens/s"
    if peer not in found:
        record.rows.append(Row(what, MISSING, ours, f"at least {wanted:g}x"))
        return
    times = ratio(found, "antiphon", peer)
    theirs = f"1x, {median(found[peer]):.1f} tokens/s"
    record.rows.append(Row(what, theirs, f"{times:.2f}x, {ours}", f"at least {wanted:g}x", times >= wanted))


def speed(server: Server, streams: int) -> float:
    """Tokens per second of so many answers at once."""
    time.sleep(SETTLE)
    return rate(ask(server, [(text, TOKENS) for text in prompts(streams)]))


def mixed(server: Server, streams: int, longest: list[float]) -> float:
    """The same, of prompts that begin alike, of several lengths; notes the longest wait, of the mean."""
    system = long_text(SYSTEM)
    words = [prompt(next(NUMBERS)).split(" ")[: 7 + 8 * (place % 4)] for place in range(streams)]
    asked = [(f"{system} {' '.join(each)}", MIXED[place // 4 % 4]) for place, each in enumerate(words)]
    answers = ask(server, asked)
    waits = [answer.first for answer in answers]
    longest.append(max(waits) / mean(waits))
    return rate(answers)


def again(server: Server) -> float:
    """The time to the first token of a second prompt with the same start, of the first one's."""
    start = long_text(LONG)
    times = [ask(server, [(f"{start} {prompt(next(NUMBERS))}", 4)])[0].first for _ in range(2)]
    return times[1] / times[0]


def long_text(pieces: int) -> str:
    return " ".join(prompt(next(NUMBERS)) for _ in range(pieces))


def rate(answers: list[Answered]) -> float:
    return sum(answer.tokens for answer in answers) / max(answer.last for answer in answers)


def ask(server: Server, asked: list[tuple[str, int]]) -> list[Answered]:
    return asyncio.run(ask_all(server, asked))


async def ask_all(server: Server, asked: list[tuple[str, int]]) -> list[Answered]:
    timeout = aiohttp.ClientTimeout(total=600)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
        begin = time.perf_counter()
        return await asyncio.gather(*(one(session, server, begin, *each) for each in asked))


async def one(
    session: aiohttp.ClientSession, server: Server, begin: float, text: str, tokens: int
) -> Answered:
    body = {"model": server.model, "prompt": text, "max_tokens": tokens, "temperature": 0, "stream": True}
    times, reason = [], None
    async with session.post(f"{server.url}/v1/completions", json=body) as response:
        assert response.status == 200, await response.text()
        async for line in response.content:
            if not line.startswith(b"data: {"):
                continue
            choices = json.loads(line[6:])["choices"]
            if choices and choices[0]["text"]:
                times.append(time.perf_counter() - begin)
            reason = (choices and choices[0]["finish_reason"]) or reason
    # A text that ended early would make the rate wrong.
    assert reason == "length", (server.url, reason)
    return Answered(tokens, times[0], times[-1])


def antiphon(folder: Path, models: dict[str, Path] | None = None, more: str = "") -> Server:
    """Our server with these models, `random` among them, and this in its configuration."""
    (folder / "models").mkdir(parents=True)
    for name, path in (models or {"random": RANDOM_MODEL}).items():
        (folder / "models" / f"{name}.gguf").symlink_to(path.resolve())
    (folder / "serve.toml").write_text(
        f'[local]\nmodels_dir = "{folder / "models"}"\nthreads = {THREADS}\ncontext = {CONTEXT}\n'
        f"cache_tokens = {CELLS}\n{more}"
    )
    words = [COMMAND, "serve", "--port", "0", "--config", folder / "serve.toml", "--data", folder / "data"]
    environment = os.environ | {"ANTIPHON_LOG": "error"}
    process = subprocess.Popen(words, stdout=subprocess.PIPE, env=environment)
    assert process.stdout
    found = re.search(rb"http://\S+", process.stdout.readline())
    assert found
    return Server(process, found[0].decode(), "local/random")


def llama_cpp_python() -> Server | None:
    if not version("llama-cpp-python") or not version("starlette-context"):
        return None
    return started(
        lambda port: [
            *(sys.executable, "-m", "llama_cpp.server", "--model", RANDOM_MODEL, "--port", port),
            *("--n_ctx", CONTEXT, "--n_threads", THREADS, "--n_threads_batch", THREADS),
            # By default a new request ends the one before.
            *("--interrupt_requests", "false", "--verbose", "false"),
        ]
    )


def llama_server() -> Server | None:
    if not LLAMA_SERVER.is_file():
        return None
    return started(
        lambda port: [
            *(LLAMA_SERVER, "--model", RANDOM_MODEL, "--port", port, "--parallel", STREAMS),
            *("--ctx-size", CONTEXT * STREAMS, "--threads", THREADS, "--threads-batch", THREADS),
        ]
    )


def started(command: Callable[[int], list[Any]]) -> Server:
    """A server on a free port, once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [str(word) for word in command(port)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    # llama-server listens before the model is there.
    server = Server(process, f"http://127.0.0.1:{port}", "random")
    for _ in range(600):
        if asyncio.run(is_ready(server)):
            return server
        time.sleep(0.1)
    raise SystemExit(f"{words[0]} does not answer")


async def is_ready(server: Server) -> bool:
    async with aiohttp.ClientSession() as session, session.get(f"{server.url}/v1/models") as response:
        return response.status == 200


if __name__ == "__main__":
    main()
