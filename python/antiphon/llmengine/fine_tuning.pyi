from collections.abc import Mapping
from typing import Any

from .data_types import (
    CancelFineTuneResponse,
    CreateFineTuneResponse,
    GetFineTuneEventsResponse,
    GetFineTuneResponse,
    ListFineTunesResponse,
)

class FineTune:
    @classmethod
    def create(
        cls,
        model: str,
        training_file: str,
        validation_file: str | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
        wandb_config: Mapping[str, Any] | None = None,
        suffix: str | None = None,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        request_headers: Mapping[str, str] | None = None,
        max_retries: int | None = None,
    ) -> CreateFineTuneResponse: ...
    @classmethod
    def list(
        cls,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        request_headers: Mapping[str, str] | None = None,
        max_retries: int | None = None,
    ) -> ListFineTunesResponse: ...
    @classmethod
    def get(
        cls,
        fine_tune_id: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        request_headers: Mapping[str, str] | None = None,
        max_retries: int | None = None,
    ) -> GetFineTuneResponse: ...
    @classmethod
    def cancel(
        cls,
        fine_tune_id: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        request_headers: Mapping[str, str] | None = None,
        max_retries: int | None = None,
    ) -> CancelFineTuneResponse: ...
    @classmethod
    def get_events(
        cls,
        fine_tune_id: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        request_headers: Mapping[str, str] | None = None,
        max_retries: int | None = None,
    ) -> GetFineTuneEventsResponse: ...
