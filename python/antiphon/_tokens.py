"""Tokens: how many a text or a conversation is for a model, and text to tokens and back.

OpenAI's encodings are built in and exact; a local model counts by its own vocabulary; of every other model
the vocabulary is not here, and OpenAI's ``o200k_base`` stands in, for an estimate. Nothing is fetched.
"""

from . import _antiphon

# What LiteLLM counts for an image that is not to be looked at.
_ANY_IMAGE = 250


def token_counter(
    model="",
    custom_tokenizer=None,
    text=None,
    messages=None,
    count_response_tokens=False,
    tools=None,
    tool_choice=None,
    use_default_image_token_count=False,
    default_token_count=None,
):
    """How many tokens a text, or a conversation with what a chat puts around it, is for a model.

    ``text`` may be a list of strings, counted as one. ``count_response_tokens=True`` counts messages as
    answers: without what opens the next one. ``custom_tokenizer`` is any object with ``encode`` (of
    ``tokenizers``, ``transformers`` or ``tiktoken``), or a dict that has it as ``"tokenizer"``. Parts of
    messages of which no count is known (sound, video) are an error, or ``default_token_count``.

    >>> token_counter("gpt-4o", text="hello world")
    2
    """
    if (text is None) == (messages is None):
        raise ValueError("token_counter() takes either text or messages")
    if text is not None:
        if tools or tool_choice:
            raise ValueError("token_counter() counts tools with messages, not with a text")
        if not isinstance(text, str):
            text = "".join(text)
        if custom_tokenizer is None:
            return _antiphon.count_text(model, text)
        return len(encode(model, text, custom_tokenizer))
    return _antiphon.count_chat(
        model,
        list(messages),
        list(tools or ()),
        tool_choice,
        bool(count_response_tokens),
        _ANY_IMAGE if use_default_image_token_count else None,
        default_token_count,
        None if custom_tokenizer is None else lambda text: len(encode(model, text, custom_tokenizer)),
    )


def encode(model="", text="", custom_tokenizer=None):
    """The tokens of a text, a list of numbers. The text of a special token is plain text."""
    if custom_tokenizer is None:
        return _antiphon.encode(model, text)
    tokenizer = _tokenizer(custom_tokenizer)
    # tiktoken's plain `encode` refuses the texts of special tokens.
    tokens = getattr(tokenizer, "encode_ordinary", tokenizer.encode)(text)
    return list(getattr(tokens, "ids", tokens))


def decode(model="", tokens=(), custom_tokenizer=None):
    """The text of tokens."""
    if custom_tokenizer is None:
        return _antiphon.decode(model, list(tokens))
    return _tokenizer(custom_tokenizer).decode(list(tokens))


def create_tokenizer(json):
    """A ``custom_tokenizer`` from the text of a ``tokenizer.json``. Needs the package ``tokenizers``."""
    from tokenizers import Tokenizer

    return {"type": "huggingface_tokenizer", "tokenizer": Tokenizer.from_str(json)}


def create_pretrained_tokenizer(identifier, revision="main", auth_token=None):
    """A ``custom_tokenizer`` by its name on the Hugging Face hub; the package ``tokenizers`` fetches it."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_pretrained(identifier, revision=revision, token=auth_token)
    return {"type": "huggingface_tokenizer", "tokenizer": tokenizer}


def _tokenizer(custom):
    tokenizer = custom.get("tokenizer") if isinstance(custom, dict) else custom
    if not hasattr(tokenizer, "encode"):
        raise TypeError("custom_tokenizer must have encode(text), or be a dict with one as 'tokenizer'")
    return tokenizer


for _function in (create_pretrained_tokenizer, create_tokenizer, decode, encode, token_counter):
    _function.__module__ = "antiphon"
