"""`scale-llm-engine` 0.0.0b1, the release of the seeds, against `/v1/llm` below `/llm-engine`."""

import os
import re
import time
from pathlib import Path

from harness import KEYED_URL, LOCAL, QUESTION, needs, raises, raises_async
from llmengine import Completion, api_engine, errors

SEEDS = Path(__file__).resolve().parents[3] / "python" / "tests" / "seeds"
SYNC, STREAM = "POST /v1/llm/completions-sync", "POST /v1/llm/completions-stream"
MODEL = "falcon-7b-instruct"


def blocks(seed):
    """The programs of a seed, in order."""
    return re.findall(r"^```(?:py|python)\n(.*?)^```", (SEEDS / seed).read_text(), re.MULTILINE | re.DOTALL)


def ask(**fields):
    return Completion.create(**{"model_name": MODEL, "prompt": QUESTION, **fields})


@needs(SYNC, STREAM)
def check_every_program_of_the_seeds():
    programs = blocks("002.txt") + blocks("003.txt")
    assert len(programs) == 10
    for program in programs:
        exec(compile(program, "seed", "exec"), {"__name__": "seed"})


@needs(SYNC)
def check_create():
    response = ask()
    assert response.status.value == "SUCCESS"
    (output,) = response.outputs
    assert isinstance(output.text, str)
    assert output.num_completion_tokens > 0
    shown = repr(response.outputs)
    assert re.fullmatch(
        r"\[CompletionOutput\(text=.*, num_prompt_tokens=\d+, num_completion_tokens=\d+\)\]", shown
    ), shown


@needs(SYNC)
def check_json():
    import json

    answer = json.loads(ask().json())
    assert list(answer) == ["status", "outputs", "traceback"]
    assert answer["traceback"] is None


@needs(SYNC)
def check_models_and_temperatures():
    for model in ["llama-7b", "falcon-7b", "falcon-7b-instruct"]:
        for temperature in [0.1, 0.5, 0.9]:
            answer = ask(model_name=model, max_new_tokens=100, temperature=temperature, timeout=100)
            assert isinstance(answer.outputs[0].text, str)


@needs(STREAM)
def check_stream():
    responses = list(ask(max_new_tokens=5, stream=True))
    outputs = [response.output for response in responses]
    assert 0 < len(outputs) <= 5
    assert [output.finished for output in outputs] == [False] * (len(outputs) - 1) + [True]
    counts = [output.num_completion_tokens for output in outputs]
    assert counts == sorted(counts)
    assert counts[-1] <= 5
    assert all(output.num_prompt_tokens is None for output in outputs[:-1])


@needs(SYNC, STREAM)
async def check_async():
    response = await Completion.acreate(model_name=MODEL, prompt=QUESTION, temperature=0.01)
    stream = await Completion.acreate(model_name=MODEL, prompt=QUESTION, temperature=0.01, stream=True)
    text = "".join([piece.output.text async for piece in stream])
    assert text == response.outputs[0].text


@needs(SYNC)
def check_errors():
    raises(errors.NotFoundError, lambda: ask(model_name="nobody-knows"))
    # What range the client itself checks is not sent.
    raises(errors.BadRequestError, lambda: ask(model_name="crowded/m"))
    error = raises(errors.RateLimitExceededError, lambda: ask(model_name="limited/m"))
    assert "too many requests" in str(error)
    # This release takes every 5xx for something unknown.
    raises(errors.UnknownError, lambda: ask(model_name="broken/m"))


@needs(STREAM)
def check_stream_of_an_unknown_model():
    raises(errors.NotFoundError, lambda: next(ask(model_name="nobody-knows", stream=True)))


@needs(SYNC)
async def check_async_errors():
    await raises_async(
        errors.NotFoundError, lambda: Completion.acreate(model_name="nobody-knows", prompt="hi")
    )


@needs(SYNC)
def check_keys():
    old, api_engine.LLM_ENGINE_BASE_PATH = api_engine.LLM_ENGINE_BASE_PATH, KEYED_URL
    try:
        raises(errors.UnauthorizedError, ask)
        for key in [os.environ["ANTIPHON_KEY"], os.environ["ANTIPHON_COLON_KEY"]]:
            api_engine.SCALE_API_KEY = key
            assert ask().outputs
    finally:
        api_engine.LLM_ENGINE_BASE_PATH, api_engine.SCALE_API_KEY = old, None


@needs(SYNC)
def check_base_paths():
    old = api_engine.LLM_ENGINE_BASE_PATH
    root = old.removesuffix("/llm-engine/")
    try:
        for path in [root, root + "/", root + "/llm-engine", root + "/llm-engine/"]:
            api_engine.LLM_ENGINE_BASE_PATH = path
            assert ask().outputs, path
    finally:
        api_engine.LLM_ENGINE_BASE_PATH = old


@needs(SYNC)
def check_a_name_with_slashes():
    assert ask(model_name="meta-llama/Llama-2-7b").outputs
    assert ask(model_name=LOCAL).outputs


@needs(STREAM)
def check_a_stream_that_breaks():
    *before, last = ask(model_name="cut/m", stream=True)
    assert "".join(response.output.text for response in before) == "Hello"
    assert last.status.value == "FAILURE"
    assert last.output is None
    assert last.traceback


@needs(STREAM)
def check_a_late_first_token():
    # Longer than this release's timeout of 10 s without a byte: pings keep it.
    begin = time.monotonic()
    responses = list(ask(model_name="slow/m", stream=True))
    assert time.monotonic() - begin > 11
    assert "late" in "".join(response.output.text for response in responses)
