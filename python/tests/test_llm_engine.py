"""``Completion``: the examples of seeds 002 and 003, word for word from copies, and LLM Engine's rules.

Only the import line differs; the three models of the zoo are aliases of the built-in one.
"""

import ast
import asyncio
import json
import re
from pathlib import Path

import antiphon
import pytest
from antiphon import Completion
from antiphon.llmengine import (
    BadRequestError,
    CompletionOutput,
    CompletionStreamOutput,
    CompletionStreamV1Response,
    CompletionSyncV1Response,
    NotFoundError,
)
from conftest import CHORISTER

SEEDS = Path(__file__).parent / "seeds"
BLOCK = re.compile(r"^```py(?:thon)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = [
    (seed, number, block)
    for seed in ("002", "003")
    for number, block in enumerate(BLOCK.findall((SEEDS / f"{seed}.txt").read_text()))
]
ZOO = ("llama-7b", "falcon-7b", "falcon-7b-instruct")
PROMPT = "The capital of France is"


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """A configuration whose aliases are the zoo's names, for programs that are started from here."""
    aliases = "".join(f'"{name}" = "{CHORISTER}"\n' for name in ZOO)
    (tmp_path / "config.toml").write_text(f"[aliases]\n{aliases}")
    monkeypatch.setenv("ANTIPHON_CONFIG_DIR", str(tmp_path))


def test_there_are_ten_examples():
    assert len(BLOCKS) == 10


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(("seed", "number", "block"), BLOCKS)
def test_the_examples_of_the_seeds(python, seed, number, block):
    assert "from llmengine import Completion" in block
    printed = python(block.replace("from llmengine import", "from antiphon import")).stdout
    if "stream=True" in block:
        # Not "splitlines": a sampled text may hold one of Unicode's other ends of a line.
        events = [json.loads(line) for line in printed.rstrip("\n").split("\n")]
        assert all(list(event) == ["output", "traceback"] for event in events)
        counts = [event["output"]["num_completion_tokens"] for event in events]
        assert counts == sorted(counts)
        assert [event["output"]["finished"] for event in events] == [False] * (len(events) - 1) + [True]
    elif "response.json()" in block:
        (line,) = printed.rstrip("\n").split("\n")
        assert list(json.loads(line)) == ["outputs", "traceback"]
    elif "for model_name" in block:
        assert printed.count("Response: ") == (9 if "temperature" in block else 3)
    elif "print(response.outputs)" in block:
        # Python's own form of a text, which has the other quotes where the text has an apostrophe.
        output = r"CompletionOutput\(text=(.*), num_prompt_tokens=\d+, num_completion_tokens=\d+\)"
        (text,) = re.fullmatch(rf"\[{output}\]\n", printed).groups()
        assert isinstance(ast.literal_eval(text), str)


def test_a_whole_answer_has_both_forms():
    response = Completion.create(CHORISTER, PROMPT, temperature=0)
    assert isinstance(response, CompletionSyncV1Response)
    assert response.outputs == [response.output]
    assert response.output.text.strip() == "Paris."
    assert response.output.num_completion_tokens <= 20
    assert response.status == "SUCCESS"
    assert response.request_id
    assert response.json() == json.dumps(
        {"outputs": [response.output.model_dump()], "traceback": None}, ensure_ascii=False
    )


def test_it_prints_as_the_seeds_print():
    output = CompletionOutput(text="\nIcy Creamery", num_completion_tokens=6)
    printed = r"[CompletionOutput(text='\nIcy Creamery', num_prompt_tokens=None, num_completion_tokens=6)]"
    assert repr(CompletionSyncV1Response([output]).outputs) == printed
    event = CompletionStreamV1Response(CompletionStreamOutput("\u2019", False, None, 4))
    assert event.json() == (
        '{"output": {"text": "\u2019", "finished": false, "num_prompt_tokens": null, '
        '"num_completion_tokens": 4}, "traceback": null}'
    )


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 40])
def test_a_stream_has_no_more_events_than_tokens(limit):
    def ask(**more):
        return Completion.create(CHORISTER, PROMPT, limit, 0, **more)

    events = list(ask(stream=True))
    assert [event.output.finished for event in events] == [False] * (len(events) - 1) + [True]
    assert "".join(event.output.text for event in events) == ask().output.text
    assert events[-1].output.num_completion_tokens == ask().output.num_completion_tokens
    assert events[-1].output.num_prompt_tokens == ask().output.num_prompt_tokens
    assert len(events) <= limit


def test_asynchronously():
    async def main():
        whole = await Completion.acreate(model=CHORISTER, prompt=PROMPT, temperature=0)
        stream = await Completion.acreate(model=CHORISTER, prompt=PROMPT, temperature=0, stream=True)
        return whole.output.text, "".join([event.output.text async for event in stream])

    whole, streamed = asyncio.run(main())
    assert whole == streamed


def test_log_probabilities_of_tokens():
    response = Completion.create(CHORISTER, PROMPT, 3, 0, return_token_log_probs=True)
    assert len(response.output.tokens) == 3
    assert all(token.log_prob <= 0 for token in response.output.tokens)
    events = list(Completion.create(CHORISTER, PROMPT, 3, 0, stream=True, return_token_log_probs=True))
    assert [event.output.token.token for event in events] == [token.token for token in response.output.tokens]


def test_stops_and_guides():
    ask = antiphon.llmengine.Completion.create
    assert "." not in ask(CHORISTER, PROMPT, temperature=0, stop_sequences=["."]).output.text
    kept = ask(CHORISTER, PROMPT, temperature=0, stop_sequences=["."], include_stop_str_in_output=True)
    assert kept.output.text.endswith(".")
    choice = ask(CHORISTER, PROMPT, guided_choice=["Sean", "Brian", "Tim"])
    assert choice.output.text in ("Sean", "Brian", "Tim")
    assert re.match("Sean.*", ask(CHORISTER, PROMPT, guided_regex="Sean.*").output.text)


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"model": None}, "model"),
        ({"model": "a", "model_name": "b"}, "model"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"max_new_tokens": 0}, "max_new_tokens"),
        ({"max_new_tokens": 1.5}, "max_new_tokens"),
        ({"top_k": 0}, "top_k"),
        ({"top_k": 5, "temperature": 0}, "top_k"),
        ({"top_p": 0.5, "temperature": 0}, "top_p"),
        ({"guided_regex": "a", "guided_choice": ["a"]}, "guided_choice"),
        ({"temperature": -1}, "temperature"),
    ],
)
def test_what_is_refused(options, param):
    given = {"model": CHORISTER, "prompt": PROMPT, **options}
    with pytest.raises(BadRequestError) as caught:
        Completion.create(**given)
    assert caught.value.param == param


def test_a_model_that_is_not_there():
    with pytest.raises(NotFoundError):
        Completion.create("local/nothing-of-that-name", PROMPT)
