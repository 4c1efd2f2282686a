"""Batches without a server: each runs in this process, on a thread and an event loop of its own.

They live as long as the process, which does not end before they have: what they came to is written into a
file in the form in which LLM Engine writes it. Paths are those of this machine.
"""

import json
import os
from asyncio import CancelledError, current_task, get_running_loop, wait_for
from asyncio import TimeoutError as DeadlineError
from asyncio import run as run_loop
from threading import Lock, Thread
from time import gmtime, strftime, time
from uuid import uuid4

from .. import _antiphon, async_completion, async_text_completion, batch_executor, completion, text_completion
from .._exceptions import AntiphonError, InvalidRequestError, NotFoundError
from .completion import MAX_NEW_TOKENS, TEMPERATURE, Asked

#: How many rows are asked at once for each unit of ``data_parallelism``, and the most of them.
ROWS_A_WORKER, MAX_PARALLELISM = 8, 64

#: The most seconds that a batch may take.
MAX_RUNTIME = 172_800

# What LLM Engine's client writes into every row of a file though nobody asked for it, and what holds anyway.
_ANYWAY = {
    "add_generation_prompt": True,
    "add_special_tokens": False,
    "best_of": 1,
    "continue_final_message": False,
    "echo": False,
    "frequency_penalty": 0,
    "logprobs": False,
    "n": 1,
    "presence_penalty": 0,
    "priority": 0,
    "skip_special_tokens": True,
    "spaces_between_special_tokens": True,
    "stop_token_ids": [],
    "stream": False,
    "top_p": 1,
}

_jobs = {}
# A forked child has none of the threads that they run on.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_jobs.clear)


def begin(content, output_data_path, model_config, data_parallelism, max_runtime_sec, options, **settings):
    """Checks every row and begins the batch."""
    _number("data_parallelism", data_parallelism, 64)
    _number("max_runtime_sec", max_runtime_sec, MAX_RUNTIME)
    output = _local("output_data_path", output_data_path)
    model = _model(model_config)
    rows = _rows(_content(content, settings["input_data_path"]), settings["use_v2"], model, options)
    shown = {
        "input_data_path": settings["input_data_path"],
        "output_data_path": output,
        "model_config": model_config,
        "priority": settings["priority"],
        "labels": settings["labels"] or {},
    }
    _make_folder(output)
    job = Job(rows, shown, min(data_parallelism * ROWS_A_WORKER, MAX_PARALLELISM), max_runtime_sec)
    told = job.told()
    _jobs[job.id] = job
    job.start()
    return told


def find(job_id):
    """The batch of that id."""
    job = _jobs.get(job_id)
    if job is None:
        raise NotFoundError(
            f"there is no batch {job_id!r} in this process",
            param="job_id",
            hint="a batch of a server is asked for with LLM_ENGINE_BASE_PATH or base_url=",
        )
    return job


class Job:
    """One batch."""

    def __init__(self, rows, shown, parallelism, max_runtime):
        self.id = str(uuid4())
        self.rows = rows
        self.count = len(rows)
        self.shown = shown
        self.parallelism = parallelism
        self.max_runtime = max_runtime
        self.created = time()
        self.status = "queued"
        self.completed = None
        self.problem = None
        self.answers = [None] * self.count
        self.done = self.failed = 0
        self.lock = Lock()
        self.stop = None

    def start(self):
        # Not a daemon: the interpreter waits for it, so that no answer that was asked for is lost.
        Thread(target=lambda: run_loop(self.run()), name="antiphon-llmengine-batch").start()

    def told(self):
        """The batch as a server tells of it."""
        counts = {"rows": self.count, "rows_done": self.done, "rows_failed": self.failed}
        metadata = {**self.shown["labels"], **{name: str(count) for name, count in counts.items()}}
        if self.problem is not None:
            metadata["problem"] = self.problem
        is_over = self.completed is not None and self.status != "cancelled"
        return {
            "job_id": self.id,
            **{name: value for name, value in self.shown.items() if name != "labels"},
            "status": self.status,
            "created_at": _date(self.created),
            "expires_at": _date(self.created + self.max_runtime),
            "completed_at": _date(self.completed) if is_over else None,
            "metadata": metadata,
        }

    def cancel(self):
        """Ends the batch; false where it is over already. What was answered is still written."""
        with self.lock:
            if self.completed is not None or self.status == "cancelled":
                return False
            self.status = "cancelled"
            if self.stop is not None:
                self.stop()
        return True

    async def run(self):
        loop, task = get_running_loop(), current_task()
        with self.lock:
            if self.status == "cancelled":
                self.completed = time()
                return
            self.status = "running"
            self.stop = lambda: loop.call_soon_threadsafe(task.cancel)
        problem = None
        try:
            await wait_for(self.ask_all(), self.max_runtime)
        except DeadlineError:
            problem = "max_runtime_sec passed before every row was answered"
        except CancelledError:
            pass
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        self.end(problem)

    async def ask_all(self):
        await batch_executor(
            self.ask,
            batch_args=list(enumerate(self.rows)),
            concurrency_limit=self.parallelism,
            verbose=False,
            return_exceptions=True,
        )

    async def ask(self, place, row):
        try:
            answer = await row.ask()
        except Exception as error:
            answer = row.refused(error)
            self.failed += 1
        self.answers[place] = answer
        self.done += 1

    def end(self, problem):
        # From here on it cannot be cancelled.
        with self.lock:
            self.stop = None
            is_cancelled = self.status == "cancelled"
            self.completed = time()
        if problem is None and not is_cancelled and self.failed == self.count:
            problem = "no row was answered; the file says why"
        try:
            if self.done or not is_cancelled:
                _write(self.shown["output_data_path"], self.answers)
        except (OSError, ValueError) as error:
            problem = f"the answers could not be written: {error}"
        self.rows = self.answers = ()
        self.problem = problem
        if not is_cancelled:
            self.status = "completed" if problem is None else "failed"


