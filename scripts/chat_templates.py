"""Writes crates/antiphon-engine/tests/files/chat_templates.json: what transformers makes of chat templates.

Run with transformers 5.23.0 and jinja2 3.1.6 installed. The templates below are of no model: each shows a few
things that templates of real models do. `--all FOLDER OUT` renders those of a folder instead, such as
`models/templates` of llama.cpp, into a file to be put in the place of the kept one for a look.

    python scripts/chat_templates.py
    python scripts/chat_templates.py --all path/to/models/templates path/to/file.json
"""

import json
import sys
from pathlib import Path

from transformers.utils.chat_template_utils import render_jinja_template

OUT = Path(__file__).resolve().parent.parent / "crates/antiphon-engine/tests/files/chat_templates.json"
TOKENS = {"bos_token": "<bos>", "eos_token": "<eos>"}

TEMPLATES = {
    "turns, whitespace control": r"""
{#- What comes before the first turn. -#}
{{- bos_token }}
{% for message in messages %}
    {% if loop.first and message.role != "system" %}
(no rules)
    {% endif %}
  {{- "[" ~ message["role"] | upper ~ "]" }}
  {{ message.content | trim }}
    {%+ if not loop.last %}
--
    {%- endif +%}
{% endfor %}
{%- if add_generation_prompt -%}
    [ASSISTANT]
{% endif %}
""",
    "namespace, loop controls": r"""
{%- set state = namespace(rules="", seen=0, last_user=-1, done=false) -%}
{%- for message in messages[::-1] -%}
    {%- set place = messages | length - 1 - loop.index0 -%}
    {%- if message.role == "user" and state.last_user < 0 -%}{%- set state.last_user = place -%}{%- endif -%}
{%- endfor -%}
{%- for message in messages -%}
    {%- if message.role == "system" -%}
        {%- set state.rules = state.rules + message.content + eos_token -%}
        {%- continue -%}
    {%- endif -%}
    {%- set state.seen = state.seen + 1 -%}
    {%- if state.seen > 4 -%}{%- break -%}{%- endif -%}
    {{ loop.index }}/{{ loop.length }} {{ loop.revindex0 }} {{ "odd" if loop.index0 % 2 }}
    {%- if loop.previtem is defined %} after {{ loop.previtem.role }}{% endif %}
    {%- if loop.nextitem is defined %} before {{ loop.nextitem.role }}{% endif -%}
    {{- "*" if loop.index0 == state.last_user else "." -}}
{%- else -%}
    nothing
{%- endfor -%}
{{ state.rules ~ state.seen }}
""",
    "macros, set blocks": r"""
{%- macro fields(schema, depth=1) -%}
    {%- for name, field in schema.properties.items() %}
{{ "  " * depth }}{{ name }}: {{ field.type }}{{ "!" if name in schema.required else "" }}
        {%- if field.properties is defined -%}{{ fields(field, depth=depth + 1) }}{%- endif -%}
    {%- endfor -%}
{%- endmacro -%}
{%- macro framed(title) -%}<{{ title }}>{{ caller() }}</{{ title }}>{%- endmacro -%}
{%- set intro -%}
    {%- if tools -%}You have {{ tools | length }} tool{{ "s" if tools | length != 1 }}:{%- endif -%}
{%- endset -%}
{{ intro | default("none", true) }}
{%- for tool in tools or [] %}
{{ tool.function.name }}({{ tool.function.description | e }})
    {{- fields(tool.function.parameters) }}
{%- endfor %}
{%- call framed("talk") -%}
    {%- for message in messages if message.role in ["user", "assistant"] -%}
        {{ message.role[0] }}:{{ message.content | trim }};
    {%- endfor -%}
{%- endcall -%}
""",
    "generation marks": r"""
{%- for message in messages %}
{%- if message.role == "assistant" %}
<|assistant|>
{% generation %}
{{ message.content }}{{ eos_token }}
{%- endgeneration %}
{%- else %}
<|{{ message.role }}|>
{{ message.content }}
{%- endif %}
{% endfor %}
{% if add_generation_prompt %}<|assistant|>{%- generation -%} {%- endgeneration -%}
{% endif %}
""",
    "tools, calls, answers": r"""
{%- if tools %}
# Tools
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
{{ tools | tojson(indent=2) }}
{{ tools[0].function | tojson(ensure_ascii=True, separators=(",", ":"), sort_keys=True) }}
{{ tools | map(attribute="function") | map(attribute="name") | join(", ") }}
{%- endif %}
{%- for message in messages %}
    {%- if message.tool_calls is defined and message.tool_calls %}
        {%- for call in message.tool_calls %}
            {%- set call = call.function if call.function is defined else call %}
<call {{ call.name }}>{{ call.arguments if call.arguments is string else call.arguments | tojson }}
            {%- for key, value in call.arguments | items %} {{ key }}={{ value }}{% endfor %}</call>
        {%- endfor %}
    {%- elif message.role == "tool" %}
        {%- if loop.index0 == 0 or messages[loop.index0 - 1].role != "tool" %}
<answers>
        {%- endif %}
{{ message.name | default("?") }} {{ message.tool_call_id[:4] }}: {{ message.content }}
        {%- if loop.last or messages[loop.index0 + 1].role != "tool" %}
</answers>
        {%- endif %}
    {%- else %}
{{ message.role }}: {{ message.content }}
    {%- endif %}
{%- endfor %}
""",
    "reasoning": r"""
{%- for message in messages %}
    {%- set thought = "" %}
    {%- set said = message.content %}
    {%- if message.reasoning_content is string %}
        {%- set thought = message.reasoning_content %}
    {%- elif "</think>" in said %}
        {%- set thought = said.split("</think>")[0].rstrip("\n").split("<think>")[-1].lstrip("\n") %}
        {%- set said = said.split("</think>")[-1].strip() %}
    {%- endif %}
{{ message.role }}{{ " (" + thought.strip() + ")" if thought and not loop.last }}: {{ said }}
{%- endfor %}
assistant: {{ "" if enable_thinking is defined and enable_thinking is false else "<think>" }}
""",
    "selecting": r"""
{%- set rules = messages | selectattr("role", "equalto", "system") | map(attribute="content") | list -%}
{%- set others = messages | rejectattr("role", "equalto", "system") | list -%}
{{ rules | first if rules else "-" }}|{{ others | length }}|{{ (others | last).role }}|
{{- others | map(attribute="role") | unique | sort | join("+") }}|
{{- messages | selectattr("tool_calls", "defined") | list | length }}|
{{- others | map(attribute="content") | map("trim") | map("length") | sum }}|
{{- messages | map(attribute="name", default="nobody") | reject("equalto", "nobody") | list }}|
{{- {"b": 2, "a": 1} | dictsort | map("first") | join(";") }}|
{{- [3, 1, 2] | sort(reverse=true) | tojson }}|{{ [1, 2, 3, 4] | batch(3) | list }}|
{{- ["x", "", none, 0] | select | list | tojson }}|{{ [5, 6] | min }}{{ [5, 6] | max }}
""",
    "tests": r"""
{%- for value in ["a", 1, 1.5, true, none, [1], {"a": 1}, missing] %}
{{ loop.index }}:
    {{- " string" if value is string }}
    {{- " number" if value is number }}
    {{- " boolean" if value is boolean }}
    {{- " integer" if value is integer }}
    {{- " float" if value is float }}
    {{- " none" if value is none }}
    {{- " true" if value is true }}
    {{- " false" if value is false }}
    {{- " mapping" if value is mapping }}
    {{- " sequence" if value is sequence }}
    {{- " iterable" if value is iterable }}
    {{- " defined" if value is defined }}
    {{- " undefined" if value is undefined }}
    {{- " in" if value is in([1, "a"]) }}
{%- endfor %}
{{ 4 is even }} {{ 9 is divisibleby 3 }} {{ 1 is eq 1 }} {{ 2 is gt 1 }} {{ "A" is upper }}
{{ tools is not none }}
""",
    "texts": r"""
{%- set said = messages[-1].content -%}
{{ said.strip().split(" ") }}{{ said.split() | length }}{{ "a,b,c".rsplit(",", 1) }}
{{ said.strip().upper() }} {{ said.startswith(" ") }} {{ said.strip().endswith("?") }}
{{ "xxaxx".strip("x") }} {{ "a-b".removeprefix("a") }} {{ "a-b".removesuffix("-b") }} {{ "a b".rsplit() }}
{{ said.find("?") }} {{ said.replace("\n", "\\n") }} {{ "a" in said }} {{ said[1:3] }} {{ said[::-1] | trim }}
{{ said[-2:] | tojson }} {{ "%s is %d" | format("x", 3) }} {{ "one two".title() }}
{{ "ONE".lower() | capitalize }} {{ "-".join(["a", "b"]) }} {{ "a\nb" | indent(2) }}
{{ "a\nb".splitlines() | length }} {{ "ab" * 2 }} {{ "abc" | replace("b", "-") }}
{{ 7 // 2 }} {{ 7 % 4 }} {{ 2 ** 3 }} {{ 7 / 2 }} {{ 1 < 2 <= 2 }} {{ not (1 == 2) }} {{ "5" | int + 1 }}
{{ [1] + [2, 3] }} {{ (1, 2) | list }} {{ {"a": [1, none, true]} }} {{ {"a": 1}.get("b", "no") }}
{{ range(3) | list }} {{ {"a": 1, "b": 2}.keys() | list }} {{ dict(a=1, b="x") | tojson }}
{{ 3 | string ~ 4 }}
{{ "é" | tojson }} {{ '<"&>' | tojson }} {{ 1.0 }} {{ 2.50 }}
{{ said.strip() | length > 3 and "long" or "short" }} {{ nothing | default("given") }}
{{ "" | default("empty", true) }}
""",
    "what is refused": r"""
{%- if messages[0].role == "system" -%}
    {{- raise_exception("there is no place for rules") -}}
{%- endif -%}
{%- for message in messages -%}
    {%- if (message.role == "user") != (loop.index0 % 2 == 0) -%}
        {{- raise_exception("turns must alternate") -}}
    {%- endif -%}
    {{ "<s>" if message.role == "user" }}{{ message.content | trim }}{{ eos_token if message.role != "user" }}
{%- endfor -%}
{%- set today = strftime_now("%Y-%m-%d") -%}
{{ today | length }}{{ today.split("-") | length }}
""",
}

