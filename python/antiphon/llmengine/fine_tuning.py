"""``FineTune``: antiphon trains no models, and says so; another LLM Engine may."""

from .._exceptions import InternalServerError, NotFoundError
from .api_engine import part, send, server
from .data_types import (
    CancelFineTuneResponse,
    CreateFineTuneResponse,
    GetFineTuneEventsResponse,
    GetFineTuneResponse,
    ListFineTunesResponse,
)

_PATH = "/v1/llm/fine-tunes"


class FineTune:
    """Jobs that train a model further, at a server that does that. In this process there are none.

    Every function takes ``base_url``, ``api_key``, ``timeout`` in seconds and ``request_headers`` besides.
    """

    @classmethod
    def create(
        cls,
        model,
        training_file,
        validation_file=None,
        hyperparameters=None,
        wandb_config=None,
        suffix=None,
        **options,
    ):
        """Begins a job: its ``id``. ``ServerError`` with status 501 where models are not trained."""
        found = server(options)
        if found is None:
            raise InternalServerError(
                "there are no fine-tunes (status 501): models are not trained in this process",
                status_code=501,
                hint='train elsewhere, and use the result as a GGUF file: model="local/path/to/file.gguf"',
            )
        asked = {
            "model": model,
            "training_file": training_file,
            "validation_file": validation_file,
            "hyperparameters": hyperparameters,
            "wandb_config": wandb_config,
            "suffix": suffix,
        }
        return CreateFineTuneResponse(**send(found, "POST", _PATH, asked))

    @classmethod
    def list(cls, **options):
        """All jobs, in ``jobs``, each as ``get`` returns it."""
        found = server(options)
        return ListFineTunesResponse(**({"jobs": []} if found is None else send(found, "GET", _PATH)))

    @classmethod
    def get(cls, fine_tune_id, **options):
        """How far a job is: ``id``, ``status``, ``fine_tuned_model``."""
        return GetFineTuneResponse(**_of_job(fine_tune_id, options, "GET", ""))

    @classmethod
    def cancel(cls, fine_tune_id, **options):
        """Ends a job."""
        return CancelFineTuneResponse(**_of_job(fine_tune_id, options, "PUT", "/cancel"))

    @classmethod
    def get_events(cls, fine_tune_id, **options):
        """What a job has told so far, in ``events``."""
        return GetFineTuneEventsResponse(**_of_job(fine_tune_id, options, "GET", "/events"))


def _of_job(fine_tune_id, options, method, below):
    path = f"{_PATH}/{part('fine_tune_id', fine_tune_id)}{below}"
    found = server(options)
    if found is None:
        raise NotFoundError(f"there is no fine-tune {fine_tune_id!r}: models are not trained in this process")
    return send(found, method, path)


FineTune.__module__ = "antiphon.llmengine"
