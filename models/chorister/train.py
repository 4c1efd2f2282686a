"""Trains the model on build/corpus-*.npz and leaves build/model.pt.

    python train.py --minutes 75

Each step draws random documents and sorts them by length into a few micro-batches, so that every document
starts at position 0, as it does at inference, attention never crosses documents and little is padding.
Matrices are trained by Muon, the rest by AdamW; the learning rate follows the clock, so that the run ends
when it has to.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.multiprocessing as mp
from torch import Tensor, nn
from torch.nn import functional as F

HERE = Path(__file__).parent


@dataclass
class Config:
    vocabulary: int = 2048
    width: int = 160
    layers: int = 6
    heads: int = 4
    kv_heads: int = 2
    hidden: int = 448
    context: int = 1024
    rope_base: float = 10_000.0
    epsilon: float = 1e-5

    @property
    def head_width(self) -> int:
        return self.width // self.heads


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """RoPE on neighbouring pairs, as the `llama` architecture of GGUF stores it."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


class Attention(nn.Module):
    def __init__(self, c: Config) -> None:
        super().__init__()
        self.c = c
        self.q = nn.Linear(c.width, c.heads * c.head_width, bias=False)
        self.k = nn.Linear(c.width, c.kv_heads * c.head_width, bias=False)
        self.v = nn.Linear(c.width, c.kv_heads * c.head_width, bias=False)
        self.o = nn.Linear(c.heads * c.head_width, c.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, cache: list[Tensor] | None = None) -> Tensor:
        batch, length, _ = x.shape
        c = self.c
        q = rotate(self.q(x).view(batch, length, c.heads, c.head_width).transpose(1, 2), cos, sin)
        k = rotate(self.k(x).view(batch, length, c.kv_heads, c.head_width).transpose(1, 2), cos, sin)
        v = self.v(x).view(batch, length, c.kv_heads, c.head_width).transpose(1, 2)
        if cache is not None:
            if cache:
                k, v = torch.cat((cache[0], k), 2), torch.cat((cache[1], v), 2)
            cache[:] = k, v
        repeat = c.heads // c.kv_heads
        k, v = k.repeat_interleave(repeat, 1), v.repeat_interleave(repeat, 1)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=length > 1)
        return self.o(y.transpose(1, 2).reshape(batch, length, -1))


