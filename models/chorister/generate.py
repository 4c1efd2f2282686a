"""Writes the corpus, trains the tokenizer on it and stores the token ids.

    python generate.py --documents 400000 --out build

Leaves in the folder: sample.txt (to read), tokenizer.json and corpus-SEED.npz (token ids, loss mask, starts).
"""

from __future__ import annotations

import argparse
import json
from multiprocessing import Pool
from pathlib import Path
from random import Random

import jinja2
import numpy as np
from corpus import draw
from corpus.document import Document, dumps
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = Path(__file__).parent
CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
VISIBLE = ("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>")
CONTEXT = 1024
ANSWER_START, TURN_END = "<|im_start|>assistant\n", "<|im_end|>"


def chat_template() -> jinja2.Template:
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    environment.filters["tojson"] = dumps
    return environment.from_string((HERE / "chat_template.jinja").read_text("utf-8").rstrip("\n"))


TEMPLATE = chat_template()


def render(messages: list[dict], tools: list[dict] | None, add_generation_prompt: bool = False) -> str:
    return TEMPLATE.render(messages=messages, tools=tools, add_generation_prompt=add_generation_prompt)


def segments(document: Document) -> list[tuple[str, bool]]:
    """The text in parts, each with whether the loss counts it: answers and their end, and raw text."""
    if document.raw is not None:
        return [(document.before, False), (document.raw + TURN_END, True)]
    parts = []
    first, *turns = render(document.messages, document.tools).split(ANSWER_START)
    parts.append((first + ANSWER_START, False))
    for at, turn in enumerate(turns):
        answer, rest = turn.split(TURN_END, 1)
        parts.append((answer + TURN_END, True))
        if at < len(turns) - 1:
            parts.append((rest + ANSWER_START, False))
    return parts


def train_tokenizer(texts: list[str], vocabulary: int) -> Tokenizer:
    """Byte-level BPE; digits stand alone. llama.cpp knows this splitting as the pre-tokenizer `smollm`."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[*CONTROL, *VISIBLE],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in (*CONTROL, *VISIBLE)]
    )
    return tokenizer


def draw_segments(job: tuple[int, int]) -> list[list[tuple[str, bool]]]:
    seed, count = job
    rng = Random(seed)
    return [segments(draw(rng)) for _ in range(count)]


def encode(job: tuple[str, list[list[tuple[str, bool]]]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    path, documents = job
    tokenizer = Tokenizer.from_file(path)
    tokens, mask, lengths = [], [], []
    for document in documents:
        ids, counts = [], []
        for encoding, (_, counted) in zip(
            tokenizer.encode_batch([text for text, _ in document]), document, strict=True
        ):
            ids += encoding.ids
            counts += [counted] * len(encoding.ids)
        if len(ids) <= CONTEXT:
            tokens += ids
            mask += counts
            lengths.append(len(ids))
    return np.array(tokens, np.uint16), np.array(mask, bool), np.array(lengths, np.int32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=400_000)
    parser.add_argument("--vocabulary", type=int, default=2048)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--keep-tokenizer", action="store_true", help="for a further corpus of the same run")
    parser.add_argument("--out", type=Path, default=HERE / "build")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    chunk = 5000
    jobs = [(args.seed * 1_000_003 + at, chunk) for at in range(max(1, args.documents // chunk))]
    with Pool(args.processes) as pool:
        chunks = pool.map(draw_segments, jobs, chunksize=1)
        sample = ["".join(text for text, _ in document) for document in chunks[0]]
        (args.out / "sample.txt").write_text("\n-----\n".join(sample[:1000]), "utf-8")
        texts = [
            text for part in chunks[:: max(1, len(chunks) // 8)] for document in part for text, _ in document
        ]
        path = str(args.out / "tokenizer.json")
        if not args.keep_tokenizer:
            train_tokenizer(texts, args.vocabulary).save(path)
        encoded = pool.map(encode, [(path, part) for part in chunks], chunksize=1)
    tokens, mask, lengths = (np.concatenate(parts) for parts in zip(*encoded, strict=True))
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    part = args.out / "part.npz"
    np.savez(part, tokens=tokens, mask=mask, starts=starts)
    part.rename(args.out / f"corpus-{args.seed:03}.npz")
    print(
        json.dumps(
            {
                "documents": len(lengths),
                "tokens": len(tokens),
                "counted": int(mask.sum()),
                "longest": int(lengths.max()),
            }
        )
    )


if __name__ == "__main__":
    main()
