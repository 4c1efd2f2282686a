"""`antiphon.llmengine` in the place of LLM Engine's newest client: its checks, and what is ours alone."""

import importlib.util
import json
import os
import re
import sys
import tempfile
import time
import uuid
from importlib import import_module
from pathlib import Path
from types import ModuleType

from antiphon import Completion, Timeout
from antiphon.llmengine import File, FineTune, Model, errors
from harness import COLON_KEY, KEY, KEYED_URL, LOCAL, QUESTION, URL, needs, raises, raises_async

SHARED = "llm_engine_b45"


def shared():
    """That client's checks, which find our modules under its names."""
    for name in ("", ".api_engine", ".data_types", ".errors"):
        sys.modules[f"llmengine{name}"] = import_module(f"antiphon.llmengine{name}")
    sys.modules["pydantic.v1"] = ModuleType("pydantic.v1")
    sys.modules["pydantic.v1"].ValidationError = errors.ValidationError
    path = Path(__file__).resolve().parents[1] / SHARED / "checks.py"
    spec = importlib.util.spec_from_file_location("shared_checks", path)
    checks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checks)
    return checks


checks = shared()
globals().update({name: check for name, check in vars(checks).items() if name.startswith("check_")})
SYNC, STREAM, BATCH_V1, BATCH_V2 = checks.SYNC, checks.STREAM, checks.BATCH_V1, checks.BATCH_V2
MODEL, ask, refused, status = checks.MODEL, checks.ask, checks.refused, checks.status


# Where ours differs.


@needs(SYNC)
def check_ranges():
    assert "top_k" in refused(top_k=0, temperature=0.5)
    assert "top_k" in refused(top_k=5)
    assert "prompt" in refused(prompt="")
    assert len(re.findall(r"\d+", refused(prompt="word " * 20_000))) >= 2
    # What a model takes is not made narrower.
    assert ask(temperature=1.1).output.text is not None
    assert "temperature" in refused(temperature=-1)


@needs(checks.FINE_TUNES)
def check_fine_tunes():
    assert FineTune.list().jobs == []
    error = raises(errors.ServerError, lambda: FineTune.create(model=MODEL, training_file="file-a"))
    assert error.status_code == 501
    assert "fine-tun" in str(error)
    raises(errors.NotFoundError, lambda: FineTune.get("ft-a"))
    raises(errors.NotFoundError, lambda: FineTune.cancel("ft-a"))
    raises(errors.NotFoundError, lambda: FineTune.get_events("ft-a"))


@needs(SYNC)
def check_base_paths():
    for path in [URL, URL + "/", URL + "/llm-engine", URL + "/llm-engine/"]:
        assert ask(base_url=path).output.text, path
        assert Model.get(MODEL, base_url=path).name == MODEL
        os.environ["LLM_ENGINE_BASE_PATH"], old = path, os.environ["LLM_ENGINE_BASE_PATH"]
        try:
            assert ask().output.text, path
            assert Model.list().model_endpoints
        finally:
            os.environ["LLM_ENGINE_BASE_PATH"] = old


# What is ours alone.


@needs(SYNC)
def check_keys_of_a_call_and_of_the_environment():
    def ways(**options):
        ask(base_url=KEYED_URL, **options)
        next(ask(base_url=KEYED_URL, stream=True, **options))
        Model.list(base_url=KEYED_URL, **options)
        File.list(base_url=KEYED_URL, **options)

    raises(errors.UnauthorizedError, ways)
    error = raises(
        errors.UnauthorizedError, lambda: Model.list(base_url=KEYED_URL, api_key="canary-wrong-key")
    )
    assert "canary" not in f"{error!r}{error}{error.attempts}"
    for key in [KEY, COLON_KEY]:
        ways(api_key=key)
        os.environ["SCALE_API_KEY"] = key
        try:
            ways()
        finally:
            del os.environ["SCALE_API_KEY"]


@needs(SYNC, STREAM)
async def check_timeouts_are_in_seconds():
    fields = {"model": "slow/m", "prompt": "hi", "timeout": 0.3, "max_retries": 0}
    begin = time.monotonic()
    raises(Timeout, lambda: Completion.create(**fields))
    raises(Timeout, lambda: list(Completion.create(**fields, stream=True)))
    await raises_async(Timeout, lambda: Completion.acreate(**fields))
    assert time.monotonic() - begin < 4


@needs(SYNC, STREAM)
def check_it_prints_as_the_seeds_do():
    response = ask(max_new_tokens=5)
    fields = ("text", "num_prompt_tokens", "num_completion_tokens")
    output = {name: getattr(response.output, name) for name in fields}
    assert json.loads(response.json()) == {"outputs": [output], "traceback": None}
    events = [json.loads(event.json()) for event in ask(max_new_tokens=5, stream=True)]
    assert all(list(event) == ["output", "traceback"] for event in events)
    assert [event["output"]["finished"] for event in events] == [False] * (len(events) - 1) + [True]


@needs(STREAM)
async def check_a_stream_that_breaks_asynchronously():
    stream = await Completion.acreate(model="cut/m", prompt="hi", stream=True)
    *before, last = [event async for event in stream]
    assert "".join(event.output.text for event in before) == "Hello"
    assert (last.output, last.status.value) == (None, "FAILURE")
    assert last.error.content.error == last.traceback
    assert last.error.content.timestamp


def finished(job_id):
    while status(job_id) in ["queued", "running"]:
        time.sleep(0.05)
    return Completion.get_batch_completion(job_id)["job"]


@needs(BATCH_V1, checks.FILES)
def check_a_batch_from_file_to_file():
    rows = {"prompts": [QUESTION, "2 + 2 ="], "max_new_tokens": 5, "temperature": 0}
    with tempfile.NamedTemporaryFile("w+", suffix=".json") as file:
        json.dump(rows, file)
        file.seek(0)
        name = Path(file.name).name
        File.upload(file)
    made = Completion.batch_create("answers.json", {"model": MODEL}, input_data_path=name)
    job = finished(made.job_id)
    assert job["status"] == "completed", job
    assert job["metadata"]["rows_done"] == "2"
    answers = json.loads(File.download(job["metadata"]["output_file_id"]).content)
    assert [list(answer) for answer in answers] == [
        ["text", "num_prompt_tokens", "num_completion_tokens", "tokens"]
    ] * 2
    assert answers[0]["text"] == ask(max_new_tokens=5).output.text


@needs(checks.FILES)
def check_files_of_every_kind():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'odd "name".txt'
        path.write_bytes("é\r\n--x".encode())
        made = [File.upload(path)]
        with open(path, "rb") as file:
            made.append(File.upload(file))
        with open(path, newline="", encoding="utf-8") as file:
            made.append(File.upload(file))
    for one in made:
        assert File.download(one.id).content == "é\r\n--x"
        assert File.get(one.id).size == 7
        assert File.delete(one.id).deleted


@needs(BATCH_V2)
def check_what_is_refused():
    raises(errors.NotFoundError, lambda: Completion.get_batch_completion(str(uuid.uuid4())))
    raises(errors.NotFoundError, lambda: Completion.cancel_batch_completion("nothing"))
    config = {"model": MODEL}
    for fields in [{}, {"content": [], "use_v2": True}, {"content": {"prompts": [""]}}]:
        raises(
            errors.BadRequestError,
            lambda fields=fields: Completion.batch_create("o.json", config, **fields),
        )
    raises(errors.ServerError, lambda: Model.download(LOCAL))
    for name in ["", "../files", "a//b"]:
        raises(errors.ValidationError, lambda name=name: Model.get(name))
    raises(errors.ValidationError, lambda: Model.list(nothing=1))
