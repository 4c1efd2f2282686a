"""LLM Engine's batches, models and files without a server: in this process, on files of this machine."""

import json
import time

import pytest
from antiphon import Completion, llmengine
from antiphon.llmengine import File, FineTune, Model, data_types, errors
from antiphon.llmengine.data_types import (
    CreateBatchCompletionsModelConfig,
    CreateBatchCompletionsV1RequestContent,
    FilteredChatCompletionV2Request,
    FilteredCompletionV2Request,
)
from conftest import CHORISTER

CONFIG = CreateBatchCompletionsModelConfig(model=CHORISTER, labels={"team": "a"})
PROMPTS = ["The capital of France is", "2 + 2 ="]


@pytest.fixture(autouse=True)
def _no_server(monkeypatch):
    monkeypatch.delenv("LLM_ENGINE_BASE_PATH", raising=False)


def content(prompts=PROMPTS, **more):
    return CreateBatchCompletionsV1RequestContent(
        **{"prompts": prompts, "max_new_tokens": 5, "temperature": 0, **more}
    )


def chat(question, **more):
    message = {"role": "user", "content": question}
    return FilteredChatCompletionV2Request(messages=[message], max_tokens=5, temperature=0, **more)


def finished(job_id):
    """The job, once it is over."""
    latest = time.monotonic() + 60
    while (job := Completion.get_batch_completion(job_id)["job"])["status"] in ("queued", "running"):
        assert time.monotonic() < latest
        time.sleep(0.01)
    return job


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_prompts_to_a_file(tmp_path):
    output = tmp_path / "new" / "answers.json"
    made = Completion.batch_create(str(output), CONFIG, content())
    assert isinstance(made, data_types.CreateBatchCompletionsV1Response)
    job = finished(made.job_id)
    assert job["status"] == "completed"
    assert job["metadata"] == {"team": "a", "rows": "2", "rows_done": "2", "rows_failed": "0"}
    assert job["completed_at"].endswith("Z")
    answers = read(output)
    assert [answer["text"] for answer in answers] == [
        Completion.create(CHORISTER, prompt, 5, 0).output.text for prompt in PROMPTS
    ]
    assert list(answers[0]) == ["tokens", "text", "num_prompt_tokens", "num_completion_tokens"]
    assert [path.name for path in output.parent.iterdir()] == ["answers.json"]
    assert Completion.cancel_batch_completion(made.job_id) == {"success": False}


def test_prompts_of_a_file_with_log_probabilities(tmp_path):
    rows = tmp_path / "rows.json"
    rows.write_text(content(return_token_log_probs=True, skip_special_tokens=True).json())
    made = Completion.batch_create(tmp_path / "out.json", CONFIG, input_data_path=rows)
    assert finished(made.job_id)["status"] == "completed"
    assert all(
        len(answer["tokens"]) == answer["num_completion_tokens"] for answer in read(tmp_path / "out.json")
    )


def test_requests_to_a_file(tmp_path):
    output = tmp_path / "answers.json"
    # What LLM Engine's client writes into every row changes nothing.
    anyway = {"best_of": None, "n": 1, "echo": False, "stop_token_ids": [], "priority": 0, "stream": False}
    rows = [chat("hi", **anyway), {"prompt": PROMPTS[0], "max_tokens": 5}]
    job = Completion.batch_create(str(output), CONFIG, rows, use_v2=True, labels={"b": "c"}, priority="1")
    assert isinstance(job, data_types.BatchCompletionsJob)
    assert job.status is data_types.BatchCompletionsJobStatus.Queued
    assert (job.model_config.model, job.priority, job.metadata["b"]) == (CHORISTER, "1", "c")
    assert finished(job.job_id)["status"] == "completed"
    first, second = read(output)
    assert first["object"] == "chat.completion"
    assert first["choices"][0]["message"]["content"]
    assert second["object"] == "text_completion"


def test_a_row_that_fails_stands_in_its_place(tmp_path):
    long = "word " * 20_000
    made = Completion.batch_create(str(tmp_path / "v1.json"), CONFIG, content([long, PROMPTS[0]]))
    job = finished(made.job_id)
    assert (job["status"], job["metadata"]["rows_failed"]) == ("completed", "1")
    failed, answered = read(tmp_path / "v1.json")
    assert failed["text"] == ""
    assert "context" in failed["error"]
    assert answered["text"]
    job = Completion.batch_create(str(tmp_path / "v2.json"), CONFIG, [chat(long)], use_v2=True)
    job = finished(job.job_id)
    assert job["status"] == "failed"
    assert job["metadata"]["problem"] == "no row was answered; the file says why"
    (failed,) = read(tmp_path / "v2.json")
    assert failed["status_code"] == 400
    assert failed["error"]["type"] == "ContextWindowExceededError"


