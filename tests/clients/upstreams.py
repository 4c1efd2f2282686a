"""The providers behind the server: one `faultd`, which answers each provider's address in its own way."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "python" / "tests"))

import faultd  # noqa: E402

OPENAI, ANTHROPIC = "openai-chat", "anthropic-messages"

# What must never reach a client.
UPSTREAM_KEY = "canary-upstream-key"

NO_RETRY = {"x-should-retry": "false"}

# Cases of the fixtures: provider, dialect, case. Each is there whole and streamed.
CASES = [
    ("tool", OPENAI, "tool-call"),
    ("parallel", OPENAI, "parallel-calls"),
    ("reasoning", OPENAI, "reasoning"),
    ("refusal", OPENAI, "refusal"),
    ("cached", OPENAI, "usage-details"),
    ("claude-tool", ANTHROPIC, "tool-call"),
    ("claude-parallel", ANTHROPIC, "parallel-calls"),
    ("claude-thinking", ANTHROPIC, "thinking"),
    ("claude-search", ANTHROPIC, "web-search"),
    ("claude-cache", ANTHROPIC, "usage-cache"),
    ("claude-stop", ANTHROPIC, "stop-sequence"),
]


def providers():
    """Name, dialect and reply of each."""
    text = {"text": 'Hello there, é \U0001f914 \u2028 "q" \\n'}
    yield "echo", OPENAI, {"auto": text | {"tongue": "openai", "chunks": 5}}
    yield "claude", ANTHROPIC, {"auto": text | {"tongue": "anthropic", "chunks": 5}}
    wait = {"retry-after": "120"}
    yield "limited", OPENAI, faultd.error(429, "rate_limit_exceeded", "too many requests", "requests", wait)
    yield "broken", OPENAI, faultd.error(500, None, "it broke", "server_error", NO_RETRY)
    yield "overloaded", ANTHROPIC, faultd.anthropic_error(529, "overloaded_error", "Overloaded", NO_RETRY)
    yield "forbidden", OPENAI, faultd.error(401, "invalid_api_key", f"no such key: {UPSTREAM_KEY}")
    yield "crowded", OPENAI, faultd.error(400, "context_length_exceeded", "it is longer than 8 tokens")
    yield "cut", OPENAI, faultd.stream(["Hel", "lo"], finish=False, then=[faultd.cut("rst")])
    yield "slow", OPENAI, faultd.stream(["late"]) | {"delay_ms": 12_000}
    yield "gap", OPENAI, faultd.stream(["a", "b", "c", "d"], every_ms=300)
    yield "endless", OPENAI, faultd.stream([str(i) + " " for i in range(2000)], every_ms=20)
    yield "long", OPENAI, faultd.stream(["x" * 60_000])
    vectors = (ROOT / "fixtures" / "openai-embeddings" / "base64" / "body.json").read_text()
    yield "vectors", OPENAI, faultd.reply(200, vectors, {"content-type": "application/json"})
    ranking = (ROOT / "fixtures" / "rerank" / "vllm" / "body.json").read_text()
    yield "ranks", OPENAI, faultd.reply(200, ranking, {"content-type": "application/json"})
    for name, dialect, case in CASES:
        folder = ROOT / "fixtures" / dialect / case
        body, stream = (folder / "body.json").read_text(), (folder / "stream.sse").read_text()
        yield f"{name}-whole", dialect, faultd.reply(200, body, {"content-type": "application/json"})
        yield f"{name}-stream", dialect, faultd.event_stream([stream])


def script():
    return {
        "replies": [reply | {"times": None, "when": {"path": f"/{name}/"}} for name, _, reply in providers()]
    }


def config(url):
    """The `[providers.…]` tables of `config.toml`."""
    tables = []
    for name, dialect, _ in providers():
        version = "/v1" if dialect == OPENAI else ""
        tables.append(
            f'[providers.{name}]\nbase_url = "{url}/{name}{version}"\napi_key = "{UPSTREAM_KEY}"\n'
            f'dialect = "{dialect}"\n'
        )
    # Nobody listens there.
    tables.append(f'[providers.dead]\nbase_url = "http://127.0.0.1:9/v1"\napi_key = "{UPSTREAM_KEY}"\n')
    return "\n".join(tables)
