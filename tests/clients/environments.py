"""Makes each client's virtual environment, once: `python environments.py`.

A folder with a `requirements.txt` is a client. Its environment stands below `build/clients`; it is made anew
when that file changes. This is the only step that needs a network.
"""

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "clients"
WHEELS = ROOT / "target" / "wheels"
CLIENTS = sorted(path.parent.name for path in HERE.glob("*/requirements.txt"))

# The oldest client needs pydantic 1, which is not made for the newest interpreters.
INTERPRETERS = {"llm_engine_b1": "python3.11", "llm_engine_b45": "python3.11"}


def python(client):
    """The interpreter of a client's environment."""
    return BUILD / client / "bin" / "python"


def requirements(client):
    """What is installed. Our own package is another one whenever it is built anew."""
    text = (HERE / client / "requirements.txt").read_text()
    if "--find-links" in text:
        text += "".join(f"# {wheel.name} of {wheel.stat().st_mtime_ns}\n" for wheel in WHEELS.glob("*.whl"))
    return text


def make(client):
    wanted = requirements(client)
    folder = BUILD / client
    made = folder / "made-from.txt"
    if made.exists() and made.read_text() == wanted:
        return
    print(f"making the environment of the client {client}", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    interpreter = shutil.which(INTERPRETERS.get(client, "")) or sys.executable
    subprocess.run([interpreter, "-m", "venv", folder], check=True)
    install = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r"]
    subprocess.run([python(client), *install, HERE / client / "requirements.txt"], check=True, cwd=ROOT)
    made.write_text(wanted)


if __name__ == "__main__":
    for name in CLIENTS:
        make(name)
