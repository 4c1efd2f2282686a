"""Writes architectures and rerankers below crates/antiphon-engine/tests/files: what Hugging Face transformers
makes of tiny random models.

Each fixture is the recipe of one GGUF file (metadata, and how each tensor's numbers are drawn) with the
tokens and log-probabilities that transformers gives for the same weights. The Rust tests write the file from
the recipe and compare. Which number of the checkpoint goes where in the GGUF file is not worked out here:
llama.cpp's own converter is run over a checkpoint whose numbers are numbered: names, orders and offsets are
the converter's.

Run once, with torch 2.15.0, transformers 5.23.0, sentencepiece 0.2.2, protobuf 7.36.2 and jinja2 3.1.6
installed, and with the folders `conversion` and `gguf-py` of llama.cpp, which the source archive of
llama-cpp-python 0.3.36 has below vendor/llama.cpp:

    python scripts/architectures.py path/to/vendor/llama.cpp [NAME ...]
"""

import copy
import json
import logging
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.numpy import load_file, save_file

HERE = Path(__file__).resolve().parent.parent
OUT = HERE / "crates" / "antiphon-engine" / "tests" / "files" / "architectures"
SOURCE = f"transformers {transformers.__version__}, llama.cpp's converter as in llama-cpp-python 0.3.36"

VOCABULARY = 192
SPECIAL = 3
PROMPT = 40
STEPS = 6
TOP = 12
# Where the two likeliest tokens are closer, rounding may choose.
MARGIN = 0.15

WIDE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    # Large, so that a wrong one shows.
    "rms_norm_eps": 0.02,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
MOE = {"num_experts_per_tok": 2, "moe_intermediate_size": 48}


def rope(base: float = 10000.0, **more: object) -> dict:
    return {"rope_parameters": {"rope_theta": base, "rope_type": "default", **more}}


def long_rope(half: int, **more: object) -> dict:
    """Of a model asked about more than it was trained for: llama.cpp takes the long factors for all then."""
    factors = {
        "short_factor": [1.0 + 0.05 * i for i in range(half)],
        "long_factor": [1.5 + 0.25 * i for i in range(half)],
    }
    return rope(rope_type="longrope", original_max_position_embeddings=32, **factors, **more) | {
        "original_max_position_embeddings": 32
    }


# transformers has this for the norms of latent vectors, whatever the configuration says.
LATENT = {"rms_norm_eps": 1e-6}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}

