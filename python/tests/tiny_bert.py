"""Writes a BERT of one layer with random weights as a GGUF file, for tests of local embeddings and reranking.

What its answers must be is worked out in `crates/antiphon-engine/tests/models`; here it only has to load.
"""

import random
import struct

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "▁the", "▁cat", "▁dog", "▁sat", "s"]
WIDTH, HIDDEN, CONTEXT = 32, 64, 24

_TENSORS = {
    "token_embd.weight": (WIDTH, len(VOCABULARY)),
    "token_types.weight": (WIDTH, 2),
    "position_embd.weight": (WIDTH, CONTEXT),
    "token_embd_norm.weight": (WIDTH,),
    "token_embd_norm.bias": (WIDTH,),
    **{f"blk.0.attn_{name}.weight": (WIDTH, WIDTH) for name in ("q", "k", "v", "output")},
    **{f"blk.0.attn_{name}.bias": (WIDTH,) for name in ("q", "k", "v", "output")},
    "blk.0.attn_output_norm.weight": (WIDTH,),
    "blk.0.attn_output_norm.bias": (WIDTH,),
    "blk.0.ffn_up.weight": (WIDTH, HIDDEN),
    "blk.0.ffn_up.bias": (HIDDEN,),
    "blk.0.ffn_down.weight": (HIDDEN, WIDTH),
    "blk.0.ffn_down.bias": (WIDTH,),
    "blk.0.layer_output_norm.weight": (WIDTH,),
    "blk.0.layer_output_norm.bias": (WIDTH,),
}
# The layers of one that ranks; its file names no pooling.
_RANKER = {
    "cls.weight": (WIDTH, WIDTH),
    "cls.bias": (WIDTH,),
    "cls.output.weight": (WIDTH, 1),
    "cls.output.bias": (1,),
}
_NUMBERS = {
    "bert.context_length": CONTEXT,
    "bert.embedding_length": WIDTH,
    "bert.feed_forward_length": HIDDEN,
    "bert.block_count": 1,
    "bert.attention.head_count": 2,
    "tokenizer.ggml.token_type_count": 2,
    "tokenizer.ggml.padding_token_id": 0,
    "tokenizer.ggml.unknown_token_id": 1,
    "tokenizer.ggml.bos_token_id": 2,
    "tokenizer.ggml.cls_token_id": 2,
    "tokenizer.ggml.seperator_token_id": 3,
    "tokenizer.ggml.mask_token_id": 4,
}


def _text(text):
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _list(kind, items):
    return struct.pack("<IQ", kind, len(items)) + b"".join(items)


def write(path, ranks=False):
    """Writes the file."""
    all_tensors = _TENSORS | (_RANKER if ranks else {})
    numbers = _NUMBERS if ranks else _NUMBERS | {"bert.pooling_type": 1}
    values = [(name, 4, struct.pack("<I", number)) for name, number in numbers.items()]
    kinds = [struct.pack("<i", 3 if token.startswith("[") else 1) for token in VOCABULARY]
    values += [
        ("general.architecture", 8, _text("bert")),
        ("bert.attention.layer_norm_epsilon", 6, struct.pack("<f", 1e-12)),
        ("bert.attention.causal", 7, b"\0"),
        ("tokenizer.ggml.model", 8, _text("bert")),
        ("tokenizer.ggml.tokens", 9, _list(8, [_text(token) for token in VOCABULARY])),
        ("tokenizer.ggml.token_type", 9, _list(5, kinds)),
    ]
    dice, data, tensors = random.Random(7), b"", b""
    for name, shape in all_tensors.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        tensors += _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, len(data))
        data += struct.pack(f"<{count}f", *(dice.uniform(-0.5, 0.5) for _ in range(count)))
        data += bytes(-len(data) % 32)
    header = b"GGUF" + struct.pack("<IQQ", 3, len(all_tensors), len(values))
    header += (
        b"".join(_text(name) + struct.pack("<I", kind) + value for name, kind, value in values) + tensors
    )
    path.write_bytes(header + bytes(-len(header) % 32) + data)
