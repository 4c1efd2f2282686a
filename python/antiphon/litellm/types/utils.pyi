from typing import Any, TypeAlias

from antiphon import ChatCompletionTokenLogprob as ChatCompletionTokenLogprob
from antiphon import ChoiceLogprobs as ChoiceLogprobs
from antiphon import TopLogprob as TopLogprob
from antiphon.litellm import *

StandardLoggingPayload: TypeAlias = dict[str, Any]
ModelInfo: TypeAlias = dict[str, Any]
