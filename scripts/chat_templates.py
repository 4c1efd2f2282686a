"""Writes crates/antiphon-engine/tests/files/chat_templates.json: what transformers makes of chat templates.

Run once, with transformers 5.23.0 and jinja2 3.1.6 installed, and with the folder `models/templates` of llama.cpp, which
the source archive of llama-cpp-python 0.3.36 has below vendor/llama.cpp. Only short templates are kept, with the
names of the models whose `tokenizer_config.json` they come from; `--all OUT` writes one file of all of them, to be
put in the place of the kept one for a look.

    python scripts/chat_templates.py path/to/models/templates [--all OUT]
"""

import json
import sys
from pathlib import Path

from transformers.utils.chat_template_utils import render_jinja_template

OUT = Path(__file__).resolve().parent.parent / "crates/antiphon-engine/tests/files/chat_templates.json"
# Short ones under free licences.
KEPT = [
    "HuggingFaceTB-SmolLM3-3B",
    "Qwen-Qwen2.5-7B-Instruct",
    "Qwen-Qwen3-0.6B",
    "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B",
    "microsoft-Phi-3.5-mini-instruct",
    "mistralai-Mistral-Nemo-Instruct-2407",
]
TOKENS = {"bos_token": "<bos>", "eos_token": "<eos>"}

SYSTEM = {"role": "system", "content": "Be brief."}
QUESTION = {"role": "user", "content": " What's 2 + 2?\n"}
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
CALL = {"id": "abcdef123", "type": "function", "function": {"name": "weather", "arguments": {"city": "Málaga"}}}
CALLED = [
    {"role": "user", "content": "Weather?"},
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "content": "sunny", "tool_call_id": "abcdef123", "name": "weather"},
]
CONVERSATIONS = {
    "question": ([QUESTION], []),
    "system": ([SYSTEM, QUESTION], []),
    "turns": ([SYSTEM, QUESTION, {"role": "assistant", "content": "4"}, {"role": "user", "content": "And 3?"}], []),
    "thought": (
        [
            QUESTION,
            {"role": "assistant", "content": "4", "reasoning_content": "Two and two."},
            {"role": "user", "content": "And 3?"},
        ],
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
    folder, *rest = sys.argv[1:]
    out = Path(rest[1]) if rest else OUT
    paths = sorted(Path(folder).glob("*.jinja"))
    models = []
    for path in paths:
        if not rest and path.stem not in KEPT:
            continue
        template = path.read_text()
        prompts = {name: rendered(template, *asked) for name, asked in CONVERSATIONS.items()}
        models.append({"name": path.stem, "template": template, "prompts": prompts})
    conversations = {
        name: {"messages": messages, "tools": tools} for name, (messages, tools) in CONVERSATIONS.items()
    }
    source = "llama.cpp's models/templates, as in llama-cpp-python 0.3.36; rendered by transformers 5.23.0"
    fixture = {"source": source, **TOKENS, "conversations": conversations, "models": models}
    out.write_text(json.dumps(fixture, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(models)} templates")


if __name__ == "__main__":
    main()
