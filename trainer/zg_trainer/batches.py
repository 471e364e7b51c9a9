"""Rows as tensors, and the model's loss on them."""

import inspect
from dataclasses import dataclass

import torch
from torch.nn import functional

from zg_trainer.encoding import Row
from zg_trainer.plan import Batch

IGNORED = -100


@dataclass(frozen=True)
class Tensors:
    tokens: torch.Tensor
    labels: torch.Tensor
    """For each place the token that follows it, or IGNORED: padding, questions, and what follows another sample."""
    positions: torch.Tensor

    def to(self, device: torch.device) -> "Tensors":
        return Tensors(self.tokens.to(device), self.labels.to(device), self.positions.to(device))


def collate(rows: list[Row], batch: Batch, padding: int) -> Tensors:
    """Padding is on the right and its labels are ignored: no token of a causal model can see what comes after it.

    Samples in one row are told apart by positions that start again at 0. transformers makes of these a mask by which
    each sample sees itself alone; without packing there is none to make.
    """
    width = max(sum(len(rows[i].tokens) for i in item) for item in batch)
    tokens, labels, positions = [], [], []
    for item in batch:
        joined = [token for i in item for token in rows[i].tokens]
        counted = [counts for i in item for counts in rows[i].counted]
        following = [t if c else IGNORED for t, c in zip(joined[1:], counted[1:], strict=True)]
        missing = width - len(joined)
        tokens.append(joined + [padding] * missing)
        labels.append(following + [IGNORED] * (missing + 1))
        places = [at for i in item for at in range(len(rows[i].tokens))]
        positions.append(places + list(range(places[-1] + 1, places[-1] + 1 + missing)))
    return Tensors(torch.tensor(tokens), torch.tensor(labels), torch.tensor(positions))


def counted_tokens(rows: list[Row], batches: list[Batch]) -> int:
    return sum(sum(rows[i].counted) for batch in batches for item in batch for i in item)


def tokens_of(rows: list[Row], batches: list[Batch]) -> int:
    return sum(len(rows[i].tokens) for batch in batches for item in batch for i in item)


def takes_places(model: torch.nn.Module) -> bool:
    """Whether the model can leave out the logits of places that do not count."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    return "logits_to_keep" in inspect.signature(base.forward).parameters


def loss_sum(model: torch.nn.Module, batch: Tensors, only_counted: bool) -> torch.Tensor:
    """The sum of the losses of the tokens that count."""
    labels, extra = batch.labels, {}
    if only_counted:
        places = (labels != IGNORED).any(dim=0).nonzero().squeeze(1)
        labels, extra = labels[:, places], {"logits_to_keep": places}
    output = model(input_ids=batch.tokens, position_ids=batch.positions, use_cache=False, **extra)
    return functional.cross_entropy(
        output.logits.flatten(0, 1).float(), labels.flatten(), ignore_index=IGNORED, reduction="sum"
    )
