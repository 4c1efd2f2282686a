"""The examples that the project was asked for, as far as they need no hosted model."""

import asyncio

import antiphon as x
import pytest
from antiphon import completion
from conftest import CHORISTER
from faultd import Faultd, json_reply

SEED_000 = """\
ModelResponse(
    id='chatcmpl-ad902c86-7133-4cff-9579-46f86f4b6f9e',
    created=1731461313,
    model='claude-3-5-sonnet-latest',
    object='chat.completion',
    system_fingerprint=None,
    choices=[
        Choices(
            finish_reason='stop',
            index=0,
            message=Message(
                content="I'm doing well, thank you! How are you today?",
                role='assistant',
                tool_calls=None,
                function_call=None
            )
        )
    ],
    usage=Usage(
        completion_tokens=16,
        prompt_tokens=12,
        total_tokens=28,
        completion_tokens_details=None,
        prompt_tokens_details=PromptTokensDetailsWrapper(
            audio_tokens=None,
            cached_tokens=0,
            text_tokens=None,
            image_tokens=None
        ),
        cache_creation_input_tokens=0,
        cache_read_input_tokens=0
    )
)"""

ANSWER = {
    "id": "chatcmpl-ad902c86-7133-4cff-9579-46f86f4b6f9e",
    "object": "chat.completion",
    "created": 1731461313,
    "model": "claude-3-5-sonnet-latest",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "I'm doing well, thank you! How are you today?",
                "refusal": None,
            },
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {
        "prompt_tokens": 12,
        "completion_tokens": 16,
        "total_tokens": 28,
        "prompt_tokens_details": {"cached_tokens": 0},
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
    },
}

HELLO = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "Hello, how are you today?"},
]


def test_seed_000_prints_its_block():
    response = completion("how are you?", model="anthropic/claude-3-5-sonnet-latest", mock_response=ANSWER)
    assert str(response) == SEED_000
    assert response.choices[0].message.content == "I'm doing well, thank you! How are you today?"


CLAUDE = {
    "id": "chatcmpl-ad902c86-7133-4cff-9579-46f86f4b6f9e",
    "type": "message",
    "role": "assistant",
    "model": "claude-3-5-sonnet-latest",
    "content": [{"type": "text", "text": "I'm doing well, thank you! How are you today?"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 12,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": 16,
    },
}


def test_seed_000_with_a_hosted_model_prints_its_block(monkeypatch):
    """The second example, word for word, with a loopback upstream in Claude's place."""
    with Faultd(json_reply(CLAUDE)) as upstream:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "canary")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", upstream.url)
        response = completion("how are you?", model = "anthropic/claude-3-5-sonnet-latest")  # fmt: skip
        [body] = upstream.bodies()
    assert response.model == "claude-3-5-sonnet-latest"
    # Anthropic tells no time; it is that of the answer.
    assert str(response) == SEED_000.replace("1731461313", str(response.created))
    assert response.choices[0].message.content == "I'm doing well, thank you! How are you today?"
    assert body["messages"] == [{"role": "user", "content": "how are you?"}]


def test_repr_is_the_block_on_one_line():
    response = completion("how are you?", mock_response=ANSWER)
    squeezed = SEED_000.replace("\n", "").replace(" ", "")
    assert repr(response).replace(" ", "") == squeezed
    assert "\n" not in repr(response)


def test_an_object_made_by_hand_prints_the_same():
    response = completion("how are you?", mock_response=ANSWER)
    assert str(x.ModelResponse(**response.model_dump())) == SEED_000


def test_a_prompt_and_a_list_are_the_same():
    one = completion("how are you?", mock_response="Fine.")
    other = completion(messages=[{"role": "user", "content": "how are you?"}], mock_response="Fine.")
    assert one.usage == other.usage
    assert one.choices == other.choices


def test_seed_001():
    response = x.completion(
        model="gpt-4o-mini", messages=HELLO, temperature=0.5, max_completion_tokens=100, mock_response="Well."
    )
    assert response.choices[0].message.content == "Well."
    assert response.choices[0].message.tool_calls is None


def test_seed_001_asynchronous():
    result = asyncio.run(
        x.async_completion(
            model="gpt-4o-mini",
            messages=HELLO,
            temperature=0.5,
            max_completion_tokens=100,
            mock_response="Well.",
        )
    )
    assert result.choices[0].message.content == "Well."


def test_seed_004_mock():
    response = completion(
        model="gpt-4o-mini",
        messages=[
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": "What is the capital of Sweden?"},
        ],
        mock_response="Stockholm",
    )
    assert response.choices[0].message.content == "Stockholm"
    assert response.model == "gpt-4o-mini"


def test_without_a_key_the_error_ends_in_the_line_to_paste():
    with pytest.raises(x.AuthenticationError) as caught:
        completion("how are you?")
    assert str(caught.value).endswith(f'model="{CHORISTER}"')
    assert caught.value.llm_provider == "openai"
