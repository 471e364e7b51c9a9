"""Checkpoints that are whole or not there: written beside, then renamed, so that kill -9 at any moment loses none."""

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from zg_trainer.errors import BadInput

Numbers = dict[str, float]


@dataclass
class State:
    """Where training stands. Randomness needs no place here: each step has its own seed."""

    fingerprint: str
    step: int = 0
    """Steps that are done."""
    seconds: float = 0
    tokens: int = 0
    curve: list[Numbers] = field(default_factory=list)


def save(
    folder: Path, state: State, model: torch.nn.Module, optimizers: list[torch.optim.Optimizer], keep: int = 1
) -> Path:
    """Writes a checkpoint and removes all but the last `keep`."""
    folder.mkdir(parents=True, exist_ok=True)
    target, partial = folder / f"step-{state.step:09d}", folder / f"step-{state.step:09d}.partial"
    if not target.exists():
        for cut_off in folder.glob("*.partial"):
            shutil.rmtree(cut_off)
        partial.mkdir()
        save_file(_trained(model), partial / "weights.safetensors")
        torch.save([optimizer.state_dict() for optimizer in optimizers], partial / "optimizers.pt")
        (partial / "state.json").write_text(json.dumps(asdict(state)), encoding="utf-8")
        rename_durably(partial, target)
    for old in _checkpoints(folder)[:-keep]:
        shutil.rmtree(old)
    return target


def restore(folder: Path, fingerprint: str, model: torch.nn.Module, optimizers: list[torch.optim.Optimizer]) -> State:
    """The state of the last checkpoint, with model and optimizers set to it; a new state where there is none."""
    found = _checkpoints(folder)
    if not found:
        return State(fingerprint)
    state = State(**json.loads((found[-1] / "state.json").read_text(encoding="utf-8")))
    if state.fingerprint != fingerprint:
        raise BadInput("the output folder holds checkpoints of another job: give another folder, or remove them")
    weights = load_file(found[-1] / "weights.safetensors")
    with torch.no_grad():
        for name, parameter in _trained(model).items():
            parameter.copy_(weights[name])
    saved = torch.load(found[-1] / "optimizers.pt", weights_only=True, map_location="cpu")
    for optimizer, its_state in zip(optimizers, saved, strict=True):
        optimizer.load_state_dict(its_state)
    return state


def rename_durably(source: Path, target: Path) -> None:
    """Renames a folder after all in it, and before its new name, is on the disk."""
    for path in (*source.rglob("*"), source):
        _sync(path)
    source.rename(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _trained(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: parameter.data for name, parameter in model.named_parameters() if parameter.requires_grad}


def _checkpoints(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("step-*") if path.suffix != ".partial") if folder.is_dir() else []
