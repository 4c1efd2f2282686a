"""Not run: `mypy --strict` reads this, a program as one writes it for LiteLLM."""

from typing import Any, assert_type

import antiphon
import antiphon.litellm as litellm
from antiphon.litellm import acompletion, completion
from antiphon.litellm.exceptions import RateLimitError
from antiphon.litellm.integrations.custom_logger import CustomLogger
from antiphon.litellm.types.utils import Choices, ModelResponse
from antiphon.litellm.utils import trim_messages

litellm.drop_params = True
litellm.set_verbose = False
litellm.api_key = "…"
litellm.num_retries = 2
litellm.cache = litellm.Cache(type="disk", disk_cache_dir="answers")


class Costs(CustomLogger):
    total = 0.0

    def log_success_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        self.total += kwargs["response_cost"] or 0.0


litellm.callbacks = [Costs()]
litellm.success_callback.append(print)


def ask(question: str) -> str:
    messages = [{"role": "user", "content": question}]
    try:
        response = completion("gpt-4o", trim_messages(messages, "gpt-4o"), temperature=0.2, vendor_flag=1)
    except RateLimitError as error:
        return f"{error.status_code} {error.llm_provider} {error.model} {error.message}"
    assert_type(response, ModelResponse)
    choice: Choices = response.choices[0]
    print(litellm.completion_cost(response), litellm.token_counter(model="gpt-4o", messages=messages))
    ranked = litellm.rerank("hosted_vllm/bge", question, ["a", {"text": "b"}], top_n=1)
    assert_type(ranked, antiphon.RerankResponse)
    print(litellm.get_model_info("gpt-4o")["max_tokens"], litellm.supports_vision("gpt-4o"))
    return choice.message.content or ""


def stream(question: str) -> str:
    chunks = completion(model="gpt-4o", messages=[{"role": "user", "content": question}], stream=True)
    assert_type(chunks, antiphon.CompletionStream)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


async def asynchronous(question: str) -> str:
    messages = [{"role": "user", "content": question}]
    assert_type(await acompletion("gpt-4o", messages), ModelResponse)
    texts = []
    async for chunk in await acompletion("gpt-4o", messages, stream=True):
        texts.append(chunk.choices[0].delta.content or "")
    answers = litellm.batch_completion("gpt-4o", [messages, messages])
    return "".join(texts) + str(len(answers))
