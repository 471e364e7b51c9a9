"""Optimizers and the learning rate, which is a function of the step alone."""

import math

import torch

from zg_trainer.parameters import Parameters


def make_optimizers(model: torch.nn.Module, parameters: Parameters) -> list[torch.optim.Optimizer]:
    """AdamW for everything that is trained; with `muon`, Muon for the matrices between embedding and output."""
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    matrices: list[torch.nn.Parameter] = []
    if parameters.optimizer == "muon":
        ends = {id(p) for end in _ends(model) for p in end.parameters()}
        matrices = [p for p in trained.values() if p.ndim == 2 and id(p) not in ends]
    of_muon = {id(p) for p in matrices}
    others = [p for p in trained.values() if id(p) not in of_muon]
    decayed = [p for p in others if p.ndim > 1]
    plain = [p for p in others if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": parameters.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(
            [group for group in groups if group["params"]],
            lr=parameters.learning_rate,
            betas=(0.9, 0.95 if parameters.optimizer == "muon" else 0.999),
            fused=True,
        )
    ]
    if matrices:
        rate, decay = parameters.matrix_learning_rate, parameters.weight_decay
        optimizers.append(torch.optim.Muon(matrices, lr=rate, weight_decay=decay, adjust_lr_fn="original"))
    return optimizers


def _ends(model: torch.nn.Module) -> list[torch.nn.Module]:
    return [end for end in (model.get_input_embeddings(), model.get_output_embeddings()) if end is not None]


def set_rates(optimizers: list[torch.optim.Optimizer], parameters: Parameters, step: int, steps: int) -> float:
    """Sets the learning rate of the step, from 0; AdamW's is returned."""
    factor = rate_factor(parameters, step, steps)
    for optimizer, highest in zip(
        optimizers, (parameters.learning_rate, parameters.matrix_learning_rate), strict=False
    ):
        for group in optimizer.param_groups:
            group["lr"] = highest * factor
    return parameters.learning_rate * factor


def rate_factor(parameters: Parameters, step: int, steps: int) -> float:
    """Rises over the warm-up, then falls towards 0, which the step after the last would have."""
    warmup = round(steps * parameters.warmup_ratio)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    done = (step - warmup) / max(1, steps - warmup)
    return {"constant": 1.0, "linear": 1 - done, "cosine": 0.5 * (1 + math.cos(math.pi * done))}[
        parameters.lr_scheduler
    ]
