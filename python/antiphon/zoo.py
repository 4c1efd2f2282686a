"""The zoo: open models by short names, and their weights from a Hugging Face hub.

>>> from antiphon import zoo
>>> zoo.info("qwen3-4b")["good_for"]
'the one to begin with: chat, tools, JSON, long texts on a laptop'

A name is one of ``list()``, or ``ORG/REPO`` of any repository of the hub that has a GGUF file; either with
``:FILE`` or ``:QUANTISATION`` behind it. What ``pull`` got is called as ``"local/NAME"``. Nothing else
here, and no call of a model, asks a network.
"""

from . import _antiphon

__all__ = ["async_pull", "info", "list", "path", "pull", "rm"]


def list(here=False):
    """What is known of every model, each a dict; with ``here=True`` of what is here, from any repository.

    A dict has ``name``, ``zoo``, ``kind`` (``base``, ``instruct`` or ``embedding``), ``parameters``,
    ``context``, ``licence``, ``chat_template``, ``source``, ``repository``, ``file``, ``size`` and ``memory``
    in bytes, ``good_for``, and the ``path`` of what is here. What is not known is ``None``. Of weights that
    the catalogue does not have it is ``name``, ``size`` and ``path``.
    """
    return _antiphon.zoo_list(here)


def info(name):
    """What is known of one model, as in ``list()``; ``NotFoundError`` where nothing is."""
    return _antiphon.zoo_info(name)


def path(name):
    """The file of a model's weights, a ``Path``; where they are not here, the error says what gets them."""
    return _antiphon.zoo_path(name)


def rm(name):
    """Removes a model's weights, and returns how many bytes that frees."""
    return _antiphon.zoo_remove(name)


def pull(name, progress=None):
    """Gets a model's weights, and returns the file, a ``Path``. What is here already is not fetched again.

    ``progress`` is called now and then with a dict: ``done`` and ``total`` in bytes, ``found`` of them from
    before, ``file``, ``part`` of ``parts``, and ``state``: ``"fetching"``, ``"checking"`` what came before,
    ``"waiting"`` for another process that fetches the same, or ``"again"`` after a ``reason``. What it
    raises ends the pull. A pull that ends early, however it does, is gone on with by the next.
    """
    pulling = _antiphon.Pull(name)
    try:
        while True:
            pulling.wait()
            found = _told(pulling, progress)
            if found is not None:
                return found
    finally:
        pulling.close()


async def async_pull(name, progress=None):
    """Gets a model's weights, as ``pull`` does, without blocking the loop. Cancelling the task ends it."""
    from ._aio import ready

    pulling = _antiphon.Pull(name)
    try:
        while True:
            await ready(pulling)
            found = _told(pulling, progress)
            if found is not None:
                return found
    finally:
        pulling.close()


def _told(pulling, progress):
    """Passes the news on; the file, once it is there."""
    far, end = pulling.take()
    if progress is not None:
        for one in far:
            progress(one)
    if isinstance(end, BaseException):
        raise end
    return end
