"""Writes build/model.pt as chorister.gguf: architecture `llama`, matrices in Q8_0, norms in F32.

python export.py --build build --out chorister.gguf
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import gguf
import numpy as np
import torch
from generate import CONTROL, HERE, VISIBLE
from train import Config

BLOCK_NAMES = {
    "attention_norm.weight": "attn_norm.weight",
    "attention.q.weight": "attn_q.weight",
    "attention.k.weight": "attn_k.weight",
    "attention.v.weight": "attn_v.weight",
    "attention.o.weight": "attn_output.weight",
    "mlp_norm.weight": "ffn_norm.weight",
    "gate.weight": "ffn_gate.weight",
    "up.weight": "ffn_up.weight",
    "down.weight": "ffn_down.weight",
}


def gguf_name(name: str) -> str:
    if name.startswith("blocks."):
        _, block, rest = name.split(".", 2)
        return f"blk.{block}.{BLOCK_NAMES[rest]}"
    return {"embedding.weight": "token_embd.weight", "norm.weight": "output_norm.weight"}[name]


def add_metadata(writer: gguf.GGUFWriter, c: Config, parameters: int) -> None:
    writer.add_name("chorister")
    writer.add_description("A tiny chat model trained from scratch on generated conversations")
    writer.add_license("MIT OR Apache-2.0")
    writer.add_size_label(f"{parameters / 1e6:.1f}M")
    writer.add_context_length(c.context)
    writer.add_embedding_length(c.width)
    writer.add_block_count(c.layers)
    writer.add_feed_forward_length(c.hidden)
    writer.add_head_count(c.heads)
    writer.add_head_count_kv(c.kv_heads)
    writer.add_layer_norm_rms_eps(c.epsilon)
    writer.add_rope_dimension_count(c.head_width)
    writer.add_rope_freq_base(c.rope_base)
    writer.add_vocab_size(c.vocabulary)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


def add_tokenizer(writer: gguf.GGUFWriter, tokenizer: dict) -> None:
    ids = {
        **tokenizer["model"]["vocab"],
        **{token["content"]: token["id"] for token in tokenizer["added_tokens"]},
    }
    tokens = [token for token, _ in sorted(ids.items(), key=lambda item: item[1])]
    kinds = {
        **dict.fromkeys(CONTROL, gguf.TokenType.CONTROL),
        **dict.fromkeys(VISIBLE, gguf.TokenType.USER_DEFINED),
    }
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in tokenizer["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([kinds.get(token, gguf.TokenType.NORMAL) for token in tokens])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(ids["<|endoftext|>"])
    writer.add_eos_token_id(ids["<|im_end|>"])
    writer.add_pad_token_id(ids["<|endoftext|>"])
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template((HERE / "chat_template.jinja").read_text("utf-8").rstrip("\n"))


def add_tensor(writer: gguf.GGUFWriter, name: str, value: np.ndarray) -> None:
    if value.ndim == 1:
        writer.add_tensor(name, value.astype(np.float32))
        return
    kind = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor(name, gguf.quants.quantize(value.astype(np.float32), kind), raw_dtype=kind)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=HERE / "build")
    parser.add_argument("--name", default="model")
    parser.add_argument("--out", type=Path, default=HERE / "chorister.gguf")
    args = parser.parse_args()
    checkpoint = torch.load(args.build / f"{args.name}.pt", map_location="cpu")
    c = Config(**checkpoint["config"])
    writer = gguf.GGUFWriter(args.out, "llama")
    add_metadata(writer, c, sum(tensor.numel() for tensor in checkpoint["model"].values()))
    add_tokenizer(writer, json.loads((args.build / "tokenizer.json").read_text("utf-8")))
    for name, tensor in checkpoint["model"].items():
        add_tensor(writer, gguf_name(name), tensor.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(f"{args.out}: {args.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
