"""Writes the overloads of `completion` and `async_completion` into the package's stub, between its two marks.

A stub has to repeat every parameter in every overload; here each stands once. `--check` changes nothing and
fails where the stub is not what this would write.
"""

import sys
from pathlib import Path

STUB = Path(__file__).parent.parent / "python/antiphon/__init__.pyi"
BEGIN, END = "# Written by scripts/overloads.py.\n", "# End of what scripts/overloads.py writes.\n"

# In LiteLLM's order from the third on; they may be given by position.
POSITIONAL = """
messages: _Prompt | None
model: str | _Messages | None
timeout: float | None
temperature: float | None
top_p: float | None
n: int | None
stream: bool | None
stream_options: Mapping[str, Any] | None
stop: str | Sequence[str] | None
max_completion_tokens: int | None
max_tokens: int | None
modalities: Sequence[str] | None
prediction: Mapping[str, Any] | None
audio: Mapping[str, Any] | None
presence_penalty: float | None
frequency_penalty: float | None
logit_bias: Mapping[str, float] | Mapping[int, float] | None
user: str | None
reasoning_effort: str | None
verbosity: str | None
response_format: Mapping[str, Any] | type[Any] | None
seed: int | None
tools: Sequence[Any] | None
tool_choice: str | Mapping[str, Any] | None
logprobs: bool | None
top_logprobs: int | None
parallel_tool_calls: bool | None
"""

NAMED = """
functions: Sequence[Mapping[str, Any]] | None
function_call: str | Mapping[str, Any] | None
web_search_options: Mapping[str, Any] | None
service_tier: str | None
store: bool | None
metadata: Mapping[str, Any] | None
prompt_cache_key: str | None
prompt_cache_retention: str | None
safety_identifier: str | None
thinking: Mapping[str, Any] | None
top_k: int | None
min_p: float | None
repetition_penalty: float | None
guided_json: Any
guided_regex: str | None
guided_choice: Sequence[str] | None
guided_grammar: str | None
skip_special_tokens: bool | None
include_stop_str_in_output: bool | None
ignore_eos: bool | None
priority: int | None
api_key: str | None
base_url: str | None
extra_headers: Mapping[str, str] | None
extra_body: Mapping[str, Any] | None
connect_timeout: float | None
first_byte_timeout: float | None
idle_timeout: float | None
max_retries: int | None
num_retries: int | None
retry_delay: float | None
enable_retries: bool | None
retry_on_exceptions: Sequence[type[BaseException]] | None
retry_on_all_exceptions: bool | None
fallbacks: Sequence[str | Mapping[str, Any]] | None
drop_params: bool | None
enable_json_schema_validation: bool | None
max_reasks: int | None
cache_enabled: bool | None
cache_path: str | PathLike[str] | None
cache_key_prefix: str | None
include_model_in_cache_key: bool | None
return_cache_key: Literal[False] | None
ttl: float | None
dry_run: Literal[False] | None
api_base: str | None
headers: Mapping[str, str] | None
mock_response: _Mock | None
mock_tool_calls: Sequence[Any] | None
mock_delay: float | None
gpu_layers: int | None
threads: int | None
context: int | None
draft: str | None
"""

NO_STREAM = {"stream": "Literal[False] | None"}
# What is said of some parameters, and what is then returned; `*` marks one that must be given, by its name.
CASES = [
    ({"response_format": "*type[_T]", **NO_STREAM}, "ModelResponse[_T]"),
    ({"response_format": "*type[_T]", "stream": "*Literal[True]"}, "STREAM[_T]"),
    (NO_STREAM, "ModelResponse"),
    ({"stream": "*Literal[True]"}, "STREAM"),
    ({"stream": "*bool"}, "ModelResponse | STREAM"),
    ({"dry_run": "*Literal[True]"}, "dict[str, Any]"),
    ({"return_cache_key": "*Literal[True]"}, "str"),
]


def parameters(lines):
    return dict(line.split(": ", 1) for line in lines.strip().splitlines())


def arguments(said):
    """The parameters of one overload. From the first that must be given on, all are given by name."""
    positional, is_named, given = parameters(POSITIONAL), False, []
    for name, kind in {**positional, **parameters(NAMED)}.items():
        kind = said.get(name, kind)
        if not is_named and (kind.startswith("*") or name not in positional):
            given.append("*")
            is_named = True
        if kind.startswith("*"):
            given.append(f"{name}: {kind[1:]}")
        else:
            given.append(f"{name}: {kind} = None")
    return [*given, "**kwargs: Any"]


def overloads(head, stream):
    for said, returns in CASES:
        yield "@overload"
        yield f"{head}("
        yield from (f"    {argument}," for argument in arguments(said))
        yield f") -> {returns.replace('STREAM', stream)}: ..."


def main():
    text = STUB.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    lines = [
        *overloads("def completion", "CompletionStream"),
        *overloads("async def async_completion", "AsyncCompletionStream"),
    ]
    written = before + BEGIN + "\n".join(lines) + "\n" + END + after
    if "--check" in sys.argv[1:]:
        sys.exit(None if written == text else "the stub is not what scripts/overloads.py writes: run it")
    STUB.write_text(written)


main()
