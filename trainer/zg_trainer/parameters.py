"""The parameters of training: their ranges, and a message for each that is out of its range.

Two profiles. `network` is what the deployed network takes: exactly five keys, in its ranges. `wide` takes every
key below, in wider ranges, all of them optional.
"""

from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Literal

from zg_trainer.errors import BadInput

Profile = Literal["network", "wide"]
PROFILES: tuple[Profile, ...] = ("network", "wide")


def _number(default: float, low: float, high: float, about: str, network: tuple[float, float] | None = None):
    return field(default=default, metadata={"range": (low, high), "network": network, "about": about})


def _choice(default: str, options: tuple[str, ...], about: str):
    return field(default=default, metadata={"options": options, "about": about})


def _plain(default: object, about: str):
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True)
class Parameters:
    """Field names are keys of the job file; the first five are the deployed network's."""

    neftune_noise_alpha: float = _number(0, 0, 100, "noise on the embeddings (NEFTune); 0 is none", (0, 10))
    num_train_epochs: int = _number(1, 1, 1000, "passes over the dataset", (1, 10))
    per_device_train_batch_size: int = _number(1, 1, 1024, "rows per device and pass through the model", (1, 4))
    learning_rate: float = _number(2e-4, 1e-7, 0.1, "highest learning rate", (1e-5, 1e-3))
    max_steps: int = _number(-1, -1, 10**9, "stop after so many steps, -1: after the last epoch", (-1, 10**9))

    gradient_accumulation_steps: int = _number(1, 1, 1024, "passes through the model per step")
    sequence_length: int = _number(0, 0, 1 << 20, "longest row in tokens; 0: 512 or the model's context if shorter")
    too_long: str = _choice("truncate", ("truncate", "split", "drop", "fail"), "what happens to longer rows")
    packing: bool = _plain(False, "several samples in a row, none of which sees another")
    group_by_length: bool = _plain(True, "samples of similar length together: less padding")
    eval_share: float = _number(0, 0, 0.5, "share of the samples kept for evaluation")
    eval_steps: int = _number(0, 0, 10**9, "evaluate every so many steps, 0: after each epoch")
    optimizer: str = _choice("adamw", ("adamw", "muon"), "muon: for the layers' matrices, AdamW for the rest")
    matrix_learning_rate: float = _number(0.02, 1e-7, 1, "highest learning rate of Muon")
    lr_scheduler: str = _choice("linear", ("linear", "cosine", "constant"), "how the learning rate falls")
    warmup_ratio: float = _number(0.03, 0, 0.5, "share of the steps in which the learning rate rises")
    weight_decay: float = _number(0, 0, 1, "weight decay")
    max_grad_norm: float = _number(1, 0, 1000, "gradients are clipped to this norm; 0: not")
    lora_rank: int = _number(8, 1, 1024, "rank of the adapter")
    lora_alpha: float = _number(32, 0.01, 4096, "the adapter's scale is this over its rank")
    lora_dropout: float = _number(0.1, 0, 0.9, "dropout in the adapter")
    lora_targets: str = _plain("all-linear", "modules that get an adapter: all-linear, or names with commas between")
    precision: str = _choice("auto", ("auto", "fp32", "bf16"), "auto: bf16 on a GPU that has it")
    gradient_checkpointing: bool = _plain(False, "less memory, more time")
    log_steps: int = _number(0, 0, 10**6, "a progress line every so many steps; 0: about 200 in all")
    checkpoint_steps: int = _number(0, 0, 10**9, "a checkpoint every so many steps; 0: by time alone")


NETWORK_KEYS = tuple(f.name for f in fields(Parameters) if f.metadata.get("network"))


def parse_parameters(given: object, profile: Profile = "wide") -> Parameters:
    """Raises BadInput with one problem for each parameter that is unknown, missing, of a wrong type or out of range."""
    if not isinstance(given, dict):
        raise BadInput("parameters must be a JSON object")
    known = {f.name: f for f in fields(Parameters) if profile == "wide" or f.name in NETWORK_KEYS}
    problems = [f"{name} is not a parameter{_meant(name, known)}" for name in given if name not in known]
    if profile == "network":
        problems += [f"{name} is missing: the network takes exactly {_and(NETWORK_KEYS)}" for name in NETWORK_KEYS
                     if name not in given]  # fmt: skip
    problems += [problem for name, value in given.items() if name in known
                 for problem in _problems(known[name], value, profile)]  # fmt: skip
    if problems:
        raise BadInput("parameters are not valid: " + "; ".join(problems), problems)
    return Parameters(**given)


def table() -> list[dict[str, object]]:
    """Every parameter with its type, default and ranges, for a client that checks before it pays."""
    return [
        {
            "name": f.name,
            "type": f.type.__name__,
            "default": f.default,
            "about": f.metadata["about"],
            **{key: list(f.metadata[key]) for key in ("range", "network", "options") if f.metadata.get(key)},
        }
        for f in fields(Parameters)
    ]


def _problems(f, value: object, profile: Profile) -> list[str]:
    if not _is(value, f.type):
        return [f"{f.name} must be {_TYPES[f.type]}, not {type(value).__name__}"]
    if options := f.metadata.get("options"):
        return [] if value in options else [f"{f.name} must be one of {_and(options)}"]
    if f.name == "lora_targets":
        return [] if all(part.strip() for part in value.split(",")) else ["lora_targets must name at least one module"]
    if bounds := f.metadata.get("network" if profile == "network" else "range"):
        low, high = bounds
        if f.name == "max_steps" and value == 0:
            return ["max_steps must be -1 (all steps) or at least 1, not 0"]
        if not low <= value <= high:
            return [f"{f.name} must be from {low:g} to {high:g}, not {value:g}"]
        if f.name == "sequence_length" and 0 < value < 16:
            return [f"sequence_length must be 0 (automatic) or at least 16, not {value}"]
    return []


_TYPES = {int: "a whole number", float: "a number", bool: "true or false", str: "a string"}


def _is(value: object, kind: type) -> bool:
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def _meant(name: str, known: dict[str, object]) -> str:
    close = get_close_matches(name, known, 1)
    return f"; did you mean {close[0]}?" if close else ""


def _and(names: tuple[str, ...]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1]
