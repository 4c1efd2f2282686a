"""A hub of models' weights on loopback, and the store that it sends its clients to.

Routes, headers and codes are those that ``huggingface_hub`` 2.4.0 asks for (``hf_api.py``,
``file_download.py``); that client downloads from it.
"""

import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """``files`` are bytes by ``ORG/REPO/PATH``; ``ranges`` are those that the store was asked for."""

    def __init__(self):
        self.files, self.ranges, self.cuts, self.pause = {}, [], [], 0.0
        handlers = [self._handler(store) for store in (False, True)]
        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for handler in handlers]
        self.url, self._store = (f"http://127.0.0.1:{server.server_port}" for server in self._servers)

    def __enter__(self):
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def _handler(self, store):
        answer = self._bytes if store else self._told

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                status, headers, body = answer(self)
                self.send_response(status)
                for name, value in {"content-length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command == "HEAD":
                    return
                for at in range(0, len(body), 16_384):
                    time.sleep(hub.pause)
                    try:
                        self.wfile.write(body[at : at + 16_384])
                    except OSError:
                        return

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        hub = self
        return Handler

    def _told(self, request):
        path = request.path.split("?")[0]
        if path.startswith("/api/models/"):
            repository = path.removeprefix("/api/models/") + "/"
            names = [name.removeprefix(repository) for name in self.files if name.startswith(repository)]
            if not names:
                return 404, {"x-error-code": "RepoNotFound"}, b"{}"
            listed = {"sha": COMMIT, "siblings": [{"rfilename": name} for name in names]}
            return 200, {}, json.dumps(listed).encode()
        body = self.files.get(_file(path))
        if body is None:
            return 404, {"x-error-code": "EntryNotFound"}, b"{}"
        etag = hashlib.sha256(body).hexdigest()
        linked = {"x-repo-commit": COMMIT, "x-linked-size": str(len(body)), "x-linked-etag": f'"{etag}"'}
        return 302, {"location": self._store + path, **linked}, b""

    def _bytes(self, request):
        body = self.files[_file(request.path)]
        given = request.headers["range"]
        self.ranges.append(given)
        at = int(given.removeprefix("bytes=").rstrip("-")) if given else 0
        headers = {"content-length": str(len(body) - at)}
        if given:
            headers["content-range"] = f"bytes {at}-{len(body) - 1}/{len(body)}"
        rest = body[at:]
        return (206 if given else 200), headers, rest[: self.cuts.pop(0)] if self.cuts else rest


def _file(path):
    """``ORG/REPO/PATH`` of ``/ORG/REPO/resolve/REVISION/PATH``."""
    repository, _, rest = path.lstrip("/").partition("/resolve/")
    return f"{repository}/{rest.partition('/')[2]}"
