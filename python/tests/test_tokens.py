"""Tokens: counted, and text to tokens and back."""

import threading
import time

import pytest
from antiphon import (
    InvalidRequestError,
    Message,
    completion,
    create_tokenizer,
    decode,
    encode,
    token_counter,
)

TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "Where"}},
            "required": ["city"],
        },
    },
}
CHAT = [{"role": "system", "content": "You are terse."}, {"role": "user", "content": "What is the weather?"}]


@pytest.mark.parametrize(
    ("model", "tokens"),
    [("gpt-4o", [24912, 2375]), ("gpt-3.5-turbo", [15339, 1917]), ("openai/gpt-4o-mini", [24912, 2375])],
)
def test_a_text_becomes_the_tokens_of_its_model(model, tokens):
    assert encode(model, "hello world") == tokens
    assert decode(model, tokens) == "hello world"
    assert token_counter(model, text="hello world") == len(tokens)
    assert token_counter(model, text=["hello", " world"]) == len(tokens)


# As LiteLLM counts them.
@pytest.mark.parametrize(
    ("model", "messages", "arguments", "expected"),
    [
        ("gpt-4o", CHAT, {}, 20),
        ("gpt-3.5-turbo", CHAT, {}, 20),
        ("gpt-4o", CHAT, {"count_response_tokens": True}, 17),
        ("gpt-4o", [{"role": "user", "name": "anna", "content": "hi"}], {}, 10),
        ("gpt-4o", CHAT, {"tools": [TOOL]}, 53),
        ("gpt-4o", CHAT, {"tools": [TOOL], "tool_choice": "none"}, 54),
        (
            "gpt-4o",
            CHAT,
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "weather"}}},
            61,
        ),
    ],
)
def test_a_conversation_is_counted(model, messages, arguments, expected):
    assert token_counter(model, messages=messages, **arguments) == expected


def test_our_own_messages_and_tool_calls_are_counted():
    response = completion("hi", model="gpt-4o", mock_response="ho")
    counted = token_counter("gpt-4o", messages=[response.choices[0].message])
    assert counted == token_counter("gpt-4o", messages=[{"role": "assistant", "content": "ho"}])
    assert counted == token_counter("gpt-4o", messages=[Message(content="ho")])
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    calling = {"role": "assistant", "content": None, "tool_calls": [call]}
    assert token_counter("gpt-4o", messages=[calling]) == 3 + 1 + 6 + 3


def test_a_local_model_counts_by_its_own_vocabulary():
    messages = [{"role": "user", "content": "What is the capital of France?"}]
    usage = completion(messages, model="local/chorister").usage
    assert token_counter("local/chorister", messages=messages) == usage.prompt_tokens
    tokens = encode("local/chorister", "What is the capital?")
    assert decode("local/chorister", tokens) == "What is the capital?"
    assert max(tokens) < 1536 * 4


def test_images_are_counted_by_their_tiles_and_sound_is_not_known():
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "look"}, image]}]
    assert token_counter("gpt-4o", messages=messages) == 3 + 1 + 1 + 85 + 3
    counted = token_counter("gpt-4o", messages=messages, use_default_image_token_count=True)
    assert counted == 3 + 1 + 1 + 250 + 3
    messages = [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": ""}}]}]
    with pytest.raises(InvalidRequestError, match=r"^messages\[0\]\.content\[0\]: how many tokens"):
        token_counter("gpt-4o", messages=messages)
    assert token_counter("gpt-4o", messages=messages, default_token_count=7) == 3 + 1 + 7 + 3


class Letters:
    def encode(self, text):
        return [ord(letter) for letter in text]

    def decode(self, tokens):
        return "".join(map(chr, tokens))


@pytest.mark.parametrize("tokenizer", [Letters(), {"type": "huggingface_tokenizer", "tokenizer": Letters()}])
def test_a_tokenizer_of_ones_own(tokenizer):
    assert encode(text="abc", custom_tokenizer=tokenizer) == [97, 98, 99]
    assert decode(tokens=[97, 98], custom_tokenizer=tokenizer) == "ab"
    assert token_counter(text="abc", custom_tokenizer=tokenizer) == 3
    messages = [{"role": "user", "content": "abc"}]
    assert token_counter(messages=messages, custom_tokenizer=tokenizer) == 3 + 4 + 3 + 3


def test_a_tokenizer_that_raises_or_is_none():
    class Broken:
        def encode(self, text):
            raise RuntimeError("out of letters")

    with pytest.raises(RuntimeError, match="out of letters"):
        token_counter(messages=[{"role": "user", "content": "a"}], custom_tokenizer=Broken())
    with pytest.raises(TypeError, match="custom_tokenizer must have encode"):
        token_counter(text="a", custom_tokenizer={"type": "huggingface_tokenizer"})


def test_a_tokenizer_of_hugging_face():
    pytest.importorskip("tokenizers")
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"hello": 0, "world": 1}, unk_token="hello"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    custom = create_tokenizer(tokenizer.to_str())
    assert encode(text="hello world", custom_tokenizer=custom) == [0, 1]
    assert token_counter(text="hello world world", custom_tokenizer=custom) == 3


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({}, ValueError, "either text or messages"),
        ({"text": "a", "messages": []}, ValueError, "either text or messages"),
        ({"text": "a", "tools": [TOOL]}, ValueError, "counts tools with messages"),
        ({"text": "a\ud800"}, InvalidRequestError, "lone surrogate"),
        ({"messages": ["hi"]}, InvalidRequestError, r"messages\[0\]: must be an object"),
    ],
)
def test_bad_input_says_what_is_wrong(arguments, error, words):
    with pytest.raises(error, match=words):
        token_counter("gpt-4o", **arguments)


def test_an_unknown_token_is_named():
    with pytest.raises(InvalidRequestError, match=r"tokens\[1\]: 999999999 is no token of o200k_base"):
        decode("gpt-4o", [1, 999999999])


def test_other_threads_run_while_tokens_are_counted():
    token_counter("gpt-4o", text="warm")
    text = "a" * 4_000_000
    ticks, done = 0, threading.Event()

    def count():
        token_counter("gpt-4o", text=text)
        done.set()

    thread = threading.Thread(target=count)
    thread.start()
    while not done.is_set():
        ticks += 1
        time.sleep(0.001)
    thread.join()
    # With the lock held, this thread would have run at the start and at the end alone.
    assert ticks > 10
