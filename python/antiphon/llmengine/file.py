"""``File``: what a server keeps, such as the rows of a batch and what came of them."""

from .api_engine import asked, part
from .data_types import (
    DeleteFileResponse,
    GetFileContentResponse,
    GetFileResponse,
    ListFilesResponse,
    UploadFileResponse,
)


class File:
    """Files of a server, each seen by the key that it belongs to. In this process there are none.

    Every function takes ``base_url``, ``api_key``, ``timeout`` in seconds and ``request_headers`` besides.
    """

    @classmethod
    def upload(cls, file, **options):
        """Sends a file: one that is open, in either mode, or the path of one. Its ``id`` is returned."""
        form = _form(*_read(file))
        return UploadFileResponse(**asked("File.upload", options, "POST", "/v1/files", form=form))

    @classmethod
    def list(cls, **options):
        """All files, in ``files``, each as ``get`` returns it."""
        return ListFilesResponse(**asked("File.list", options, "GET", "/v1/files"))

    @classmethod
    def get(cls, file_id, **options):
        """What is known of a file: ``id``, ``filename``, ``size`` in bytes."""
        return GetFileResponse(**asked("File.get", options, "GET", _path(file_id)))

    @classmethod
    def download(cls, file_id, **options):
        """What stands in a file, as the text ``content``."""
        path = f"{_path(file_id)}/content"
        return GetFileContentResponse(**asked("File.download", options, "GET", path))

    @classmethod
    def delete(cls, file_id, **options):
        """Has the server forget a file; ``NotFoundError`` where there is none."""
        return DeleteFileResponse(**asked("File.delete", options, "DELETE", _path(file_id)))


def _path(file_id):
    return f"/v1/files/{part('file_id', file_id)}"


def _read(file):
    """Name and bytes."""
    from os import fspath
    from os.path import basename

    if not hasattr(file, "read"):
        with open(file, "rb") as opened:
            return basename(fspath(file)), opened.read()
    content = file.read()
    # A file that was opened by a number, or is none, has no name.
    name = getattr(file, "name", None)
    name = basename(name) if isinstance(name, str) else "file"
    return name, content.encode() if isinstance(content, str) else bytes(content)


def _form(name, content):
    """A form with the one field ``file``: its media type and bytes."""
    from uuid import uuid4

    boundary = uuid4().hex
    # As HTML has it for names of files.
    for character, escaped in (('"', "%22"), ("\r", "%0D"), ("\n", "%0A")):
        name = name.replace(character, escaped)
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = b"".join((head.encode(), content, f"\r\n--{boundary}--\r\n".encode()))
    return f"multipart/form-data; boundary={boundary}", body


File.__module__ = "antiphon.llmengine"
