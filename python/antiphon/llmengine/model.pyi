from collections.abc import Mapping
from typing import Any

from .data_types import (
    CreateLLMEndpointResponse,
    DeleteLLMEndpointResponse,
    GetLLMEndpointResponse,
    GpuType,
    ListLLMEndpointsResponse,
    LLMInferenceFramework,
    LLMSource,
    ModelDownloadResponse,
    Quantization,
    UpdateLLMEndpointResponse,
)

DEFAULTS: dict[str, Any]

class Model:
    @classmethod
    def create(
        cls,
        name: str,
        model: str,
        inference_framework_image_tag: str = "latest",
        *,
        source: LLMSource | str | None = None,
        inference_framework: LLMInferenceFramework | str | None = None,
        num_shards: int | None = None,
        quantize: Quantization | str | None = None,
        checkpoint_path: str | None = None,
        cpus: str | float | None = None,
        gpus: int | None = None,
        memory: str | float | None = None,
        storage: str | float | None = None,
        gpu_type: GpuType | str | None = None,
        min_workers: int | None = None,
        max_workers: int | None = None,
        per_worker: int | None = None,
        labels: Mapping[str, str] | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        request_headers: Mapping[str, str] | None = None,
        max_retries: int | None = None,
        **settings: Any,
    ) -> CreateLLMEndpointResponse: ...
    @classmethod
    def list(
        cls,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        request_headers: Mapping[str, str] | None = None,
        max_retries: int | None = None,
    ) -> ListLLMEndpointsResponse: ...
    @classmethod
    def get(
        cls,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        request_headers: Mapping[str, str] | None = None,
        max_retries: int | None = None,
    ) -> GetLLMEndpointResponse: ...
    @classmethod
    def update(
        cls,
        name: str,
        model: str | None = None,
        *,
        source: LLMSource | str | None = None,
        inference_framework: LLMInferenceFramework | str | None = None,
        num_shards: int | None = None,
        quantize: Quantization | str | None = None,
        checkpoint_path: str | None = None,
        cpus: str | float | None = None,
        gpus: int | None = None,
        memory: str | float | None = None,
        storage: str | float | None = None,
        gpu_type: GpuType | str | None = None,
        min_workers: int | None = None,
        max_workers: int | None = None,
        per_worker: int | None = None,
        labels: Mapping[str, str] | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        request_headers: Mapping[str, str] | None = None,
        max_retries: int | None = None,
        **settings: Any,
    ) -> UpdateLLMEndpointResponse: ...
    @classmethod
    def delete(
        cls,
        model_endpoint_name: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        request_headers: Mapping[str, str] | None = None,
        max_retries: int | None = None,
    ) -> DeleteLLMEndpointResponse: ...
    @classmethod
    def download(
        cls,
        model_name: str,
        download_format: str = "hugging_face",
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        request_headers: Mapping[str, str] | None = None,
        max_retries: int | None = None,
    ) -> ModelDownloadResponse: ...