# Name of the fixture: (configuration, its fields, what the converter calls the model where that is not as
# transformers does).
MODELS: dict[str, tuple] = {
    "llama": ("LlamaConfig", WIDE | rope() | {"num_key_value_heads": 4}, None),
    "llama-3": (
        "LlamaConfig",
        WIDE | rope(500000.0, **LLAMA3, original_max_position_embeddings=32) | {"tie_word_embeddings": True},
        None,
    ),
    "falcon-7b": (
        "FalconConfig",
        {
            "vocab_size": VOCABULARY,
            "hidden_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "multi_query": True,
            "num_kv_heads": 1,
            "parallel_attn": True,
            "bias": False,
            "alibi": False,
            "new_decoder_architecture": False,
            "layer_norm_epsilon": 0.02,
        }
        | rope(),
        None,
    ),
    "falcon-40b": (
        "FalconConfig",
        {
            "vocab_size": VOCABULARY,
            "hidden_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_kv_heads": 2,
            "parallel_attn": True,
            "bias": False,
            "alibi": False,
            "new_decoder_architecture": True,
            "layer_norm_epsilon": 0.02,
        }
        | rope(),
        None,
    ),
    "mpt": (
        "MptConfig",
        {
            "vocab_size": VOCABULARY,
            "d_model": 64,
            "n_heads": 4,
            "n_layers": 2,
            "max_seq_len": 256,
            "expansion_ratio": 4,
        },
        "MPTForCausalLM",
    ),
    "mistral": ("MistralConfig", WIDE | rope(1000000.0) | {"head_dim": 32, "sliding_window": None}, None),
    "mixtral": (
        "MixtralConfig",
        WIDE | rope(1000000.0) | {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": None},
        None,
    ),
    "gemma": ("GemmaConfig", WIDE | rope() | {"head_dim": 32, "num_key_value_heads": 1}, None),
    "gemma2": (
        "Gemma2Config",
        WIDE
        | rope()
        | {"head_dim": 32, "sliding_window": 16, "query_pre_attn_scalar": 32, "num_hidden_layers": 4}
        # Small, so that it bends what there is.
        | {"attn_logit_softcapping": 4.0, "final_logit_softcapping": 8.0},
        None,
    ),
    "gemma3": (
        "Gemma3TextConfig",
        WIDE
        | {
            "head_dim": 32,
            "sliding_window": 16,
            "query_pre_attn_scalar": 32,
            "num_hidden_layers": 7,
            "sliding_window_pattern": 6,
            "rope_parameters": {
                "full_attention": {"rope_type": "default", "rope_theta": 1000000.0},
                "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
            },
        },
        None,
    ),
    "phi3": ("Phi3Config", WIDE | rope() | {"num_key_value_heads": 4, "sliding_window": None}, None),
    "phi4-mini": (
        "Phi3Config",
        WIDE
        | long_rope(6, partial_rotary_factor=0.75)
        | {"partial_rotary_factor": 0.75, "tie_word_embeddings": True, "sliding_window": None},
        None,
    ),
    "deepseek2": (
        "DeepseekV2Config",
        WIDE
        | MOE
        | LATENT
        | rope(
            rope_type="yarn",
            factor=4.0,
            beta_fast=32,
            beta_slow=1,
            mscale=0.707,
            mscale_all_dim=0.707,
            original_max_position_embeddings=64,
        )
        | {
            "num_key_value_heads": 2,
            # llama.cpp knows the lite form by its number of layers.
            "num_hidden_layers": 27,
            "hidden_size": 32,
            "intermediate_size": 48,
            "moe_intermediate_size": 16,
            "num_attention_heads": 2,
            "q_lora_rank": None,
            "kv_lora_rank": 16,
            "qk_rope_head_dim": 16,
            "qk_nope_head_dim": 16,
            "head_dim": 16,
            "v_head_dim": 16,
            "n_routed_experts": 4,
            "n_shared_experts": 2,
            "first_k_dense_replace": 1,
            "norm_topk_prob": False,
            "routed_scaling_factor": 1.0,
            "topk_method": "greedy",
            "n_group": 1,
            "topk_group": 1,
        },
        None,
    ),
    "deepseek3": (
        "DeepseekV3Config",
        WIDE
        | MOE
        | LATENT
        | rope(
            rope_type="yarn",
            factor=4.0,
            beta_fast=32,
            beta_slow=1,
            mscale=1.0,
            mscale_all_dim=1.0,
            original_max_position_embeddings=64,
        )
        | {
            "num_key_value_heads": 4,
            "num_hidden_layers": 3,
            "q_lora_rank": 24,
            "kv_lora_rank": 32,
            "qk_rope_head_dim": 16,
            "qk_nope_head_dim": 16,
            "head_dim": 16,
            "v_head_dim": 16,
            "n_routed_experts": 8,
            "n_shared_experts": 1,
            "first_k_dense_replace": 1,
            "norm_topk_prob": True,
            "routed_scaling_factor": 2.5,
            "n_group": 2,
            "topk_group": 1,
            "num_nextn_predict_layers": 0,
            "scoring_func": "sigmoid",
        },
        None,
    ),
    "qwen2": ("Qwen2Config", WIDE | rope(1000000.0) | {"sliding_window": None}, None),
    "qwen3": ("Qwen3Config", WIDE | rope(1000000.0) | {"head_dim": 32, "tie_word_embeddings": True}, None),
    "qwen3moe": (
        "Qwen3MoeConfig",
        WIDE
        | MOE
        | rope(1000000.0)
        | {"head_dim": 32, "num_experts": 4, "norm_topk_prob": True, "decoder_sparse_step": 1},
        None,
    ),
    "granite": (
        "GraniteConfig",
        WIDE
        | rope()
        | {
            "embedding_multiplier": 3.0,
            "attention_multiplier": 0.11,
            "residual_multiplier": 0.5,
            "logits_scaling": 0.7,
            "tie_word_embeddings": True,
        },
        None,
    ),
    "smollm3": (
        "SmolLM3Config",
        WIDE
        | rope(500000.0)
        | {"num_hidden_layers": 4, "no_rope_layer_interval": 4, "use_sliding_window": False},
        None,
    ),
    "lfm2": (
        "Lfm2Config",
        WIDE
        | rope(1000000.0)
        | {
            "num_hidden_layers": 3,
            "layer_types": ["conv", "full_attention", "conv"],
            "block_auto_adjust_ff_dim": False,
            "norm_eps": 0.02,
            "conv_L_cache": 3,
        },
        None,
    ),
    "t5": (
        "T5Config",
        {
            "vocab_size": VOCABULARY,
            "d_model": 64,
            "d_kv": 16,
            "d_ff": 96,
            "num_layers": 2,
            "num_decoder_layers": 2,
            "num_heads": 4,
            "feed_forward_proj": "gated-gelu",
            "tie_word_embeddings": False,
            "decoder_start_token_id": 0,
            "pad_token_id": 0,
            "eos_token_id": 2,
            "layer_norm_epsilon": 0.02,
            "relative_attention_num_buckets": 32,
            "relative_attention_max_distance": 128,
            "n_positions": 256,
        },
        None,
    ),
}


QUERY = "17"
DOCUMENTS = ["17", "4 2", "90 31 17", "8"]
# What the tests' vocabulary makes of digits and spaces: a token for each, and a space before the text.
SPACE = 3 + ord(" ")


def tokens(text: str) -> list[int]:
    return [SPACE] + [3 + ord(character) for character in text]


# Models that rank: a configuration and its fields, the class, and how the two texts are put together.
RANKERS: dict[str, tuple] = {
    "bge-reranker": (
        "XLMRobertaConfig",
        {
            "vocab_size": VOCABULARY,
            "hidden_size": 64,
            "intermediate_size": 96,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "max_position_embeddings": 130,
            "type_vocab_size": 1,
            "layer_norm_eps": 0.02,
            "num_labels": 1,
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 2,
        },
        "AutoModelForSequenceClassification",
        lambda query, document: [1, *tokens(query), 2, 2, *tokens(document), 2],
    ),
    "qwen3-reranker": (
        "Qwen3Config",
        WIDE | rope(1000000.0) | {"head_dim": 32},
        "AutoModelForCausalLM",
        lambda query, document: [1, *tokens(query), SPACE, 3 + ord("\n"), *tokens(document), 2],
    ),
}
# The rows of the tokens that say "yes" and "no".
YES, NO = 100, 101
RERANK_TEMPLATE = "<s>{query}\n{document}</s>"


def draw(name: str, count: int, scale: float, offset: float) -> np.ndarray:
    """`count` numbers around `offset`, at most `scale` away: splitmix64, begun with FNV-1a of the name."""
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = (state ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    step = np.uint64(0x9E3779B97F4A7C15)
    with np.errstate(over="ignore"):
        x = np.uint64(state) + step * np.arange(1, count + 1, dtype=np.uint64)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    unit = (x >> np.uint64(40)).astype(np.float32) / np.float32(1 << 23) - np.float32(1)
    return unit * np.float32(scale) + np.float32(offset)


def distribution(name: str, shape: tuple[int, ...], tied: bool, deep: bool) -> tuple[float, float]:
    """Scale and offset of a tensor's numbers: norms are around 1, and outputs about as large as inputs."""
    if name == "token_embd.weight" and tied:
        return 0.375, 0.0
    if name.endswith("norm.weight"):
        return 0.5, 1.0
    if name.endswith(".bias"):
        return 0.5, 0.0
    if name.startswith("token_embd") or "rel_b" in name or "shortconv.conv" in name:
        return 1.0, 0.0
    fan_in = shape[-1]
    # What many layers make of a rounding error grows with each.
    last = {"cls.output.weight": 12.0, "output.weight": 4.0}
    gain = last.get(name, 1.25 if deep else 2.5)
    return round(gain / fan_in**0.5 * 256) / 256, 0.0


def convert(folder: Path, out: Path) -> None:
    """llama.cpp's converter; the vocabulary is the tests' own."""
    import conversion
    import conversion.qwen
    import gguf

    hparams = conversion.ModelBase.load_hparams(folder, False)
    kind = conversion.get_model_class(conversion.get_model_architecture(hparams, conversion.ModelType.TEXT))
    # It has no vocabulary to look into here.
    conversion.qwen.Qwen3Model._find_rerank_config = lambda model: model.__dict__.update(
        is_rerank=True, token_true_id=YES, token_false_id=NO
    )
    model = kind(folder, gguf.LlamaFileType.ALL_F32, out, eager=True)
    model.set_vocab = lambda: None
    model.write()


def read_gguf(path: Path) -> tuple[dict, dict]:
    import gguf

    reader = gguf.GGUFReader(path)
    metadata = {}
    for key, field in reader.fields.items():
        if key.startswith(("GGUF.", "tokenizer.", "general.")) and key != "general.architecture":
            continue
        kinds = [kind.name.lower() for kind in field.types]
        metadata[key] = ["[" + kinds[1] + "]" if kinds[0] == "array" else kinds[0], field.contents()]
    tensors = {}
    for tensor in reader.tensors:
        assert tensor.tensor_type == gguf.GGMLQuantizationType.F32, (
            f"{tensor.name} is {tensor.tensor_type.name}"
        )
        tensors[tensor.name] = np.array(tensor.data, dtype=np.float32)
    return metadata, tensors


def numbered(weights: dict[str, np.ndarray], factor: int) -> dict[str, np.ndarray]:
    """The checkpoint with its numbers counted through, times `factor`."""
    start = 1
    out = {}
    for name, weight in weights.items():
        count = np.arange(start, start + weight.size, dtype=np.float32) * np.float32(factor)
        out[name] = count.reshape(weight.shape)
        start += weight.size
    assert start * factor < 1 << 24, "too many numbers for a float to count"
    return out


def recipe(folder: Path, weights: dict[str, np.ndarray]) -> tuple[dict, list, dict]:
    """Metadata, the tensors' recipes, and the checkpoint whose conversion has those recipes' numbers."""
    passes = []
    for factor in (1, 2):
        save_file(numbered(weights, factor), folder / "model.safetensors", metadata={"format": "pt"})
        convert(folder, folder / "model.gguf")
        passes.append(read_gguf(folder / "model.gguf"))
    (metadata, once), (_, twice) = passes
    flat = np.zeros(sum(weight.size for weight in weights.values()), dtype=np.float32)
    rows = []
    for name, first in once.items():
        places = (twice[name] - first).reshape(-1)
        shape = list(reversed(first.shape))
        if not places.any():
            rows.append({"name": name, "shape": shape, "values": [float(x) for x in first.reshape(-1)]})
            continue
        added = (2 * first - twice[name]).reshape(-1)
        index = places.astype(np.int64) - 1
        assert (index >= 0).all(), f"{name} is no rearrangement"
        assert (places == index + 1).all(), f"{name} is no rearrangement"
        scale, offset = distribution(name, first.shape, "output.weight" not in once, len(once) > 200)
        numbers = draw(name, first.size, scale, offset)
        flat[index] = numbers - added
        rows.append({"name": name, "shape": shape, "scale": scale, "offset": offset})
    start = 0
    drawn = {}
    for name, weight in weights.items():
        drawn[name] = flat[start : start + weight.size].reshape(weight.shape)
        start += weight.size
    return metadata, rows, drawn


def prompt_of(seed: int) -> list[int]:
    numbers = draw(f"prompt {seed}", PROMPT, 1.0, 0.0).astype(np.float64)
    return [int(SPECIAL + (x + 1) / 2 * (VOCABULARY - SPECIAL)) for x in numbers]


@torch.no_grad()
def steps_of(model, prompt: list[int]) -> list | None:
    """The greedy answer and the likeliest tokens at each step; nothing where two are too close to tell."""
    encoder_decoder = model.config.is_encoder_decoder
    answer: list[int] = [model.config.decoder_start_token_id] if encoder_decoder else []
    steps = []
    for _ in range(STEPS):
        if encoder_decoder:
            out = model(input_ids=torch.tensor([prompt]), decoder_input_ids=torch.tensor([answer]))
        else:
            out = model(input_ids=torch.tensor([prompt + answer]), use_cache=False)
        likely = torch.log_softmax(out.logits[0, -1].double(), -1)
        top = torch.topk(likely, TOP)
        ids, logprobs = top.indices.tolist(), top.values.tolist()
        if ids[0] < SPECIAL or logprobs[0] - logprobs[1] < MARGIN or logprobs[0] > -0.02:
            return None
        answer.append(ids[0])
        steps.append([[token, round(logprob, 6)] for token, logprob in zip(ids, logprobs, strict=False)])
    return steps


def generate(name: str) -> None:
    kind, fields, alias = MODELS[name]
    config = getattr(transformers, kind)(**copy.deepcopy(fields))
    auto = (
        transformers.AutoModelForSeq2SeqLM if config.is_encoder_decoder else transformers.AutoModelForCausalLM
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        auto.from_config(config, dtype=torch.float32).save_pretrained(folder)
        if alias:
            file = folder / "config.json"
            file.write_text(json.dumps(json.loads(file.read_text()) | {"architectures": [alias]}))
        # One converter counts the tokens of this file.
        vocabulary = {str(token): token for token in range(VOCABULARY)}
        (folder / "tokenizer.json").write_text(
            json.dumps({"model": {"vocab": vocabulary}, "added_tokens": []})
        )
        weights = load_file(folder / "model.safetensors")
        metadata, tensors, drawn = recipe(folder, weights)
        save_file(drawn, folder / "model.safetensors", metadata={"format": "pt"})
        eager = {"attn_implementation": "eager", "experts_implementation": "eager"}
        model = auto.from_pretrained(folder, dtype=torch.float32, **eager).double().eval()
        tries = ((seed, steps_of(model, prompt_of(seed))) for seed in range(400))
        seed, steps = next((seed, steps) for seed, steps in tries if steps)
    fixture = {
        "source": SOURCE,
        "metadata": metadata,
        "tensors": tensors,
        "prompt": prompt_of(seed),
        "steps": steps,
    }
    write(OUT / f"{name}.json", fixture)
    print(
        f"{name}: {len(tensors)} tensors, {sum(w.size for w in weights.values())} numbers, prompt {seed}",
        flush=True,
    )


@torch.no_grad()
def rank(name: str) -> None:
    kind, fields, auto, pair = RANKERS[name]
    config = getattr(transformers, kind)(**copy.deepcopy(fields))
    auto = getattr(transformers, auto)
    with tempfile.TemporaryDirectory(suffix=name) as temporary:
        folder = Path(temporary)
        auto.from_config(config, dtype=torch.float32).save_pretrained(folder)
        weights = load_file(folder / "model.safetensors")
        metadata, tensors, drawn = recipe(folder, weights)
        save_file(drawn, folder / "model.safetensors", metadata={"format": "pt"})
        model = auto.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").double().eval()
        scores = []
        for document in DOCUMENTS:
            logits = model(input_ids=torch.tensor([pair(QUERY, document)])).logits[0]
            logit = logits[-1, YES] - logits[-1, NO] if logits.dim() > 1 else logits[0]
            scores.append(round(torch.sigmoid(logit).item(), 6))
    architecture = metadata["general.architecture"][1]
    fixture = {
        "source": SOURCE,
        "metadata": metadata,
        "tensors": tensors,
        "query": QUERY,
        "documents": DOCUMENTS,
        "scores": scores,
        "rerank_template": RERANK_TEMPLATE if architecture == "qwen3" else None,
    }
    write(OUT.parent / "rerankers" / f"{name}.json", fixture)
    print(f"{name}: {len(tensors)} tensors, {scores}", flush=True)


def write(path: Path, fixture: dict) -> None:
    """JSON with a line for each entry of a list or map."""

    def lines(value: object, depth: int) -> str:
        flat = isinstance(value, list) and not any(isinstance(item, (dict, list)) for item in value)
        if depth == 0 or flat or not isinstance(value, (dict, list)):
            return json.dumps(value)
        gap = "\n" + " " * (3 - depth)
        if isinstance(value, dict):
            items = [f"{json.dumps(key)}: {lines(item, depth - 1)}" for key, item in value.items()]
            return "{" + ",".join(gap + item for item in items) + gap[:-1] + "}"
        return "[" + ",".join(gap + lines(item, depth - 1) for item in value) + gap[:-1] + "]"

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(lines(fixture, 2) + "\n")


def main() -> None:
    llama_cpp, *names = sys.argv[1:]
    sys.path[:0] = [llama_cpp, f"{llama_cpp}/gguf-py"]
    logging.disable(logging.WARNING)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    for name in names or [*MODELS, *RANKERS]:
        rank(name) if name in RANKERS else generate(name)


if __name__ == "__main__":
    main()
