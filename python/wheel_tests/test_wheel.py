"""The wheel on a machine that has no compiler: $ANTIPHON_WHEEL names the file."""

import os
import pathlib
import subprocess
import sys
import zipfile

import pytest

MAX_SIZE = 15_000_000

PROGRAM = """
import asyncio, shutil, sys
compilers = [name for name in ("cc", "c++", "gcc", "clang", "cmake", "cargo", "rustc") if shutil.which(name)]
assert not compilers, compilers
from antiphon import acompletion, completion
question = "What is the capital of France?"
print(completion(question, model="local/chorister").choices[0].message.content)
print("".join(c.choices[0].delta.content or "" for c in completion(question, "local/chorister", stream=True)))
print(asyncio.run(acompletion(question, model="local/chorister")).choices[0].message.content)
"""


@pytest.fixture(scope="module")
def wheel():
    path = os.environ.get("ANTIPHON_WHEEL")
    if not path:
        pytest.fail("ANTIPHON_WHEEL must name the wheel to test, as `make test` does after `make wheel`")
    return pathlib.Path(path).resolve(strict=True)


def test_size(wheel):
    assert wheel.stat().st_size <= MAX_SIZE


def test_tag(wheel):
    name, _version, python, abi, platform = wheel.stem.split("-")
    assert (name, python, abi) == ("antiphon", "cp310", "abi3")
    if sys.platform == "linux":
        assert platform.startswith("manylinux")


def test_contents(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in ("antiphon/py.typed", "antiphon/__init__.pyi", "antiphon/_antiphon.abi3.so"):
        assert wanted in names
    for licence in ("LICENSE-MIT", "LICENSE-APACHE"):
        assert any(name.endswith(f"licenses/{licence}") for name in names)
    assert not [name for name in names if "test" in name]


def test_install_and_answer(wheel, tmp_path):
    """Neither the project nor a compiler can be seen from the fresh environment."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    scripts = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / "python"
    environment = {
        "PATH": str(scripts),
        "HOME": str(tmp_path),
        "ANTIPHON_CONFIG_DIR": str(tmp_path / "config"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }

    def run(*command):
        options = {"capture_output": True, "text": True, "timeout": 300}
        return subprocess.run(command, env=environment, cwd=tmp_path, **options)

    installed = run(python, "-m", "pip", "install", "--no-index", "--no-deps", str(wheel))
    assert installed.returncode == 0, installed.stderr
    answered = run(python, "-c", PROGRAM)
    assert answered.returncode == 0, answered.stderr
    assert answered.stdout.splitlines() == ["The capital of France is Paris."] * 3
