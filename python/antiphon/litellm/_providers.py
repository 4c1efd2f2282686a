"""LiteLLM's tables of models and providers, made from antiphon's when they are asked for."""

from enum import Enum

from antiphon._antiphon import provider_ids
from antiphon.litellm._models import models_by_provider

#: The providers that antiphon has, by names in capitals. Members are strings.
LlmProviders = Enum("LlmProviders", {name.upper(): name for name in provider_ids()}, type=str)


def table(name):
    """``model_cost``, ``model_list``, ``models_by_provider`` or ``provider_list``."""
    if name == "provider_list":
        return list(LlmProviders)
    if name == "models_by_provider":
        return models_by_provider()
    from antiphon import model_cost

    return model_cost if name == "model_cost" else [model for model in model_cost if model != "sample_spec"]