class Prompt:
    """A row that is a raw prompt."""

    def __init__(self, model, fields, options):
        fields = {**options, **_said(fields)}
        prompt = fields.pop("prompt", None)
        limit = fields.pop("max_new_tokens", MAX_NEW_TOKENS)
        temperature = fields.pop("temperature", TEMPERATURE)
        self.asked = Asked(model, prompt, limit, temperature, fields)

    def check(self):
        text_completion(**self.asked.arguments, dry_run=True)

    async def ask(self):
        answer = self.asked.response(await async_text_completion(**self.asked.arguments))
        return {"tokens": None, **answer.output.model_dump()}

    @staticmethod
    def refused(error):
        return {"text": "", "num_completion_tokens": 0, "error": str(getattr(error, "message", error))}


class Request:
    """A row that is one of OpenAI's requests."""

    def __init__(self, model, fields, options):
        fields = _said(fields)
        self.is_chat = "messages" in fields
        self.arguments = {**options, **fields, "model": model}

    def check(self):
        (completion if self.is_chat else text_completion)(**self.arguments, dry_run=True)

    async def ask(self):
        ask = async_completion if self.is_chat else async_text_completion
        return (await ask(**self.arguments)).model_dump()

    @staticmethod
    def refused(error):
        told = {
            "message": str(getattr(error, "message", error)),
            "type": type(error).__name__,
            "param": getattr(error, "param", None),
            "code": getattr(error, "code", None),
        }
        return {"error": told, "status_code": getattr(error, "status_code", 500)}


# What no row sets: keys, addresses, files.
_OPTIONS = frozenset(_antiphon.call_option_names)


def _said(fields):
    """What a row asks for. The model is the batch's."""
    said = {
        name: value
        for name, value in fields.items()
        if value is not None and name != "model" and not (name in _ANYWAY and value == _ANYWAY[name])
    }
    for name in said:
        if name in _OPTIONS:
            message = f"{name}: is an option of a call, and no part of a row"
            raise InvalidRequestError(message, param=name, hint="give it to batch_create")
    if "stream" in said:
        raise InvalidRequestError("stream: means nothing in a batch", param="stream")
    return said


def _content(content, path):
    """What is to be asked, as plain values."""
    if (content is None) == (path is None):
        raise InvalidRequestError("content: give it or input_data_path, one of the two", param="content")
    if path is None:
        return content
    try:
        with open(_local("input_data_path", path), encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise InvalidRequestError(f"input_data_path: {error}", param="input_data_path") from None


def _rows(content, use_v2, model, options):
    if isinstance(content, dict):
        shared = {name: value for name, value in content.items() if value is not None and name != "prompts"}
        prompts = content.get("prompts")
        if not isinstance(prompts, (list, tuple)):
            raise InvalidRequestError("content.prompts: must be a list of texts", param="content.prompts")
        kind, rows = Prompt, [{**shared, "prompt": prompt} for prompt in prompts]
    elif isinstance(content, list) and use_v2:
        kind, rows = Request, content
    else:
        message = "content: must be an object with prompts" + (", or a list of requests" if use_v2 else "")
        raise InvalidRequestError(message, param="content")
    if not rows:
        raise InvalidRequestError("content: has no rows", param="content")
    return [_row(kind, place, row, model, options) for place, row in enumerate(rows)]


def _row(kind, place, row, model, options):
    """A row that can be asked; what is wrong with it is told before the batch begins."""
    param = f"content[{place}]"
    if not isinstance(row, dict):
        raise InvalidRequestError(f"{param}: must be an object", param=param)
    try:
        made = kind(model, row, options)
        made.check()
    except AntiphonError as error:
        message = f"{param}: {error.message}"
        raise type(error)(message, param=param, hint=error.hint, status_code=error.status_code) from None
    return made


def _model(config):
    if config.get("checkpoint_path"):
        raise InvalidRequestError(
            "model_config.checkpoint_path: is not taken where there is no server",
            param="model_config.checkpoint_path",
            hint='name the file as the model: model="local/path/to/file.gguf"',
        )
    model = config.get("model")
    if not isinstance(model, str) or not model:
        raise InvalidRequestError("model_config.model: must be a name", param="model_config.model")
    return model


def _number(param, value, most):
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        message = f"{param}: must be a whole number of 1 to {most}, got {value!r}"
        raise InvalidRequestError(message, param=param)


def _local(param, path):
    """A path of this machine."""
    path = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(path, str) or not path:
        raise InvalidRequestError(f"{param}: must be a path", param=param)
    if "://" in path:
        message = f"{param}: is no file of this machine: {path.partition('://')[0]}://…"
        raise InvalidRequestError(message, param=param)
    return path


def _make_folder(path):
    try:
        if os.path.isdir(path):
            raise IsADirectoryError(f"{path} is a folder")
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    except OSError as error:
        raise InvalidRequestError(f"output_data_path: {error}", param="output_data_path") from None


def _write(path, answers):
    """The file is there whole, or as it was before."""
    draft = f"{path}.{uuid4().hex[:8]}.part"
    try:
        with open(draft, "w", encoding="utf-8") as file:
            json.dump(answers, file, ensure_ascii=False)
        os.replace(draft, path)
    except BaseException:
        if os.path.exists(draft):
            os.remove(draft)
        raise


def _date(seconds):
    """As RFC 3339 writes it."""
    return strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(seconds))
