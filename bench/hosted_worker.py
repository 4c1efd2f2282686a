"""Times calls of one library to a loopback upstream, for `Worker`.

python bench/hosted_worker.py antiphon|openai|litellm|httpx|aiohttp|http.client URL
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from served import serve, timed

SECONDS = 0.2
MODEL = "gpt-4o-mini"
MESSAGES = [{"role": "user", "content": "What is the capital of France?"}]
PATH = "/v1/chat/completions"
HEADERS = {"content-type": "application/json", "authorization": "Bearer bench"}
URL = sys.argv[2] if len(sys.argv) > 2 else ""


def body(stream: bool) -> dict[str, Any]:
    return {"model": MODEL, "messages": MESSAGES} | ({"stream": True} if stream else {})


class HttpClient:
    """The floor: the standard library, on one connection that is kept."""

    def __init__(self) -> None:
        self.connection = importlib.import_module("http.client").HTTPConnection(URL.removeprefix("http://"))

    def call(self) -> None:
        self.connection.request("POST", PATH, json.dumps(body(False)), HEADERS)
        json.loads(self.connection.getresponse().read())

    def stream(self) -> int:
        self.connection.request("POST", PATH, json.dumps(body(True)), HEADERS)
        lines = (line for line in self.connection.getresponse() if line.startswith(b"data: {"))
        return sum(1 for _ in map(json.loads, (line[6:] for line in lines)))


class Httpx:
    def __init__(self) -> None:
        self.httpx = importlib.import_module("httpx")
        self.client = self.httpx.Client()

    def call(self) -> None:
        self.client.post(URL + PATH, json=body(False), headers=HEADERS).json()

    def stream(self) -> int:
        with self.client.stream("POST", URL + PATH, json=body(True), headers=HEADERS) as response:
            lines = (line for line in response.iter_lines() if line.startswith("data: {"))
            return sum(1 for _ in map(json.loads, (line[6:] for line in lines)))

    async def many(self, count: int, at_once: int) -> None:
        limits = self.httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
        async with self.httpx.AsyncClient(limits=limits, timeout=60) as client:

            async def one() -> None:
                (await client.post(URL + PATH, json=body(False), headers=HEADERS)).json()

            await spread(one, count, at_once)


class Aiohttp:
    """The floor of many calls at once."""

    async def many(self, count: int, at_once: int) -> None:
        aiohttp = importlib.import_module("aiohttp")
        connector = aiohttp.TCPConnector(limit=at_once)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def one() -> None:
                async with session.post(URL + PATH, json=body(False), headers=HEADERS) as response:
                    json.loads(await response.read())

            await spread(one, count, at_once)


class Litellm:
    """LiteLLM, and antiphon, which is called in the same way."""

    options: dict[str, Any]

    def __init__(self, name: str) -> None:
        os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
        module = importlib.import_module(name)
        self.completion = module.completion
        self.acompletion = module.acompletion
        self.options = {
            "model": f"openai/{MODEL}",
            "messages": MESSAGES,
            "base_url": f"{URL}/v1",
            "api_key": "bench",
        }

    def call(self) -> None:
        self.completion(**self.options)

    def stream(self) -> int:
        return sum(1 for _ in self.completion(**self.options, stream=True))

    async def many(self, count: int, at_once: int) -> None:
        async def one() -> None:
            await self.acompletion(**self.options)

        await spread(one, count, at_once)


class Openai:
    def __init__(self) -> None:
        self.openai = importlib.import_module("openai")
        self.client = self.openai.OpenAI(base_url=f"{URL}/v1", api_key="bench")

    def call(self) -> None:
        self.client.chat.completions.create(model=MODEL, messages=MESSAGES)

    def stream(self) -> int:
        create = self.client.chat.completions.create
        return sum(1 for _ in create(model=MODEL, messages=MESSAGES, stream=True))

    async def many(self, count: int, at_once: int) -> None:
        async with self.openai.AsyncOpenAI(base_url=f"{URL}/v1", api_key="bench") as client:

            async def one() -> None:
                await client.chat.completions.create(model=MODEL, messages=MESSAGES)

            await spread(one, count, at_once)


async def spread(one: Callable[[], Awaitable[None]], count: int, at_once: int) -> None:
    """`count` calls, so many at once."""
    left = iter(range(count))

    async def lane() -> None:
        for _ in left:
            await one()

    await asyncio.gather(*(lane() for _ in range(at_once)))


def library(name: str) -> Any:
    makers: dict[str, Callable[[], Any]] = {
        "http.client": HttpClient,
        "httpx": Httpx,
        "aiohttp": Aiohttp,
        "openai": Openai,
    }
    return makers[name]() if name in makers else Litellm(name)


def per_call(action: Callable[[], object]) -> float:
    """Over as many calls as fill a moment."""
    once = min(timed(action) for _ in range(3))
    count = max(1, int(SECONDS / once))
    return timed(lambda: [action() for _ in range(count)]) / count


def answer(client: Any, what: str, count: int = 0, at_once: int = 0) -> dict[str, Any]:
    if what == "call":
        return {"seconds": per_call(client.call)}
    if what == "chunk":
        chunks = client.stream()
        return {"seconds": per_call(client.stream) / chunks, "chunks": chunks}
    cpu = time.process_time()
    wall = timed(lambda: asyncio.run(client.many(count, at_once)))
    spent = time.process_time() - cpu
    return {"seconds": wall, "cpu": spent / count, "rss": resident()}


def resident() -> float:
    """The most memory that was resident, in MiB."""
    # `ru_maxrss` would count what the parent had when this process was made from it.
    with open("/proc/self/status") as file:
        status = file.read().split()
    return int(status[status.index("VmHWM:") + 1]) / 1024


if __name__ == "__main__":
    client = library(sys.argv[1])
    serve(lambda **question: answer(client, **question))