def slow(count):
    return content([f"{place}" for place in range(count)])


def test_a_cancelled_batch(tmp_path):
    output = tmp_path / "out.json"
    made = Completion.batch_create(str(output), CONFIG, slow(16), mock_response="x", mock_delay=30)
    quick = Completion.batch_create(str(tmp_path / "quick.json"), CONFIG, content(), mock_response="x")
    assert finished(quick.job_id)["status"] == "completed"
    assert Completion.cancel_batch_completion(made.job_id) == {"success": True}
    assert Completion.cancel_batch_completion(made.job_id) == {"success": False}
    job = finished(made.job_id)
    assert (job["status"], job["completed_at"]) == ("cancelled", None)
    assert not output.exists()


def test_what_was_answered_before_a_cancel_is_written(tmp_path):
    output = tmp_path / "out.json"
    made = Completion.batch_create(str(output), CONFIG, slow(16), mock_response="x", mock_delay=1)
    while Completion.get_batch_completion(made.job_id)["job"]["metadata"]["rows_done"] != "8":
        time.sleep(0.01)
    assert Completion.cancel_batch_completion(made.job_id) == {"success": True}
    latest = time.monotonic() + 30
    while not output.exists():
        assert time.monotonic() < latest
        time.sleep(0.01)
    assert [answer is None for answer in read(output)] == [False] * 8 + [True] * 8


def test_one_that_takes_too_long_fails(tmp_path):
    output = tmp_path / "out.json"
    options = {"max_runtime_sec": 1, "mock_response": "x", "mock_delay": 0.6}
    made = Completion.batch_create(str(output), CONFIG, slow(16), **options)
    job = finished(made.job_id)
    assert job["status"] == "failed"
    assert "max_runtime_sec" in job["metadata"]["problem"]
    answers = read(output)
    assert [answer is None for answer in answers] == [False] * 8 + [True] * 8


def test_the_process_waits_for_its_batches(python, tmp_path):
    output = tmp_path / "out.json"
    python(f"""
from antiphon.llmengine import Completion
content = {{"prompts": ["a", "b"], "max_new_tokens": 3, "temperature": 0}}
Completion.batch_create({str(output)!r}, {{"model": "local/chorister"}}, content)
""")
    assert len(read(output)) == 2


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"content": None}, "content"),
        ({"content": [{"prompt": "a"}]}, "content"),
        ({"content": {"prompts": []}}, "content"),
        ({"content": {"prompts": "a"}}, "content.prompts"),
        ({"content": {"prompts": ["a", ""]}}, "content[1]"),
        ({"content": {"prompts": ["a"], "max_new_tokens": 0}}, "content[0]"),
        ({"content": {"prompts": ["a"], "temprature": 0}}, "content[0]"),
        ({"content": {"prompts": ["a"], "api_key": "x"}}, "content[0]"),
        ({"content": [{"messages": []}], "use_v2": True}, "content[0]"),
        ({"content": [{"prompt": "a", "stream": True}], "use_v2": True}, "content[0]"),
        ({"content": [1], "use_v2": True}, "content[0]"),
        ({"input_data_path": "rows.json"}, "content"),
        ({"content": None, "input_data_path": "/nowhere/rows.json"}, "input_data_path"),
        ({"content": None, "input_data_path": "s3://rows.json"}, "input_data_path"),
        ({"output_data_path": "s3://key@there/out.json"}, "output_data_path"),
        ({"output_data_path": "/"}, "output_data_path"),
        ({"model_config": {}}, "model_config.model"),
        ({"model_config": {"model": CHORISTER, "checkpoint_path": "x"}}, "model_config.checkpoint_path"),
        ({"model_config": None}, "model_config"),
        ({"data_parallelism": 65}, "data_parallelism"),
        ({"max_runtime_sec": 0}, "max_runtime_sec"),
        ({"tool_config": {"name": "code_evaluator"}}, "tool_config"),
        ({"model_config": {"model": "local/nothing-of-that-name"}}, "content[0]"),
    ],
)
def test_what_is_refused_before_anything_runs(given, param, tmp_path):
    whole = {"output_data_path": str(tmp_path / "o.json"), "model_config": CONFIG, "content": content()}
    with pytest.raises(errors.UnknownError) as caught:
        Completion.batch_create(**{**whole, **given})
    assert caught.value.param == param
    assert not (tmp_path / "o.json").exists()


