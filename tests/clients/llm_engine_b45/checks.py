"""`scale-llm-engine` 0.0.0b45, the newest release, against `/v1/llm`, `/v2` and `/v1/files`."""

import json
import os
import re
import tempfile
import time
import uuid

import llmengine
from harness import COLON_KEY, KEY, KEYED_URL, LOCAL, QUESTION, URL, needs, raises, raises_async
from llmengine import Completion, File, FineTune, Model, errors
from llmengine.data_types import (
    CreateBatchCompletionsModelConfig,
    CreateBatchCompletionsV1RequestContent,
    FilteredChatCompletionV2Request,
)
from pydantic.v1 import ValidationError

SYNC, STREAM = "POST /v1/llm/completions-sync", "POST /v1/llm/completions-stream"
ENDPOINTS = "POST /v1/llm/model-endpoints"
LIST = "GET /v1/llm/model-endpoints"
FILES = "POST /v1/files"
BATCH_V1, BATCH_V2 = "POST /v1/llm/batch-completions", "POST /v2/batch-completions"
FINE_TUNES = "GET /v1/llm/fine-tunes"
MODEL = "llama-7b"


def ask(**fields):
    return Completion.create(**{"model": MODEL, "prompt": QUESTION, "temperature": 0, **fields})


def joined(stream):
    return "".join(response.output.text for response in stream)


def refused(**fields):
    return str(raises(errors.BadRequestError, lambda: ask(**fields)))


@needs(SYNC)
def check_create():
    response = ask()
    uuid.UUID(response.request_id)
    assert response.output.text
    assert 0 < response.output.num_completion_tokens <= 20
    assert response.output.num_prompt_tokens > 0


@needs(SYNC, STREAM)
async def check_all_four_ways():
    text = ask().output.text
    assert joined(ask(stream=True)) == text
    fields = {"model": MODEL, "prompt": QUESTION, "temperature": 0}
    assert (await Completion.acreate(**fields)).output.text == text
    stream = await Completion.acreate(**fields, stream=True)
    assert "".join([response.output.text async for response in stream]) == text


@needs(SYNC)
def check_the_same_again():
    assert ask().output.text == ask().output.text


