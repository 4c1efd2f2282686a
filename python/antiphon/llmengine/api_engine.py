"""Where LLM Engine is, with which key it is asked, and how: by the transport of every other call."""

import os

from .. import _antiphon
from .._exceptions import InvalidRequestError

#: Set by ``set_base_path`` and ``set_api_key``; ``None`` is what the environment says.
base_path = None
api_key = None


def set_base_path(path):
    """Has everything be asked of the LLM Engine at that address; ``None``: as the environment says."""
    global base_path
    base_path = path


def get_base_path():
    """The address: what was set, else ``LLM_ENGINE_BASE_PATH``. ``None``: models run in this process."""
    return base_path or os.environ.get("LLM_ENGINE_BASE_PATH") or None


def set_api_key(key):
    """Sets the key of every request; ``None``: as the environment says."""
    global api_key
    api_key = key


def get_api_key():
    """The key: what was set, else ``SCALE_API_KEY``, else ``"root"``, which a server without keys takes."""
    return api_key or os.environ.get("SCALE_API_KEY") or "root"


def server(options):
    """The options of a request to the server, which say where it is; ``None`` where there is none.

    LLM Engine's word for headers becomes ours in both cases.
    """
    headers = options.pop("request_headers", None)
    if headers:
        options["extra_headers"] = {**(options.get("extra_headers") or {}), **headers}
    base_url = options.pop("base_url", None) or get_base_path()
    if not base_url:
        return None
    # Without either the core looks for one: in the environment, among the stored keys, in `config.toml`.
    key = options.pop("api_key", None) or api_key
    return {**options, "base_url": base_url, **({"api_key": key} if key else {})}


def send(options, method, path, json=None, form=None):
    """The JSON that the server answers."""
    return _antiphon.exchange("llm_engine", method, path, json, form, options)


def asked(what, options, method, path, json=None, form=None):
    """The same, of what only a server has."""
    found = server(options)
    if found is None:
        raise InvalidRequestError(
            f"{what} needs a server, and none is set",
            hint="start one with `antiphon serve`, and set LLM_ENGINE_BASE_PATH or pass base_url",
        )
    return send(found, method, path, json, form)


def part(param, name):
    """A name as part of a path. Its slashes stay: LLM Engine's routes take them."""
    from urllib.parse import quote

    if not isinstance(name, str) or any(piece in ("", ".", "..") for piece in name.split("/")):
        raise InvalidRequestError(f"{param}: must be a name, got {name!r}", param=param)
    return quote(name)
