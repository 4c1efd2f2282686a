"""Writes a random-weight Llama model in Q4_0: as fast as a trained one of that shape, and as large.

    python bench/random_model.py FILE [--size 500m|20m] [--sure] [--working N] [--layers N] [--seed N]

The vocabulary is SentencePiece-like: bytes, plain letters, all pieces of two and three letters, some words
and the punctuation of JSON, each reachable by merges. The output rows of control tokens are zero, so that
greedy decoding never ends a text early. The prompt template is the bare text of the messages.

For drafts: a model that is `--sure` gives its next token most of the probability, as trained ones often do.
Of one with `--working 4` the layers beyond the first four add nothing, so that the same with `--layers 4`,
which has no others, always says the same as it; and one of another `--seed` never does, but by chance.
"""

from __future__ import annotations

import argparse
import itertools
import string
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np

SPACE = "\u2581"
PIECES = 32_000
CONTROL = ["<unk>", "<s>", "</s>"]
JSON = """{" ": ", "} ":" "," [{ }] "] [" }, ], true false null 0. 10"""
WORDS = "about answer because capital colour could name number people place question should there think with"
TEMPLATE = "{% for message in messages %}{{ message.content }}{% endfor %}"
Q4_0 = gguf.GGMLQuantizationType.Q4_0
BLOCK_WEIGHTS, BLOCK_BYTES = gguf.GGML_QUANT_SIZES[Q4_0]
# A weight is scale * (nibble - 8), so its deviation is about 4.6 scales: 0.02, as a fresh model's.
SCALE = 0.02 / 4.6
# Times so much, the rows of the output tell tokens apart.
SURE = 100


@dataclass(frozen=True)
class Shape:
    """The sizes of a Llama model."""

    layers: int
    width: int
    feed_forward: int
    heads: int
    kv_heads: int


SHAPES = {
    "500m": Shape(layers=29, width=1024, feed_forward=4096, heads=16, kv_heads=4),
    "20m": Shape(layers=4, width=256, feed_forward=1024, heads=4, kv_heads=2),
}


SEED = 7


@dataclass(frozen=True)
class Change:
    """What is other than in the plain model of that size."""

    sure: bool = False
    working: int | None = None
    layers: int | None = None
    seed: int = SEED

    def kept(self, shape: Shape) -> int:
        return shape.layers if self.layers is None else self.layers

    def works(self, layer: int) -> bool:
        return self.working is None or layer < self.working


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--size", choices=SHAPES, default="500m")
    parser.add_argument("--sure", action="store_true")
    parser.add_argument("--working", type=int, metavar="N")
    parser.add_argument("--layers", type=int, metavar="N")
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    change = Change(arguments.sure, arguments.working, arguments.layers, arguments.seed)
    write(arguments.file, arguments.size, change)


def write(path: Path, size: str, change: Change | None = None) -> None:
    """Writes the model to `path`; a file that is there is complete."""
    shape, change = SHAPES[size], change or Change()
    partial = path.with_suffix(".partial")
    writer = gguf.GGUFWriter(str(partial), "llama")
    add_metadata(writer, shape, size, change.kept(shape))
    add_tokenizer(writer)
    add_tensors(writer, shape, change)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    partial.rename(path)


def add_metadata(writer: gguf.GGUFWriter, shape: Shape, size: str, layers: int) -> None:
    writer.add_name(f"random-{size}")
    writer.add_context_length(4096)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(PIECES)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0)


def add_tokenizer(writer: gguf.GGUFWriter) -> None:
    kinds = gguf.TokenType
    texts = CONTROL + [f"<0x{byte:02X}>" for byte in range(256)] + pieces()
    types = [kinds.UNKNOWN, kinds.CONTROL, kinds.CONTROL] + [kinds.BYTE] * 256
    types += [kinds.NORMAL] * (PIECES - len(types))
    # Merges are tried by score: shorter pieces first, as a trained vocabulary's frequent ones.
    scores = [0.0] * (3 + 256) + [-float(rank) for rank in range(PIECES - 259)]
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(texts)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_chat_template(TEMPLATE)


def pieces() -> list[str]:
    """The normal pieces, most basic first, none twice."""
    letters = string.ascii_lowercase
    single = [SPACE, *string.ascii_letters, *string.digits, *string.punctuation, "\n", "\t"]
    pairs = ["".join(pair) for pair in itertools.product(letters, letters)]
    triples = ["".join(triple) for triple in itertools.product(letters, repeat=3)]
    words = [SPACE + word for word in WORDS.split()]
    starts = [word[:end] for word in [*words, *JSON.split()] for end in range(2, len(word) + 1)]
    spaced = [SPACE + piece for piece in [*letters, *pairs]]
    every = [*single, *spaced, *pairs, *starts, *triples, *(SPACE + triple for triple in triples)]
    return list(dict.fromkeys(every))[: PIECES - 259]


def add_tensors(writer: gguf.GGUFWriter, shape: Shape, change: Change) -> None:
    random = np.random.default_rng(change.seed)

    def matrix(name: str, rows: int, columns: int, *, kept: bool = True, works: bool = True) -> None:
        # What is not written is drawn all the same, so that what comes after it is the same.
        numbers = q4_0(random, rows, columns)
        if kept:
            writer.add_tensor(name, numbers if works else np.zeros_like(numbers), raw_dtype=Q4_0)

    def norm(name: str) -> None:
        writer.add_tensor(name, np.ones(shape.width, dtype=np.float32))

    kv_width = shape.width // shape.heads * shape.kv_heads
    matrix("token_embd.weight", PIECES, shape.width)
    for layer in range(shape.layers):
        block, kept, works = f"blk.{layer}", layer < change.kept(shape), change.works(layer)
        matrix(f"{block}.attn_q.weight", shape.width, shape.width, kept=kept)
        matrix(f"{block}.attn_k.weight", kv_width, shape.width, kept=kept)
        matrix(f"{block}.attn_v.weight", kv_width, shape.width, kept=kept)
        matrix(f"{block}.attn_output.weight", shape.width, shape.width, kept=kept, works=works)
        matrix(f"{block}.ffn_gate.weight", shape.feed_forward, shape.width, kept=kept)
        matrix(f"{block}.ffn_up.weight", shape.feed_forward, shape.width, kept=kept)
        matrix(f"{block}.ffn_down.weight", shape.width, shape.feed_forward, kept=kept, works=works)
        if kept:
            norm(f"{block}.attn_norm.weight")
            norm(f"{block}.ffn_norm.weight")
    norm("output_norm.weight")
    output = q4_0(random, PIECES, shape.width, SURE if change.sure else 1)
    output[: len(CONTROL)] = 0
    writer.add_tensor("output.weight", output, raw_dtype=Q4_0)


def q4_0(random: np.random.Generator, rows: int, columns: int, times: float = 1) -> np.ndarray:
    """Random blocks: a half-precision scale and sixteen bytes of two weights each."""
    blocks = columns // BLOCK_WEIGHTS
    data = random.integers(0, 256, size=(rows, blocks, BLOCK_BYTES), dtype=np.uint8)
    # The sign alternates, so that the weights' mean is zero though the nibbles' is not.
    scales = np.full((rows, blocks), SCALE * times, dtype=np.float16)
    scales[:, ::2] *= -1
    data[:, :, :2] = scales.view(np.uint8).reshape(rows, blocks, 2)
    return data.reshape(rows, blocks * BLOCK_BYTES)


if __name__ == "__main__":
    main()
