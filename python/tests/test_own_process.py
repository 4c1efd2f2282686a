"""A model in a process of its own, started from Python."""

import json
import os
import subprocess
import sys

import pytest

PROGRAM = r"""
import json, os, pathlib, signal
from antiphon import ServiceUnavailableError, completion, encode, token_counter

def processes():
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rsplit(")", 1)[1].split()[:2]
        except OSError:
            continue
        if parent == str(os.getpid()) and state != "Z":
            found.append(int(stat.parent.name))
    return found

def ask():
    return completion("What is the capital of France?", model="local/chorister").choices[0].message.content

told = {"first": ask(), "processes": len(processes())}
told["tokens"] = token_counter("local/chorister", text="hello")
told["ids"] = len(encode("local/chorister", "hello"))
stream = completion("Tell me a story", model="local/chorister", stream=True, max_tokens=400, ignore_eos=True)
next(iter(stream))
[process] = processes()
os.kill(process, signal.SIGKILL)
try:
    for _ in stream:
        pass
except Exception as error:
    told["error"] = [type(error).__name__, str(error)]
told["again"] = ask()
print(json.dumps(told))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_model_that_is_killed_fails_its_answers_and_is_started_again(tmp_path):
    (tmp_path / "config.toml").write_text("[local]\nown_process = true\n")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"ANTIPHON_CONFIG_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    told = json.loads(done.stdout)
    assert told["first"] == told["again"] == "The capital of France is Paris."
    assert told["processes"] == 1
    assert told["tokens"] == told["ids"] >= 1
    kind, message = told["error"]
    assert "the process of local/chorister ended: signal: 9" in message
    assert kind in ("ServiceUnavailableError", "StreamInterruptedError")
