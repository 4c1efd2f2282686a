"""A client that leaves: the provider's connection closes, whoever was asked in between."""

import pytest
import upstreams
from serving import Server
from upstreams import faultd

OPENAI = """
import openai, os
client = openai.OpenAI(base_url=os.environ["URL"] + "/v1", api_key="x", max_retries=0)
messages = [{"role": "user", "content": "hi"}]
stream = client.chat.completions.create(model="endless/m", messages=messages, stream=True)
for count, chunk in enumerate(stream):
    if count == 3:
        break
stream.close()
print("left", flush=True)
input()
"""

ANTHROPIC = """
import anthropic, os
client = anthropic.Anthropic(base_url=os.environ["URL"], api_key="x", max_retries=0)
messages = [{"role": "user", "content": "hi"}]
with client.messages.stream(model="endless/m", max_tokens=9, messages=messages) as stream:
    for count, text in enumerate(stream.text_stream):
        if count == 3:
            break
print("left", flush=True)
input()
"""

LLM_ENGINE = """
from llmengine import Completion
stream = Completion.create(model="endless/m", prompt="hi", stream=True)
for count, response in enumerate(stream):
    if count == 3:
        break
stream.close()
print("left", flush=True)
input()
"""

OWN = LLM_ENGINE.replace("from llmengine", "from antiphon.llmengine")

ROUTES = {
    "openai": (OPENAI, "/v1/chat/completions"),
    "anthropic": (ANTHROPIC, "/v1/messages"),
    "llm_engine_b45": (LLM_ENGINE, "/v1/llm/completions-stream"),
    "antiphon_llmengine": (OWN, "/v1/llm/completions-stream"),
}


@pytest.mark.parametrize("client", ROUTES)
def test_the_upstream_is_closed(client, start, has_route, tmp_path):
    code, route = ROUTES[client]
    if not has_route(route):
        pytest.skip(f"the server has no POST {route}")
    with (
        faultd.Faultd(upstreams.script()) as upstream,
        Server(tmp_path, upstreams.config(upstream.url)) as server,
    ):
        variables = {"URL": server.url, "LLM_ENGINE_BASE_PATH": server.url + "/"}
        # The process stays, so that it is the stream that is closed and not its socket.
        with start(client, code, **variables) as process:
            assert process.stdout.readline() == "left\n"
            # The bound of a slow machine: how long it takes is measured in `bench/`.
            assert upstream.wait(closed=1, within=2)
            process.stdin.write("\n")