def test_a_batch_that_is_not_there():
    for ask in (Completion.get_batch_completion, Completion.cancel_batch_completion):
        with pytest.raises(errors.NotFoundError):
            ask("nothing")


def test_types_say_what_they_lack():
    with pytest.raises(errors.ValidationError, match=r"^prompts: is required by CreateBatch") as caught:
        CreateBatchCompletionsV1RequestContent(max_new_tokens=1, temperature=0)
    assert isinstance(caught.value, ValueError)
    with pytest.raises(errors.BadRequestError, match=r"^max_tokens: is no field of CreateBatch"):
        content(max_tokens=1)
    config = CreateBatchCompletionsModelConfig(model="m", gpu_memory_utilization=0.5)
    assert (config.checkpoint_path, config.gpu_memory_utilization) == (None, 0.5)
    assert FilteredCompletionV2Request(prompt="a").model is None
    assert data_types.GetFileResponse.parse_obj({"id": "a", "filename": "b", "size": 1, "new": 2}).new == 2
    job = data_types.GetFineTuneResponse(id="a", status="RUNNING")
    assert repr(job) == "GetFineTuneResponse(id='a', status=<BatchJobStatus.RUNNING: 'RUNNING'>)"
    assert job.json() == '{"id": "a", "status": "RUNNING"}'
    assert data_types.GetFineTuneResponse(id="a", status="NEW").status == "NEW"


def test_models_of_this_process(python, tmp_path, monkeypatch):
    (tmp_path / "config.toml").write_text(f'[aliases]\n"llama-7b" = "{CHORISTER}"\n')
    monkeypatch.setenv("ANTIPHON_CONFIG_DIR", str(tmp_path))
    told = python("""
from antiphon.llmengine import Model
print(*(f"{model.name}={model.model_name}" for model in Model.list().model_endpoints))
print(Model.get("llama-7b").json())
""").stdout.splitlines()
    assert {"llama-7b=local/chorister", "local/chorister=local/chorister"} <= set(told[0].split())
    assert json.loads(told[1])["status"] == "READY"
    assert Model.get("openai/gpt-4o-mini").status is data_types.ModelEndpointStatus.READY
    for name in ("local/nothing-of-that-name", "nobody-knows", "nobody/knows"):
        with pytest.raises(errors.NotFoundError):
            Model.get(name)


def test_what_needs_a_server_says_so():
    for act in (
        lambda: Model.create("a", CHORISTER),
        lambda: Model.update("a", max_workers=2),
        lambda: Model.delete("a"),
        lambda: Model.download("a"),
        lambda: File.upload(__file__),
        lambda: File.list(),
        lambda: File.get("file-a"),
        lambda: File.download("file-a"),
        lambda: File.delete("file-a"),
    ):
        with pytest.raises(errors.ValidationError, match="needs a server") as caught:
            act()
        assert "antiphon serve" in caught.value.hint
    assert FineTune.list().jobs == []
    with pytest.raises(errors.ServerError, match="501"):
        FineTune.create(CHORISTER, "rows.csv")
    with pytest.raises(errors.NotFoundError):
        FineTune.get("ft-a")


def test_every_name_is_there():
    for name in llmengine.__all__:
        assert getattr(llmengine, name) is not None
    assert set(llmengine.__all__) <= set(dir(llmengine))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = llmengine.nothing


def test_addresses_and_keys_are_found_in_order(monkeypatch):
    assert (llmengine.get_base_path(), llmengine.get_api_key()) == (None, "root")
    monkeypatch.setenv("LLM_ENGINE_BASE_PATH", "http://a")
    monkeypatch.setenv("SCALE_API_KEY", "b")
    assert (llmengine.get_base_path(), llmengine.get_api_key()) == ("http://a", "b")
    llmengine.set_base_path("http://c")
    llmengine.set_api_key("d")
    try:
        assert (llmengine.get_base_path(), llmengine.get_api_key()) == ("http://c", "d")
    finally:
        llmengine.api_engine.set_base_path(None)
        llmengine.api_engine.set_api_key(None)
