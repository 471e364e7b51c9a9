"""Trains the demo model on generated conversations."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from zg_trainer.chat import encode_conversation
from zg_trainer.demo.dialogue import LONG, SHORT, Mix, conversations
from zg_trainer.progress import report

IGNORED = -100


@dataclass(frozen=True)
class Stage:
    steps: int
    rows: int
    row_length: int
    mix: Mix
    matrix_rate: float
    """Learning rate of the weight matrices, which Muon updates."""
    rate: float
    """Learning rate of the embedding and the norms, which AdamW updates."""


@dataclass(frozen=True)
class Options:
    seed: int = 7
    vocabulary: int = 1024
    context: int = 1024
    width: int = 192
    inner_width: int = 448
    layers: int = 4
    heads: int = 6
    threads: int = 2
    # First what to say, in short conversations; then to keep it up in long ones.
    stages: tuple[Stage, ...] = (
        Stage(steps=1800, rows=16, row_length=256, mix=SHORT, matrix_rate=0.02, rate=3e-3),
        Stage(steps=500, rows=8, row_length=512, mix=LONG, matrix_rate=0.008, rate=1.2e-3),
    )


def new_model(options: Options, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    torch.manual_seed(options.seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=options.width,
        intermediate_size=options.inner_width,
        num_hidden_layers=options.layers,
        num_attention_heads=options.heads,
        num_key_value_heads=options.heads,
        max_position_embeddings=options.context,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def train(options: Options, tokenizer: PreTrainedTokenizerFast) -> tuple[LlamaForCausalLM, float]:
    """The trained model, and its mean loss over the last twentieth of the last stage."""
    torch.set_num_threads(options.threads)
    model = new_model(options, tokenizer)
    loss = math.nan
    for number, stage in enumerate(options.stages):
        loss = train_stage(model, tokenizer, stage, options.seed + number)
    return model.eval(), loss


def train_stage(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, stage: Stage, seed: int) -> float:
    matrices = [p for p in model.model.layers.parameters() if p.ndim == 2]
    others = [p for p in model.parameters() if not any(p is matrix for matrix in matrices)]
    optimizers = (
        torch.optim.Muon(matrices, lr=stage.matrix_rate, weight_decay=0.01, adjust_lr_fn="original"),
        torch.optim.AdamW(others, lr=stage.rate, betas=(0.9, 0.95), weight_decay=0.0),
    )
    schedules = [torch.optim.lr_scheduler.LambdaLR(o, lambda step: _rate(step, stage.steps)) for o in optimizers]
    batches = _batches(stage, tokenizer, seed)
    losses: list[float] = []
    started = time.monotonic()
    for step in range(1, stage.steps + 1):
        loss = _loss(model, next(batches))
        loss.backward()
        for optimizer, schedule in zip(optimizers, schedules, strict=True):
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            schedule.step()
        losses.append(loss.item())
        if step % 20 == 0 or step == stage.steps:
            mean = sum(losses[-20:]) / len(losses[-20:])
            report("step", step=step, of=stage.steps, loss=round(mean, 4), seconds=round(time.monotonic() - started))
    last = losses[-max(1, stage.steps // 20) :]
    return sum(last) / len(last)


def _rate(step: int, steps: int) -> float:
    """Rises over 20 steps, then falls along a cosine to a fiftieth."""
    return min(1.0, (step + 1) / 20) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))


def _loss(model: LlamaForCausalLM, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
    tokens, labels, positions, mask = batch
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = model.model(input_ids=tokens, position_ids=positions, attention_mask=mask, use_cache=False)[0]
        counted = labels != IGNORED
        logits = model.lm_head(hidden[counted])
    return functional.cross_entropy(logits.float(), labels[counted])


def _batches(stage: Stage, tokenizer: PreTrainedTokenizerFast, seed: int) -> Iterator[tuple[torch.Tensor, ...]]:
    """Rows filled with whole conversations, each of which attends to itself only."""
    rows = _rows(stage, tokenizer, seed)
    while True:
        tokens, labels, positions, owners = (
            torch.tensor(part) for part in zip(*(next(rows) for _ in range(stage.rows)), strict=True)
        )
        causal = torch.ones(stage.row_length, stage.row_length, dtype=torch.bool).tril()
        same = owners[:, :, None] == owners[:, None, :]
        yield tokens, labels, positions, (same & causal)[:, None]


def _rows(stage: Stage, tokenizer: PreTrainedTokenizerFast, seed: int) -> Iterator[tuple[list[int], ...]]:
    length, padding = stage.row_length, tokenizer.pad_token_id
    tokens, labels, positions, owners = [], [], [], []
    for owner, messages in enumerate(conversations(seed, stage.mix), start=1):
        encoded, answers = encode_conversation(tokenizer, messages)
        encoded, answers = encoded[:length], answers[:length]
        if len(tokens) + len(encoded) > length:
            missing = length - len(tokens)
            yield (
                tokens + [padding] * missing,
                labels + [IGNORED] * missing,
                positions + [0] * missing,
                owners + [0] * missing,
            )
            tokens, labels, positions, owners = [], [], [], []
        tokens += encoded
        labels += [t if a else IGNORED for t, a in zip(encoded[1:], answers[1:], strict=True)] + [IGNORED]
        positions += range(len(encoded))
        owners += [owner] * len(encoded)
