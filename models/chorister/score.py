"""Scores the model by skill on held-out phrasings.

    python score.py                       # heldout.jsonl, through the antiphon package, as users run it
    python score.py --torch build         # a checkpoint, without antiphon
    python score.py --failures 20         # and shows what went wrong

A line of the file: {"skill", "messages", "tools"?, "response_format"?, "expect"}; `expect` holds one or more
of equals_any, contains_all, contains_any, not_contains, tool_call, no_tool_call, json_equals, json_contains,
idk, min_chars.
Text is compared without case; a number has to stand as a word of its own.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

IDK = (
    "don't know",
    "do not know",
    "not sure",
    "can't help with that",
    "cannot help with that",
    "no idea",
    "cannot look up",
    "have not told me",
    "haven't told me",
    "too big for me",
)


@dataclass
class Answer:
    text: str
    calls: list[dict] = field(default_factory=list)


Ask = Callable[[dict], Answer]


def contains(text: str, part: str) -> bool:
    text, part = text.lower().replace("\u2019", "'"), str(part).lower()
    if re.fullmatch(r"-?[\d.,]+", part):
        return re.search(rf"(?<![\d.,-]){re.escape(part)}(?![\d]|[.,]\d)", text) is not None
    return part in text


def parsed(text: str) -> object:
    try:
        return json.loads(text[text.index("{") : text.rindex("}") + 1])
    except ValueError:
        return None


def same(a: object, b: object) -> bool:
    if isinstance(a, str) and isinstance(b, str):
        return a.strip().lower() == b.strip().lower()
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return a == b


def json_contains(text: str, wanted: dict) -> bool:
    value = parsed(text)
    return isinstance(value, dict) and all(key in value and same(value[key], wanted[key]) for key in wanted)


def made_call(answer: Answer, wanted: dict | list) -> bool:
    wanted = wanted if isinstance(wanted, list) else [wanted]
    return len(wanted) == len(answer.calls) and all(
        call["name"] == want["name"] and same(call["arguments"], want["arguments"])
        for call, want in zip(answer.calls, wanted, strict=True)
    )


CHECKS: dict[str, Callable[[Answer, object], bool]] = {
    "equals_any": lambda a, v: a.text.strip().lower() in [option.strip().lower() for option in v],
    "contains_all": lambda a, v: all(contains(a.text, part) for part in v),
    "contains_any": lambda a, v: any(contains(a.text, part) for part in v),
    "not_contains": lambda a, v: not any(contains(a.text, part) for part in v),
    "tool_call": made_call,
    "no_tool_call": lambda a, v: not a.calls,
    "json_equals": lambda a, v: same(parsed(a.text), v),
    "json_contains": lambda a, v: json_contains(a.text, v),
    "idk": lambda a, v: any(contains(a.text, phrase) for phrase in IDK) == bool(v),
    "min_chars": lambda a, v: len(a.text.strip()) >= v,
}


def right(answer: Answer, expect: dict) -> bool:
    return all(CHECKS[check](answer, value) for check, value in expect.items())


def antiphon_backend(model: str) -> Ask:
    from antiphon import completion

    def ask(case: dict) -> Answer:
        extra = {key: case[key] for key in ("tools", "response_format") if key in case}
        message = (
            completion(messages=case["messages"], model=model, max_tokens=400, **extra).choices[0].message
        )
        calls = [
            # Arguments that the limit cut are no JSON, and no right answer.
            {"name": call.function.name, "arguments": parsed(call.function.arguments)}
            for call in message.tool_calls or []
        ]
        return Answer(message.content or "", calls)

    return ask


def torch_backend(build: Path, name: str) -> Ask:
    """Greedy decoding without grammar, so that JSON is the model's own work."""
    import torch
    from generate import render
    from tokenizers import Tokenizer
    from train import Config, Model

    torch.set_num_threads(1)
    checkpoint = torch.load(build / f"{name}.pt", map_location="cpu")
    model = Model(Config(**checkpoint["config"]))
    model.load_state_dict(checkpoint["model"])
    tokenizer = Tokenizer.from_file(str(build / "tokenizer.json"))
    end = {tokenizer.token_to_id("<|im_end|>"), tokenizer.token_to_id("<|endoftext|>")}

    @torch.inference_mode()
    def ask(case: dict) -> Answer:
        messages = in_json_mode(case["messages"], case.get("response_format"))
        ids = tokenizer.encode(
            render(messages, case.get("tools"), True) if "raw" not in case else case["raw"]
        ).ids[-900:]
        start = len(ids)
        caches = model.new_caches()
        logits = model.step(torch.tensor([ids]), caches, 0)
        while len(ids) - start < 400 and len(ids) < 1023:
            following = int(logits.argmax())
            if following in end:
                break
            ids.append(following)
            logits = model.step(torch.tensor([[following]]), caches, len(ids) - 1)
        return split_calls(tokenizer.decode(ids[start:], skip_special_tokens=False))

    return ask


def in_json_mode(messages: list[dict], response_format: dict | None) -> list[dict]:
    if response_format is None:
        return messages
    line = "\nAnswer in JSON."
    if response_format["type"] == "json_schema":
        schema = json.dumps(
            response_format["json_schema"]["schema"], ensure_ascii=False, separators=(",", ":")
        )
        line = f"\nAnswer in JSON with this schema: {schema}"
    if messages[0]["role"] in ("system", "developer"):
        return [{**messages[0], "content": messages[0]["content"] + line}, *messages[1:]]
    return [{"role": "system", "content": line.lstrip("\n")}, *messages]


def split_calls(text: str) -> Answer:
    calls = []
    for call in re.findall(r"<tool_call>(.*?)</tool_call>", text, re.DOTALL):
        try:
            calls.append(json.loads(call))
        except ValueError:
            calls.append({"name": "malformed", "arguments": call})
    return Answer(re.sub(r"<tool_call>.*?</tool_call>", "", text, flags=re.DOTALL), calls)


def table(scores: dict[str, list[bool]]) -> str:
    lines = ["| skill | right | of | % |", "|---|---|---|---|"]
    everything = [one for ones in scores.values() for one in ones]
    for skill, ones in [*sorted(scores.items()), ("all", everything)]:
        lines.append(f"| {skill} | {sum(ones)} | {len(ones)} | {100 * sum(ones) / len(ones):.0f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", type=Path, nargs="*", default=[Path(__file__).parent / "heldout.jsonl"])
    parser.add_argument("--torch", type=Path, metavar="BUILD")
    parser.add_argument("--name", default="model")
    parser.add_argument("--model", default="local/chorister")
    parser.add_argument("--skill")
    parser.add_argument("--failures", type=int, default=0, help="how many to show, of each skill")
    args = parser.parse_args()
    ask = torch_backend(args.torch, args.name) if args.torch else antiphon_backend(args.model)
    scores: dict[str, list[bool]] = defaultdict(list)
    for line in (
        line for path in args.cases for line in path.read_text("utf-8").splitlines() if line.strip()
    ):
        case = json.loads(line)
        if args.skill and case["skill"] != args.skill:
            continue
        answer = ask(case)
        scores[case["skill"]].append(right(answer, case["expect"]))
        if not scores[case["skill"]][-1] and scores[case["skill"]].count(False) <= args.failures:
            print(
                case["skill"],
                "|",
                case["messages"][-1]["content"],
                "|",
                answer.text,
                answer.calls or "",
                file=sys.stderr,
            )
    print(table(scores))


if __name__ == "__main__":
    main()