@needs(SYNC)
def check_stop_sequences():
    text = ask(max_new_tokens=60).output.text
    stop = text[len(text) // 2]
    before = ask(max_new_tokens=60, stop_sequences=[stop]).output.text
    assert before == text[: text.index(stop)]
    with_it = ask(max_new_tokens=60, stop_sequences=[stop], include_stop_str_in_output=True).output.text
    assert with_it == before + stop


@needs(SYNC, STREAM)
def check_log_probs():
    output = ask(return_token_log_probs=True).output
    assert len(output.tokens) == output.num_completion_tokens
    assert all(token.log_prob <= 0 for token in output.tokens)
    responses = list(ask(return_token_log_probs=True, stream=True))
    assert all(response.output.token.log_prob <= 0 for response in responses if response.output.text)


@needs(SYNC, STREAM)
def check_one_token():
    assert ask(max_new_tokens=1).output.num_completion_tokens == 1
    responses = list(ask(max_new_tokens=1, stream=True))
    assert responses[-1].output.finished


@needs(SYNC)
def check_guided():
    names = ["Sean", "Brian", "Tim"]
    assert ask(guided_choice=names).output.text in names
    assert re.match("Sean", ask(guided_regex="Sean[a-z]*").output.text)
    schema = {"type": "object", "properties": {"a": {"type": "integer", "maximum": 9, "minimum": 0}}}
    schema |= {"required": ["a"], "additionalProperties": False}
    assert "a" in json.loads(ask(guided_json=schema, max_new_tokens=60).output.text)
    assert ask(guided_grammar='start: "yes" | "no"').output.text in ["yes", "no"]


@needs(SYNC)
def check_two_guided():
    assert "guided" in refused(guided_regex="a", guided_choice=["a"])


@needs(SYNC)
def check_ranges():
    assert "top_k" in refused(top_k=0, temperature=0.5)
    assert "top_k" in refused(top_k=5)
    assert "prompt" in refused(prompt="")
    long = refused(prompt="word " * 20_000)
    assert len(re.findall(r"\d+", long)) >= 2, long
    # What the client itself checks is never sent.
    raises(ValidationError, lambda: ask(temperature=1.1))


@needs(SYNC, STREAM)
async def check_unknown_model():
    raises(errors.NotFoundError, lambda: ask(model="nobody-knows"))
    raises(errors.NotFoundError, lambda: next(ask(model="nobody-knows", stream=True)))
    await raises_async(errors.NotFoundError, lambda: Completion.acreate(model="nobody-knows", prompt="a"))


@needs(SYNC)
def check_keys():
    llmengine.api_engine.set_base_path(KEYED_URL + "/")
    try:
        raises(errors.UnauthorizedError, ask)
        for key in [KEY, COLON_KEY]:
            llmengine.api_engine.set_api_key(key)
            assert ask().output.text
    finally:
        llmengine.api_engine.set_api_key(None)
        llmengine.api_engine.set_base_path(None)


@needs(SYNC, STREAM)
def check_upstream_failures():
    error = raises(errors.RateLimitExceededError, lambda: ask(model="limited/m"))
    assert "too many requests" in str(error)
    for model in ["broken/m", "dead/m"]:
        error = raises(errors.ServerError, lambda model=model: ask(model=model))
        assert "Traceback" not in str(error)
    assert "8" in refused(model="crowded/m")


@needs(STREAM)
def check_a_stream_that_breaks():
    *before, last = ask(model="cut/m", stream=True)
    assert joined(before) == "Hello"
    assert last.output is None
    assert last.error.status_code == 500


@needs(STREAM)
def check_tokens_come_one_by_one():
    times = []
    for _ in ask(model="gap/m", stream=True):
        times.append(time.monotonic())
    assert times[-1] - times[0] > 0.6


@needs(SYNC, STREAM)
def check_unicode():
    text = 'Hello there, é \U0001f914 \u2028 "q" \\n'
    assert ask(model="echo/m").output.text == text
    assert joined(ask(model="echo/m", stream=True)) == text


@needs(STREAM)
async def check_a_long_event():
    stream = await Completion.acreate(model="long/m", prompt="a", stream=True)
    assert len("".join([response.output.text async for response in stream])) == 60_000


@needs(SYNC)
def check_base_paths():
    try:
        for path in [URL, URL + "/", URL + "/llm-engine/"]:
            llmengine.api_engine.set_base_path(path)
            assert ask().output.text, path
    finally:
        llmengine.api_engine.set_base_path(None)


@needs(SYNC)
def check_a_name_with_slashes():
    assert ask(model="meta-llama/Llama-2-7b").output.text


@needs(SYNC)
def check_request_headers():
    assert ask(request_headers={"X-Req": "1"}).output.text


@needs(LIST)
def check_models():
    endpoints = Model.list().model_endpoints
    names = [endpoint.name for endpoint in endpoints]
    assert LOCAL in names
    assert MODEL in names
    assert Model.get(MODEL).status.value == "READY"
    assert Model.get("meta-llama/Llama-2-7b").name == "meta-llama/Llama-2-7b"
    raises(errors.NotFoundError, lambda: Model.get("nobody-knows"))


def create(name, **fields):
    return Model.create(
        name=name, model=LOCAL, inference_framework_image_tag="latest", labels={"team": "a"}, **fields
    )


@needs(ENDPOINTS)
def check_an_endpoint_lives():
    name = f"check-{uuid.uuid4().hex[:8]}"
    begin = time.monotonic()
    assert create(name).endpoint_creation_task_id
    assert time.monotonic() - begin < 1
    while Model.get(name).status.value != "READY":
        time.sleep(0.1)
    assert ask(model=name).output.text
    raises(errors.BadRequestError, lambda: create(name))
    assert Model.update(name, max_workers=2).endpoint_creation_task_id
    assert Model.delete(name).deleted is True
    raises(errors.NotFoundError, lambda: Model.get(name))


@needs(FILES)
def check_files():
    with tempfile.NamedTemporaryFile("w+", suffix=".csv") as file:
        file.write("prompt,response\na,b\n")
        file.seek(0)
        made = File.upload(file).id
    assert made.startswith("file-")
    assert File.get(made).filename.endswith(".csv")
    assert made in [file.id for file in File.list().files]
    assert File.download(made).content == "prompt,response\na,b\n"
    assert File.delete(made).deleted is True
    raises(errors.NotFoundError, lambda: File.get(made))


CONFIG = CreateBatchCompletionsModelConfig(model=MODEL, checkpoint_path="", labels={"team": "a"})


@needs(BATCH_V1)
def check_batch_v1():
    content = CreateBatchCompletionsV1RequestContent(prompts=["a", "b"], max_new_tokens=3, temperature=0)
    made = Completion.batch_create(output_data_path="checks/v1.json", model_config=CONFIG, content=content)
    assert made.job_id


def status(job):
    return Completion.get_batch_completion(job)["job"]["status"]


def chat(question):
    message = {"role": "user", "content": question}
    return FilteredChatCompletionV2Request(messages=[message], max_tokens=3)


@needs(BATCH_V2)
def check_batch_v2():
    made = Completion.batch_create(
        output_data_path="checks/v2.json", model_config=CONFIG, content=[chat("a"), chat("b")], use_v2=True
    )
    assert made.status.value == "queued"
    while status(made.job_id) in ["queued", "running"]:
        time.sleep(0.1)
    assert status(made.job_id) == "completed"


@needs(BATCH_V2)
def check_batch_cancel():
    many = [chat(str(i)) for i in range(500)]
    made = Completion.batch_create(
        output_data_path="checks/cancel.json", model_config=CONFIG, content=many, use_v2=True
    )
    assert Completion.cancel_batch_completion(made.job_id)["success"] is True
    while status(made.job_id) == "running":
        time.sleep(0.1)
    assert status(made.job_id) == "cancelled"


@needs(FINE_TUNES)
def check_fine_tunes():
    assert FineTune.list().jobs == []
    create = lambda: FineTune.create(model=MODEL, training_file="file-a")  # noqa: E731
    error = raises(errors.ServerError, create)
    assert "501" in str(error)
    assert "fine-tun" in str(error)


@needs(SYNC)
def check_no_version_was_looked_up():
    assert os.environ["LLM_ENGINE_DISABLE_VERSION_CHECK"]
