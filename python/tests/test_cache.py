"""Answers that are kept, as Python sees them."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import antiphon
import pytest
from antiphon import async_completion, completion
from conftest import soak
from faultd import Faultd, error, text


@pytest.fixture
def upstream():
    with Faultd(text("Hello.")) as running:
        yield running


def options(upstream, **more):
    return {"model": "openai/m", "base_url": f"{upstream.url}/v1", "api_key": "canary", **more}


def test_a_folder_is_shared_by_sync_and_async_whole_and_streamed(upstream, tmp_path):
    call = options(upstream, cache_path=tmp_path / "new" / "cache")
    first = completion("hi", **call)
    again = asyncio.run(async_completion("hi", **call))
    pieces = [chunk.choices[0].delta.content or "" for chunk in completion("hi", stream=True, **call)]
    assert first._hidden_params["cache_hit"] is False
    assert again._hidden_params["cache_hit"] is True
    assert again.id == first.id
    assert "".join(pieces) == "Hello."
    assert len(upstream.requests()) == 1
    assert (tmp_path / "new" / "cache").is_dir()


def test_the_default_place(upstream, tmp_path, monkeypatch):
    monkeypatch.setenv("ANTIPHON_CACHE_PATH", str(tmp_path / "environment"))
    for _ in range(2):
        completion("hi", **options(upstream))
    assert len(upstream.requests()) == 1
    try:
        antiphon.set_default_cache_path(tmp_path / "set")
        completion("hi", **options(upstream))
        assert completion("hi", **options(upstream))._hidden_params["cache_hit"]
        assert not completion("hi", **options(upstream, cache_enabled=False))._hidden_params["cache_hit"]
    finally:
        antiphon.set_default_cache_path(None)
    assert {path.name for path in tmp_path.iterdir()} == {"environment", "set"}


def test_the_key_is_told_and_nothing_is_called(upstream):
    key = completion("hi", return_cache_key=True, **options(upstream))
    assert key == asyncio.run(async_completion("hi", return_cache_key=True, **options(upstream)))
    assert key != completion("ho", return_cache_key=True, **options(upstream))
    assert key != completion("hi", return_cache_key=True, cache_key_prefix="a", **options(upstream))
    assert len(key) == 64
    assert upstream.requests() == []


def test_a_place_that_is_none_names_the_argument(upstream):
    with pytest.raises(antiphon.InvalidRequestError, match="cache_path: must be a string or a path"):
        completion("hi", **options(upstream, cache_path=5))


def test_retries_are_as_the_call_says(upstream):
    upstream.script(error(400))

    def attempts(**rules):
        upstream.clear()
        with pytest.raises(antiphon.BadRequestError):
            completion("hi", **options(upstream, retry_delay=0, **rules))
        return len(upstream.requests())

    assert attempts() == 1
    assert attempts(retry_on_exceptions=[antiphon.BadRequestError]) == 3
    assert attempts(retry_on_exceptions=[TimeoutError]) == 1
    assert attempts(retry_on_all_exceptions=True, max_retries=1) == 2
    assert attempts(retry_on_all_exceptions=True, enable_retries=False) == 1
    with pytest.raises(antiphon.InvalidRequestError, match=r"retry_on_exceptions\[0\]"):
        completion("hi", **options(upstream, retry_on_exceptions=[5]))


WRITER = """
import sys
from antiphon import completion
url, folder, name, count = sys.argv[1:]
print("ready", flush=True)
for turn in range(int(count)):
    completion(f"{name} {turn}", model="openai/m", base_url=url + "/v1", api_key="canary", cache_path=folder)
"""


def start(upstream, folder, name, count):
    command = [sys.executable, "-c", WRITER, upstream.url, str(folder), str(name), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_eight_processes_lose_nothing_and_see_no_lock(upstream, tmp_path):
    writers = [start(upstream, tmp_path, name, 50) for name in range(8)]
    for writer in writers:
        _, errors = writer.communicate(timeout=120)
        assert (writer.returncode, errors) == (0, "")
    asked = len(upstream.requests())
    for name in range(8):
        for turn in range(50):
            answer = completion(f"{name} {turn}", **options(upstream, cache_path=tmp_path))
            assert answer._hidden_params["cache_hit"], f"{name} {turn} was lost"
    assert len(upstream.requests()) == asked == 400


def test_a_process_killed_while_it_writes_leaves_old_or_new_values(upstream, tmp_path):
    kills = soak(100) // 10
    for turn in range(kills):
        writers = [start(upstream, tmp_path, f"{turn}-{lane}", 10_000) for lane in range(10)]
        for writer in writers:
            assert writer.stdout.readline() == "ready\n"
        time.sleep(0.05 * (turn % 5))
        for writer in writers:
            os.kill(writer.pid, signal.SIGKILL)
            writer.communicate()
    before = len(upstream.requests())
    answers = [completion(f"0-0 {turn}", **options(upstream, cache_path=tmp_path)) for turn in range(20)]
    assert {answer.choices[0].message.content for answer in answers} == {"Hello."}
    assert completion("0-0 0", **options(upstream, cache_path=tmp_path))._hidden_params["cache_hit"]
    assert len(upstream.requests()) - before <= 20


def test_no_corruption_gives_a_wrong_value(upstream, tmp_path):
    import random

    chance = random.Random(7)
    call = options(upstream, cache_path=tmp_path)
    program = """
import sys
from antiphon import completion
url, folder = sys.argv[1:]
for _ in range(2):
    answer = completion("hi", model="openai/m", base_url=url + "/v1", api_key="canary", cache_path=folder)
    assert answer.choices[0].message.content == "Hello.", answer
"""
    file = tmp_path / "answers-1.sqlite"
    for turn in range(soak(1000) // 50):
        completion("hi", **call)
        damage(chance, file)
        command = [sys.executable, "-c", program, upstream.url, str(tmp_path)]
        process = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert process.returncode == 0, (turn, process.stderr)


def damage(chance, file: Path) -> None:
    """Fifty flipped bits, or a cut, or zeros."""
    content = bytearray(file.read_bytes())
    kind = chance.randrange(3)
    if kind == 0:
        for _ in range(50):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    elif kind == 1:
        del content[chance.randrange(len(content)) :]
    else:
        begin = chance.randrange(len(content))
        content[begin : begin + 4096] = bytes(len(content[begin : begin + 4096]))
    file.write_bytes(content)