SYSTEM = {"role": "system", "content": "Be brief."}
QUESTION = {"role": "user", "content": " What's 2 + 2?\n"}
AGAIN = {"role": "user", "content": "And 3?"}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Tells <the> weather",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "días": {"type": "integer"}},
                "required": ["city"],
            },
        },
    }
]
ARGUMENTS = {"city": "Málaga", "días": 2}
CALL = {"id": "abcdef123", "type": "function", "function": {"name": "weather", "arguments": ARGUMENTS}}
CALLED = [
    {"role": "user", "content": "Weather?"},
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "content": "sunny", "tool_call_id": "abcdef123", "name": "weather"},
]
CONVERSATIONS = {
    "question": ([QUESTION], []),
    "system": ([SYSTEM, QUESTION], []),
    "turns": ([SYSTEM, QUESTION, {"role": "assistant", "content": "4"}, AGAIN], []),
    "thought": (
        [
            QUESTION,
            {"role": "assistant", "content": "4", "reasoning_content": "Two and two."},
            AGAIN,
        ],
        [],
    ),
    "thought aloud": (
        [QUESTION, {"role": "assistant", "content": "<think>\nTwo and two.\n</think>\n\n4"}, AGAIN],
        [],
    ),
    "tools": ([SYSTEM, QUESTION], TOOLS),
    "called": (CALLED, TOOLS),
}


def rendered(template: str, messages: list, tools: list) -> str | None:
    """The prompt; nothing where the template refuses the messages."""
    try:
        texts, _ = render_jinja_template(
            conversations=[messages],
            tools=tools or None,
            chat_template=template,
            add_generation_prompt=True,
            **TOKENS,
        )
    except Exception:
        return None
    return texts[0]


def main() -> None:
    if sys.argv[1:2] == ["--all"]:
        folder, out = map(Path, sys.argv[2:])
        templates = {path.stem: path.read_text() for path in sorted(folder.glob("*.jinja"))}
    else:
        templates, out = {name: text.lstrip("\n") for name, text in TEMPLATES.items()}, OUT
    rows = [
        {
            "name": name,
            "template": template,
            "prompts": {asked: rendered(template, *said) for asked, said in CONVERSATIONS.items()},
        }
        for name, template in templates.items()
    ]
    conversations = {
        name: {"messages": messages, "tools": tools} for name, (messages, tools) in CONVERSATIONS.items()
    }
    fixture = {
        "source": "rendered by transformers 5.23.0",
        **TOKENS,
        "conversations": conversations,
        "templates": rows,
    }
    out.write_text(json.dumps(fixture, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(rows)} templates")


if __name__ == "__main__":
    main()
