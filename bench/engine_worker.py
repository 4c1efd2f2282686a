"""Generates text through one library, for `Worker`: a line of JSON asks, one says how long it took.

    python bench/engine_worker.py antiphon|llama_cpp MODEL THREADS

A question has `prompts` (texts or lists of messages), `max_tokens` and perhaps a JSON `schema`. antiphon
answers all prompts at once; llama-cpp-python, which serves one request at a time, one after another. All is
streamed, at temperature 0.

Two times come back: `seconds` from the call to the last token, and `generating` from when the last prompt was
read to the last token, with the tokens of that time.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from served import serve

CONTEXT = 2048


class Antiphon:
    """Every prompt is a task of one event loop."""

    def __init__(self, model: str, threads: int) -> None:
        import antiphon

        self.completion = antiphon.async_completion
        self.options: dict[str, Any] = {"model": model, "threads": threads, "temperature": 0}
        if model != "local/chorister":
            self.options["context"] = CONTEXT
        self.loop = asyncio.new_event_loop()

    def answer(self, prompts: list[Any], max_tokens: int, schema: dict | None = None) -> dict[str, Any]:
        options = self.options | {"max_tokens": max_tokens}
        if schema:
            json_schema = {"name": "bench", "schema": schema}
            options["response_format"] = {"type": "json_schema", "json_schema": json_schema}
        else:
            options["ignore_eos"] = True
        begin = time.perf_counter()
        answers = self.loop.run_until_complete(self.all(prompts, options))
        end = time.perf_counter()
        all_read = max(answer["times"][0] for answer in answers)
        early = sum(time <= all_read for answer in answers for time in answer["times"])
        tokens = sum(answer["tokens"] for answer in answers)
        return summary(answers, end - begin, end - all_read, tokens - early)

    async def all(self, prompts: list[Any], options: dict[str, Any]) -> list[dict[str, Any]]:
        return await asyncio.gather(*(self.one(prompt, options) for prompt in prompts))

    async def one(self, prompt: Any, options: dict[str, Any]) -> dict[str, Any]:
        times, texts, usage = [], [], None
        stream = await self.completion(prompt, stream=True, stream_options={"include_usage": True}, **options)
        async for chunk in stream:
            usage = chunk.get("usage") or usage
            if chunk.choices and chunk.choices[0].delta.get("content"):
                times.append(time.perf_counter())
                texts.append(chunk.choices[0].delta.content)
        counts = {"prompt": usage.prompt_tokens, "tokens": usage.completion_tokens}
        return counts | {"times": times, "text": "".join(texts)}


class LlamaCpp:
    """One prompt after the other."""

    def __init__(self, model: str, threads: int) -> None:
        import llama_cpp

        self.grammar = llama_cpp.LlamaGrammar
        self.model = llama_cpp.Llama(
            model_path=model.removeprefix("local/"),
            n_ctx=CONTEXT,
            n_threads=threads,
            n_threads_batch=threads,
            verbose=False,
        )

    def answer(self, prompts: list[Any], max_tokens: int, schema: dict | None = None) -> dict[str, Any]:
        grammar = self.grammar.from_json_schema(json.dumps(schema), verbose=False) if schema else None
        begin = time.perf_counter()
        answers = [self.one(prompt, max_tokens, grammar) for prompt in prompts]
        seconds = time.perf_counter() - begin
        generating = sum(answer["times"][-1] - answer["times"][0] for answer in answers)
        tokens = sum(answer["tokens"] - 1 for answer in answers)
        return summary(answers, seconds, generating, tokens)

    def one(self, prompt: Any, max_tokens: int, grammar: Any) -> dict[str, Any]:
        text = prompt if isinstance(prompt, str) else "".join(message["content"] for message in prompt)
        times, texts = [], []
        for chunk in self.model.create_completion(
            text, max_tokens=max_tokens, temperature=0.0, stream=True, grammar=grammar
        ):
            times.append(time.perf_counter())
            texts.append(chunk["choices"][0]["text"])
        prompt_tokens = len(self.model.tokenize(text.encode(), add_bos=True, special=True))
        # It does not evaluate the last token that it generated.
        tokens = self.model.n_tokens + 1 - prompt_tokens
        return {"prompt": prompt_tokens, "tokens": tokens, "times": times, "text": "".join(texts)}


def summary(answers: list[dict[str, Any]], seconds: float, generating: float, tokens: int) -> dict[str, Any]:
    return {
        "seconds": seconds,
        "tokens": sum(answer["tokens"] for answer in answers),
        "generating": generating,
        "generated": tokens,
        "prompt_tokens": sum(answer["prompt"] for answer in answers),
        "text": answers[0]["text"],
    }


if __name__ == "__main__":
    library, model, threads = sys.argv[1:4]
    engine = {"antiphon": Antiphon, "llama_cpp": LlamaCpp}[library](model, int(threads))
    serve(engine.answer)