class Block(nn.Module):
    def __init__(self, c: Config) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(c.width, eps=c.epsilon)
        self.attention = Attention(c)
        self.mlp_norm = nn.RMSNorm(c.width, eps=c.epsilon)
        self.gate = nn.Linear(c.width, c.hidden, bias=False)
        self.up = nn.Linear(c.width, c.hidden, bias=False)
        self.down = nn.Linear(c.hidden, c.width, bias=False)

    def forward(
        self,
        x: Tensor,
        cos: Tensor,
        sin: Tensor,
        cache: list[Tensor] | None = None,
        kept: Tensor | None = None,
    ) -> Tensor:
        x = x + self.attention(self.attention_norm(x), cos, sin, cache)
        if kept is not None:
            x = x[kept]
        y = self.mlp_norm(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Model(nn.Module):
    def __init__(self, c: Config) -> None:
        super().__init__()
        self.c = c
        self.embedding = nn.Embedding(c.vocabulary, c.width)
        self.blocks = nn.ModuleList(Block(c) for _ in range(c.layers))
        self.norm = nn.RMSNorm(c.width, eps=c.epsilon)
        frequencies = c.rope_base ** (-torch.arange(0, c.head_width, 2).float() / c.head_width)
        angles = torch.outer(torch.arange(c.context).float(), frequencies)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        for name, p in self.named_parameters():
            if p.ndim == 2:
                scale = 1 / math.sqrt(2 * c.layers) if name.endswith(("o.weight", "down.weight")) else 1.0
                nn.init.normal_(p, std=0.02 if "embedding" in name else scale / math.sqrt(p.shape[1]))

    def new_caches(self) -> list[list[Tensor]]:
        return [[] for _ in self.blocks]

    def step(self, tokens: Tensor, caches: list[list[Tensor]], at: int) -> Tensor:
        """Logits after the last token, for decoding; the caches hold earlier keys and values."""
        cos, sin = self.cos[at : at + tokens.shape[1]], self.sin[at : at + tokens.shape[1]]
        x = self.embedding(tokens)
        for block, cache in zip(self.blocks, caches, strict=True):
            x = block(x, cos, sin, cache)
        return F.linear(self.norm(x[:, -1]), self.embedding.weight)

    def loss(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Summed loss where the target is not -1; the last MLP and the head are computed only there."""
        counted = targets >= 0
        cos, sin = self.cos[: tokens.shape[1]], self.sin[: tokens.shape[1]]
        x = self.embedding(tokens)
        for block in self.blocks[:-1]:
            x = block(x, cos, sin)
        x = self.norm(self.blocks[-1](x, cos, sin, kept=counted))
        return F.cross_entropy(F.linear(x, self.embedding.weight), targets[counted], reduction="sum")


def orthogonal(g: Tensor) -> Tensor:
    """Newton-Schulz iteration of Muon: the nearest matrix with singular values near one."""
    x = g.T if g.shape[0] > g.shape[1] else g
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.T if g.shape[0] > g.shape[1] else x


class Muon(torch.optim.Optimizer):
    def __init__(
        self, params: list[Tensor], lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                buffer = self.state[p].setdefault("momentum", torch.zeros_like(p))
                buffer.lerp_(p.grad, 1 - group["momentum"])
                update = orthogonal(p.grad.lerp(buffer, group["momentum"]))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update, alpha=-group["lr"] * max(1.0, p.shape[0] / p.shape[1]) ** 0.5)


class Corpus:
    """The newest `corpus-*.npz` of the folder; a longer run may be given fresh ones on its way."""

    def __init__(self, build: Path, seed: int) -> None:
        self.build, self.random = build, np.random.default_rng(seed)
        self.loaded = 0
        self.load(self.available())

    def available(self) -> int:
        return len(list(self.build.glob("corpus-*.npz")))

    def load(self, count: int) -> None:
        if count == self.loaded:
            return
        self.loaded = count
        data = np.load(sorted(self.build.glob("corpus-*.npz"))[count - 1])
        self.tokens, self.mask, self.starts = data["tokens"], data["mask"], data["starts"]
        self.lengths = np.diff(self.starts)
        self.order, self.at, self.epochs = self.random.permutation(len(self.lengths)), 0, 0

    def draw(self, budget: int) -> np.ndarray:
        """The next documents of the shuffled corpus, together about `budget` tokens."""
        if self.at >= len(self.order) - 2000:
            self.order, self.at, self.epochs = self.random.permutation(len(self.lengths)), 0, self.epochs + 1
        total = np.cumsum(self.lengths[self.order[self.at : self.at + 2000]])
        count = max(1, int(np.searchsorted(total, budget)))
        self.at += count
        return self.order[self.at - count : self.at]

    def micro_batches(self, budget: int, size: int) -> list[tuple[Tensor, Tensor]]:
        """Documents sorted by length and cut so that padding stays small; the last token is a target only."""
        chosen = self.draw(budget)
        chosen = chosen[np.argsort(self.lengths[chosen])]
        batches, group = [], []
        for document in chosen:
            length = self.lengths[document]
            shortest = self.lengths[group[0]] if group else length
            if group and ((len(group) + 1) * length > size or length > 1.2 * shortest + 6):
                batches.append(self._pad(group))
                group = []
            group.append(document)
        return [*batches, self._pad(group)]

    def _pad(self, group: list[int]) -> tuple[Tensor, Tensor]:
        width = int(max(self.lengths[d] for d in group)) - 1
        tokens = np.zeros((len(group), width), np.int64)
        targets = np.full((len(group), width), -1, np.int64)
        for row, d in enumerate(group):
            start, end = self.starts[d], self.starts[d + 1]
            ids = self.tokens[start:end].astype(np.int64)
            tokens[row, : len(ids) - 1] = ids[:-1]
            targets[row, : len(ids) - 1] = np.where(self.mask[start + 1 : end], ids[1:], -1)
        return torch.from_numpy(tokens), torch.from_numpy(targets)


def schedule(progress: float) -> float:
    """Short warm-up, a plateau, and a linear way down over the last 60 %."""
    return min(1.0, progress / 0.01, max(0.0, (1 - progress) / 0.6))


class Shared:
    """What the processes of a run share: one gradient each, the micro-batch counter and the clock.

    Each process computes on one thread. Threads of one process would wait for each other after every
    operation, which is slow on cores that others use too; processes take micro-batches as they get free.
    """

    def __init__(self, model: nn.Module, processes: int) -> None:
        self.processes = processes
        self.gradients = torch.zeros(processes, sum(p.numel() for p in model.parameters())).share_memory_()
        context = mp.get_context("spawn")
        self.next_batch = context.Value("i", 0)
        self.progress = context.Value("d", 0.0)
        self.loss = context.Value("d", 0.0)
        self.corpora = context.Value("i", 1)
        self.barrier = context.Barrier(processes)

    def claim(self) -> int:
        with self.next_batch.get_lock():
            self.next_batch.value += 1
            return self.next_batch.value - 1


def my_share(
    model: Model, rank: int, processes: int, args: argparse.Namespace
) -> list[tuple[torch.optim.Optimizer, float]]:
    """Each process updates its part of the parameters."""
    matrices = [p for p in model.blocks.parameters() if p.ndim == 2]
    others = [p for p in model.parameters() if not any(p is m for m in matrices)]
    return [
        (Muon(matrices[rank::processes], args.muon_lr, weight_decay=0.1), args.muon_lr),
        (
            torch.optim.AdamW(others[rank::processes], args.adam_lr, betas=(0.9, 0.98), weight_decay=0.01),
            args.adam_lr,
        ),
    ]


def train(rank: int, model: Model, shared: Shared, args: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    corpus = Corpus(args.build, args.seed)
    optimizers = my_share(model, rank, shared.processes, args)
    at = 0
    for p in model.parameters():
        p.grad = shared.gradients[rank, at : at + p.numel()].view_as(p)
        at += p.numel()
    own, total = shared.gradients[rank], shared.gradients[0]
    begin, saved, step, seen, recent = time.time(), time.time(), 0, 0, []
    while shared.progress.value < 1:
        batches = corpus.micro_batches(args.batch, args.micro)
        counted = sum(int((targets >= 0).sum()) for _, targets in batches)
        seen += sum(tokens.numel() for tokens, _ in batches)
        while (claimed := shared.claim()) < len(batches):
            # The longest first, so that nobody waits for them at the end.
            loss = model.loss(*batches[-1 - claimed]) / counted
            loss.backward()
            with shared.loss.get_lock():
                shared.loss.value += loss.item()
        shared.barrier.wait()
        if rank == 0:
            total += shared.gradients[1:].sum(0)
            total *= min(1.0, 1.0 / (float(total.norm()) + 1e-6))
            recent.append(shared.loss.value)
            shared.next_batch.value, shared.loss.value = 0, 0.0
            shared.corpora.value = corpus.available()
            shared.progress.value = (time.time() - begin) / (60 * args.minutes)
        shared.barrier.wait()
        rate = schedule(shared.progress.value)
        step_from(total, model, optimizers, rate)
        shared.barrier.wait()
        own.zero_()
        corpus.load(shared.corpora.value)
        step += 1
        shared.barrier.wait()
        if rank == 0 and step % 50 == 0:
            elapsed = time.time() - begin
            print(
                f"step {step} epoch {corpus.epochs} loss {sum(recent) / len(recent):.4f} "
                f"minutes {elapsed / 60:.1f} "
                f"tokens {seen} tokens/s {seen / elapsed:.0f}",
                flush=True,
            )
            recent = []
        if rank == 0 and time.time() - saved > 240:
            save(args, model, {"steps": step, "tokens": seen})
            saved = time.time()
    if rank == 0:
        report = {
            "steps": step,
            "tokens": seen,
            "epochs": corpus.epochs,
            "minutes": round((time.time() - begin) / 60, 1),
        }
        save(args, model, report)
        print(json.dumps(report), flush=True)


def step_from(
    total: Tensor, model: Model, optimizers: list[tuple[torch.optim.Optimizer, float]], rate: float
) -> None:
    """Steps this process's optimizers on the summed gradient."""
    grads, at = {}, 0
    for p in model.parameters():
        grads[p], at = total[at : at + p.numel()].view_as(p), at + p.numel()
    for optimizer, base in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = base * rate
            kept = [p.grad for p in group["params"]]
            for p in group["params"]:
                p.grad = grads[p]
        optimizer.step()
        for p, own in zip(optimizer.param_groups[0]["params"], kept, strict=True):
            p.grad = own


def save(args: argparse.Namespace, model: Model, report: dict) -> None:
    path = args.build / f"{args.name}.pt"
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    torch.save({"config": asdict(model.c), "model": state, "report": report}, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=HERE / "build")
    parser.add_argument("--name", default="model")
    parser.add_argument("--minutes", type=float, default=75)
    parser.add_argument("--batch", type=int, default=8192, help="tokens a step")
    parser.add_argument("--micro", type=int, default=1536, help="tokens a micro-batch, with padding")
    parser.add_argument("--muon-lr", type=float, default=0.02)
    parser.add_argument("--adam-lr", type=float, default=4e-3)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", help="name of a checkpoint to go on from")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    model = Model(Config())
    if args.resume:
        model.load_state_dict(torch.load(args.build / f"{args.resume}.pt")["model"])
    model.share_memory()
    print(
        json.dumps({"parameters": sum(p.numel() for p in model.parameters()), **asdict(model.c)}), flush=True
    )
    shared = Shared(model, args.processes)
    mp.spawn(train, (model, shared, args), nprocs=args.processes)


if __name__ == "__main__":
    main()
