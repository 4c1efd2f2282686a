"""LiteLLM's helpers for messages and tools."""

from antiphon._exceptions import InvalidRequestError

#: What a prompt is cut to, in parts of the model's window: the rest is for the answer.
TRIM_RATIO = 0.75


def trim_messages(messages, model=None, trim_ratio=TRIM_RATIO, return_response_tokens=False, max_tokens=None):
    """The messages, without the oldest ones that do not fit into ``max_tokens`` (else into ``trim_ratio``
    of the model's window). System messages stay, and so do the calls of tools at the end. Of the last
    message that does not fit whole, the middle is left out. The list given is left as it is.

    With ``return_response_tokens`` the answer is a pair of the messages and the tokens that remain for the
    answer.
    """
    from antiphon.litellm import get_model_info, token_counter

    messages = list(messages)
    limit = max_tokens
    if limit is None:
        info = get_model_info(model) if model else {}
        window = info.get("max_input_tokens") or info.get("max_tokens")
        if window is None:
            return (messages, None) if return_response_tokens else messages
        limit = int(window * trim_ratio)

    def count(some):
        return token_counter(model=model or "", messages=some) if some else 0

    kept = messages if count(messages) <= limit else _trimmed(messages, limit, count)
    return (kept, limit - count(kept)) if return_response_tokens else kept


def _trimmed(messages, limit, count):
    system = [message for message in messages if message.get("role") == "system"]
    rest = [message for message in messages if message.get("role") != "system"]
    tail = []
    while rest and rest[-1].get("role") in ("tool", "function"):
        tail.insert(0, rest.pop())
    if tail and rest:
        tail.insert(0, rest.pop())
    if count(system) > limit:
        hint = "give a larger max_tokens, or a shorter system message"
        message = f"messages: the system messages alone have more than {limit} tokens"
        raise InvalidRequestError(message, param="messages", hint=hint)
    kept = []
    while rest:
        message = rest.pop()
        if count([*system, message, *kept, *tail]) <= limit:
            kept.insert(0, message)
            continue
        shortened = _shortened(message, lambda cut: count([*system, cut, *kept, *tail]) <= limit)
        if shortened is not None:
            kept.insert(0, shortened)
        break
    return [*system, *kept, *tail]


def _shortened(message, fits):
    """The message with the middle of its text left out, as much as fits; ``None`` where nothing does."""
    text = message.get("content")
    if not isinstance(text, str):
        return None

    def cut(length):
        head, tail = (length + 1) // 2, length // 2
        return {**message, "content": f"{text[:head]}..{text[len(text) - tail :]}"}

    least, most = 0, len(text)
    while least < most:
        middle = (least + most + 1) // 2
        if fits(cut(middle)):
            least = middle
        else:
            most = middle - 1
    return cut(least) if least else None


def function_to_dict(input_function):
    """A Python function as a tool's ``function``: its name, its docstring, its parameters by their hints."""
    from antiphon import completion

    plan = completion(
        "x",
        "openai/x",
        tools=[input_function],
        api_key="x",
        base_url="http://127.0.0.1",
        dry_run=True,
        cache_enabled=False,
    )
    return plan["body"]["tools"][0]["function"]


def get_response_string(response_obj):
    """The text of every choice of an answer, or of a chunk, one after the other."""
    texts = []
    for choice in response_obj.choices:
        said = choice.get("message") or choice.get("delta")
        texts.append((said.content if said is not None else choice.get("text")) or "")
    return "".join(texts)
