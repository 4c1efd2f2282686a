"""``stream_chunk_builder``: gathered chunks as the answer that they come to."""

from antiphon._antiphon import fold_chunks
from antiphon._types import Usage


def stream_chunk_builder(
    chunks, messages=None, start_time=None, end_time=None, logging_obj=None, count_prompt_tokens=None
):
    """The answer that the chunks of a stream come to; ``None`` of no chunks.

    Where no chunk has usage, tokens are counted: those of ``messages``, and those of the answer.
    """
    if not chunks:
        return None
    response = fold_chunks(list(chunks))
    if response.usage is None:
        response.usage = _counted(response, messages, count_prompt_tokens)
    return response


def _counted(response, messages, count_prompt_tokens):
    from antiphon import token_counter

    if count_prompt_tokens is not None:
        prompt = count_prompt_tokens()
    else:
        prompt = token_counter(model=response.model, messages=list(messages)) if messages else 0
    texts = [choice.message.content for choice in response.choices if choice.message.content]
    return Usage(prompt, sum(token_counter(model=response.model, text=text) for text in texts))
