"""The examples of seeds 000, 001 and 004, word for word from copies of the seeds, print what the seeds print.

In the hosted model's place stands a server on loopback that knows what the seeds' model answered. Only the
line that imports the package is another one. The same examples run on the built-in model, which answers as it
can.
"""

import ast
import asyncio
import inspect
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from conftest import CHORISTER

SEEDS = Path(__file__).parent / "seeds"
NOTEBOOK = """\
from typing import List
from pydantic import BaseModel
from antiphon import completion, async_completion, single, async_single, batch_executor, as_dict
"""

#: How statements of seed 004's code begin; everything else there is prose and output.
CODE = re.compile(r"response\b|class |Recipe\.|single\(|res, |await |results = |print\(")


def statement(lines, first):
    """Where the statement that begins at this line ends; `None` where none begins."""
    if not CODE.match(lines[first]):
        return None
    for end in range(first + 1, len(lines) + 1):
        try:
            ast.parse("\n".join(lines[first:end]))
        except SyntaxError:
            continue
        while end < len(lines) and lines[end].startswith(" "):
            end += 1
        return end
    return None


def cells(text):
    """Pairs of code and of the output that stands below it."""
    lines = text.splitlines()
    found, at = [], 0
    while at < len(lines):
        code = []
        while at < len(lines) and (end := statement(lines, at)):
            code += lines[at:end]
            at = end
            while at < len(lines) and not lines[at]:
                at += 1
        if not code:
            at += 1
            continue
        output = []
        while at < len(lines) and lines[at] and not statement(lines, at):
            output.append(lines[at])
            at += 1
        found.append(("\n".join(code), "\n".join(output)))
    return found


def run_cell(code, namespace):
    """Runs code as a notebook does: top-level `await`, and the value of a last line that is one."""
    tree = compile(code, "seed", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    last = ast.Expression(tree.body.pop().value) if isinstance(tree.body[-1], ast.Expr) else None
    run(tree, "exec", namespace)
    return None if last is None else run(last, "eval", namespace)


def run(tree, mode, namespace):
    code = compile(tree, "seed", mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    value = eval(code, namespace)
    if not code.co_flags & inspect.CO_COROUTINE:
        return value

    async def wait():
        return await value

    return asyncio.run(wait())


CELLS = cells((SEEDS / "004.txt").read_text())

#: What the model of seed 004 says, by what it is asked; a conversation is all of its questions.
ANSWERS = {
    "Add 1 and 1": "1 and 1 equals 2.",
    "Add 1 and 1 | 1 and 1 equals 2. | Multiply that by 10": "2 multiplied by 10 equals 20.",
    "Give me a simple recipe for pancakes.": json.dumps(
        ast.literal_eval(next(output for _, output in CELLS if output.startswith("{'name'")))
    ),
    # Seed 000's and seed 001's.
    "how are you?": "I'm doing well, thank you! How are you today?",
    "Hello, how are you today?": "I'm doing well, thank you! How are you today?",
}
CAPITALS = {"France": "Paris", "Germany": "Berlin", "Italy": "Rome", "Spain": "Madrid", "Portugal": "Lisbon"}
ANSWERS |= {f"What is the capital of {c}?": f"The capital of {c} is {city}." for c, city in CAPITALS.items()}


class Model(BaseHTTPRequestHandler):
    """Answers as OpenAI's and Anthropic's servers do, whatever the model."""

    protocol_version = "HTTP/1.1"
    # A head and a body in two packets would wait for each other.
    disable_nagle_algorithm = True

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.requests.append(request)
        said = [
            text(message["content"])
            for message in request["messages"]
            if message["role"] in ("user", "assistant")
        ]
        answer = ANSWERS[" | ".join(said)]
        make = openai if "/chat/completions" in self.path else anthropic
        body = json.dumps(make(request, answer)).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *message):
        pass


def text(content):
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def openai(request, answer):
    message = {"role": "assistant", "content": answer, "refusal": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1731461313,
        "model": request["model"],
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 16, "total_tokens": 28},
    }


