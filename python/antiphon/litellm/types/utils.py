"""``litellm.types.utils``: the objects of answers."""

from antiphon import ChatCompletionTokenLogprob, ChoiceLogprobs, TopLogprob

#: What callbacks find as ``kwargs["standard_logging_object"]``.
StandardLoggingPayload = dict

#: What ``get_model_info`` returns.
ModelInfo = dict


def __getattr__(name):
    import antiphon.litellm

    return getattr(antiphon.litellm, name)


__all__ = [
    "ChatCompletionTokenLogprob",
    "ChoiceLogprobs",
    "ModelInfo",
    "StandardLoggingPayload",
    "TopLogprob",
]
