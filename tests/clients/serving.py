"""`antiphon serve`, running while the context is open."""

import os
import re
import signal
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def binary():
    path = Path(os.environ.get("ANTIPHON_BINARY") or ROOT / "target" / "release" / "antiphon")
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there. Build it with: cargo build --release -p antiphon-cli")
    return path


def clean_environment(folder):
    """An environment with none of the user's keys and settings."""
    ends = ("_API_KEY", "_BASE_URL", "_AUTH_TOKEN", "_API_BASE", "_PROXY", "_proxy")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.endswith(ends) and not name.startswith("ANTIPHON_")
    }
    return kept | {"ANTIPHON_CONFIG_DIR": str(folder)}


class Server:
    """One server, on a free port, with this configuration. Its log is `folder/log`."""

    def __init__(self, folder, config):
        self.folder = Path(folder)
        self.config = config

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "config.toml"
        path.write_text(self.config)
        command = [binary(), "serve", "--config", path, "--port", "0", "--data", self.folder / "data"]
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env=clean_environment(self.folder)
            )
        line = self.process.stdout.readline()
        found = re.search(r"https?://\S+", line)
        if not found:
            self.process.kill()
            raise RuntimeError(f"the server did not start: {line}{self.log()}")
        self.url = found[0].rstrip("/")
        return self

    def __exit__(self, *_):
        """Asks it to end, which it does in good order."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(40)
        finally:
            self.process.kill()
            self.process.stdout.close()
        assert code == 0, f"the server ended with {code}: {self.log()}"

    def log(self):
        return (self.folder / "log").read_text(errors="replace")[-4000:]