def anthropic(request, answer):
    return {
        "id": "chatcmpl-ad902c86-7133-4cff-9579-46f86f4b6f9e",
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": [{"type": "text", "text": answer}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 12,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 16,
        },
    }


@contextmanager
def serving():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    server.requests = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def model(monkeypatch):
    """The hosted models, as the seeds' reader has them: keys in the environment, somebody who answers."""
    with serving() as server:
        url = f"http://127.0.0.1:{server.server_port}"
        for name, path in (("OPENAI", "/v1"), ("ANTHROPIC", "")):
            monkeypatch.setenv(f"{name}_API_KEY", "canary")
            monkeypatch.setenv(f"{name}_BASE_URL", url + path)
        yield server


@pytest.fixture
def notebook():
    namespace = {}
    exec(NOTEBOOK, namespace)
    return namespace


def without_bar(output):
    """The bar is on stderr, and as wide as the terminal."""
    return "\n".join(line for line in output.splitlines() if not line.startswith("Processing: "))


def test_the_cells_are_found():
    assert len(CELLS) == 9
    assert all(output for _, output in CELLS)
    code = "\n".join(code for code, _ in CELLS)
    found = re.findall(r"(?:await )?\b(\w+)\(\n", code)
    assert found == ["completion"] * 3 + ["async_completion"] + ["single"] * 4 + [
        "async_single",
        "batch_executor",
    ]


def test_seed_004_prints_what_it_prints(model, notebook, capsys):
    for code, expected in CELLS:
        value = run_cell(code, notebook)
        captured = capsys.readouterr()
        if value is None:
            assert captured.out == without_bar(expected) + "\n"
            bar = captured.err.replace("\r", "\n").splitlines()
            assert expected == without_bar(expected) or bar[-1].startswith("Processing: 100%|")
        elif "\n" in expected:
            # Broken into lines, as a notebook shows a large dict.
            assert value == ast.literal_eval(expected)
        else:
            assert repr(value) == expected
    # Nothing was asked for the mock.
    assert len(model.requests) == 13
    assert all(request["messages"][0]["role"] == "system" for request in model.requests)


def test_seed_004_on_the_built_in_model(notebook, capsys):
    for code, _ in CELLS:
        run_cell(re.sub(r"(model ?= ?)(['\"])gpt-[\w.-]+\2", rf"\1'{CHORISTER}'", code), notebook)
    *_, results = capsys.readouterr().out.splitlines()
    assert results.startswith(
        "Results: ['The capital of France is Paris.', 'The capital of Germany is Berlin.',"
    )


def fenced(name, language):
    """The blocks of a seed in Markdown, as far out as they go, with the import line changed."""
    blocks = re.findall(
        rf"^( *)```{language}\n(.*?)^ *```$", (SEEDS / name).read_text(), re.MULTILINE | re.DOTALL
    )
    for margin, block in blocks:
        yield re.sub(rf"^{margin}", "", block, flags=re.MULTILINE).replace("xnano", "antiphon")


def test_seed_000_prints_what_it_prints(model, capsys):
    shown, printed = (block.removeprefix("# output\n") for block in fenced("000.txt", "bash"))
    namespace = {}
    for block in fenced("000.txt", "python"):
        exec(block, namespace)
    assert capsys.readouterr().out == printed
    assert [request["model"] for request in model.requests] == ["gpt-4o-mini", "claude-3-5-sonnet-latest"]
    response = namespace["response"]
    # Anthropic tells no time; it is that of the answer.
    response.created = 1731461313
    assert f"{response}\n" == shown


def test_seed_001_runs(model, capsys):
    blocks = list(fenced("001.txt", "python"))
    assert len(blocks) == 5
    namespace = {}
    for block in blocks:
        exec(block, namespace)
    printed = capsys.readouterr().out
    assert printed.count("ModelResponse(") == 2
    assert printed.endswith(")\nI'm doing well, thank you! How are you today?\nNone\n")
    for request in model.requests:
        assert (request["temperature"], request["max_completion_tokens"]) == (0.5, 100)
        assert request["messages"] == namespace["messages"]
