from collections.abc import Mapping
from os import PathLike
from typing import IO, Any

from .data_types import (
    DeleteFileResponse,
    GetFileContentResponse,
    GetFileResponse,
    ListFilesResponse,
    UploadFileResponse,
)

class File:
    @classmethod
    def upload(
        cls,
        file: str | PathLike[str] | IO[Any],
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        request_headers: Mapping[str, str] | None = None,
        max_retries: int | None = None,
    ) -> UploadFileResponse: ...
    @classmethod
    def list(
        cls,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        request_headers: Mapping[str, str] | None = None,
        max_retries: int | None = None,
    ) -> ListFilesResponse: ...
    @classmethod
    def get(
        cls,
        file_id: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        request_headers: Mapping[str, str] | None = None,
        max_retries: int | None = None,
    ) -> GetFileResponse: ...
    @classmethod
    def download(
        cls,
        file_id: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        request_headers: Mapping[str, str] | None = None,
        max_retries: int | None = None,
    ) -> GetFileContentResponse: ...
    @classmethod
    def delete(
        cls,
        file_id: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        request_headers: Mapping[str, str] | None = None,
        max_retries: int | None = None,
    ) -> DeleteFileResponse: ...
