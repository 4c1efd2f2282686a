"""``Model``: what a server, or this process, has models by the name of."""

from .. import _antiphon, completion
from .._exceptions import AuthenticationError, NotFoundError, UnknownProviderError
from .api_engine import asked, part, send, server
from .data_types import (
    CreateLLMEndpointResponse,
    DeleteLLMEndpointResponse,
    GetLLMEndpointResponse,
    ListLLMEndpointsResponse,
    ModelDownloadResponse,
    UpdateLLMEndpointResponse,
)

_PATH = "/v1/llm/model-endpoints"

#: What LLM Engine's client sends of a new model where nothing is said.
DEFAULTS = {
    "source": "hugging_face",
    "inference_framework": "vllm",
    "num_shards": 1,
    "nodes_per_worker": 1,
    "min_workers": 0,
    "max_workers": 1,
    "per_worker": 2,
    "endpoint_type": "streaming",
    "high_priority": False,
    "public_inference": True,
    "labels": {},
    "metadata": {},
}

# Around a request, and no part of it.
_OPTIONS = ("api_key", "base_url", "extra_headers", "max_retries", "request_headers", "timeout")


class Model:
    """Models by their names. Without a server: those of this process, and the aliases of ``config.toml``.

    Every function takes ``base_url``, ``api_key``, ``timeout`` in seconds and ``request_headers`` besides.
    """

    @classmethod
    def create(cls, name, model, inference_framework_image_tag="latest", **settings):
        """Makes a further name for a model; needs a server.

        ``settings`` are LLM Engine's (``labels``, ``min_workers``, ``max_workers``, ``per_worker``,
        ``num_shards``, ``quantize``, ``gpus``, …). Returns at once; ``get`` says when it is ready.
        ``BadRequestError`` where the name is taken.
        """
        options, settings = _apart(settings)
        image = {"inference_framework_image_tag": inference_framework_image_tag}
        request = {"name": name, "model_name": model, **image, **DEFAULTS, **settings}
        return CreateLLMEndpointResponse(**asked("Model.create", options, "POST", _PATH, request))

    @classmethod
    def list(cls, **options):
        """Every model, in ``model_endpoints``, each as ``get`` returns it."""
        found = server(options)
        if found is not None:
            return ListLLMEndpointsResponse(**send(found, "GET", _PATH))
        return ListLLMEndpointsResponse(model_endpoints=[_here(*pair) for pair in sorted(_names().items())])

    @classmethod
    def get(cls, model, **options):
        """What is known of a model: ``name``, ``status``, ``model_name``; ``NotFoundError`` if nothing is."""
        path = _path("model", model)
        found = server(options)
        if found is not None:
            return GetLLMEndpointResponse(**send(found, "GET", path))
        return _here(model, _names().get(model) or _known(model))

    @classmethod
    def update(cls, name, model=None, **settings):
        """Changes what a name that was made by ``create`` stands for, or its settings; needs a server."""
        options, settings = _apart(settings)
        request = {"model_name": model, **settings}
        request = {field: value for field, value in request.items() if value is not None}
        path = _path("name", name)
        return UpdateLLMEndpointResponse(**asked("Model.update", options, "PUT", path, request))

    @classmethod
    def delete(cls, model_endpoint_name, **options):
        """Has the server forget a name that was made by ``create``."""
        path = _path("model_endpoint_name", model_endpoint_name)
        return DeleteLLMEndpointResponse(**asked("Model.delete", options, "DELETE", path))

    @classmethod
    def download(cls, model_name, download_format="hugging_face", **options):
        """Where a model's files are, in ``urls``; a server that gives none away says so by status 501."""
        request = {"model_name": model_name, "download_format": download_format}
        return ModelDownloadResponse(**asked("Model.download", options, "POST", f"{_PATH}/download", request))


def _apart(settings):
    """Options, and what is part of the request."""
    options = {name: settings.pop(name) for name in _OPTIONS if name in settings}
    return options, {name: value for name, value in settings.items() if value is not None}


def _path(param, name):
    return f"{_PATH}/{part(param, name)}"


def _names():
    """What this process has: names, and what each stands for."""
    local = {name: name for name in _antiphon.model_names() if name.startswith("local/")}
    # A model of the zoo goes by its bare name, too.
    zoo = {model["name"]: f"local/{model['name']}" for model in _antiphon.zoo_list(True) if "zoo" in model}
    return local | zoo | _antiphon.alias_names()


def _known(name):
    """A model need not be listed to be there: any that a call would find is."""
    try:
        completion("hi", name, dry_run=True)
    except (NotFoundError, UnknownProviderError) as error:
        message = f"Model Endpoint {name} was not found."
        raise NotFoundError(message, param="model", hint=error.hint) from None
    except AuthenticationError:
        # It is there, for who has a key.
        pass
    return name


def _here(name, stands_for):
    return GetLLMEndpointResponse(
        id=None,
        name=name,
        model_name=stands_for,
        source="hugging_face",
        status="READY",
        inference_framework="vllm",
        inference_framework_tag=None,
        num_shards=None,
        quantize=None,
        spec=None,
        chat_template_override=None,
    )


Model.__module__ = "antiphon.llmengine"
