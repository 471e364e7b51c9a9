"""The job file: what to train, on what, and how far."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from zg_trainer.errors import BadInput
from zg_trainer.parameters import PROFILES, Parameters, parse_parameters

Method = Literal["lora", "qlora", "full", "scratch"]
METHODS: tuple[Method, ...] = ("lora", "qlora", "full", "scratch")


@dataclass(frozen=True)
class DatasetOptions:
    file: Path
    format: str = "auto"
    """jsonl, csv, parquet, or auto: what the name ends with."""
    columns: dict[str, str] = field(default_factory=dict)
    """For CSV and Parquet: from a field (messages, instruction, input, output, text, system) to its column."""


@dataclass(frozen=True)
class Limits:
    seconds: float = 0
    """Longest time of training, all runs of the job together; 0: none."""
    examples: int = 0
    tokens: int = 0
    dataset_bytes: int = 0
    memory_bytes: int = 0
    """Most private memory of the process (Linux); 0: none."""
    threads: int = 0
    """CPU threads; 0: torch decides."""
    parameters: int = 0
    """Of a model from scratch, as transformers makes it; 0: any number."""
    checkpoint_seconds: float = 300
    """Longest time between two checkpoints."""


@dataclass(frozen=True)
class Scratch:
    config: dict[str, Any]
    """A transformers configuration: model_type and its sizes."""
    vocabulary: int = 1024
    """Tokens in the vocabulary that is learned from the dataset."""


@dataclass(frozen=True)
class Export:
    gguf: bool = False
    llama_cpp: Path | None = None
    """llama.cpp's source: the git bundle inside node-llama-cpp, or a folder with its converters."""
    cache: Path | None = None
    """Where a bundle is unpacked; the output folder when absent."""
    zip: bool = False
    """Also all files of the artifact in one, artifact.zip beside it."""


@dataclass(frozen=True)
class Job:
    method: Method
    dataset: DatasetOptions
    model: Path | None = None
    """Folder of the base model, for every method but scratch."""
    model_name: str = ""
    """How the model card and the adapter name the base model; the folder's name when absent."""
    scratch: Scratch | None = None
    chat_template: str = ""
    """`chatml` or a Jinja template, in place of the model's own."""
    parameters: Parameters = field(default_factory=Parameters)
    seed: int = 7
    devices: int = 0
    """GPUs, or processes on a CPU; 0: all GPUs, or one process."""
    limits: Limits = Limits()
    export: Export = Export()

    @property
    def base_name(self) -> str:
        return self.model_name or (self.model.name if self.model else "from scratch")


# Keys of the job file, and the field names they stand for.
_KEYS = {
    "": {
        "method": "method", "dataset": "dataset", "model": "model", "modelName": "model_name", "scratch": "scratch",
        "chatTemplate": "chat_template", "parameters": "parameters", "profile": "profile", "seed": "seed",
        "devices": "devices", "limits": "limits", "export": "export",
    },
    "dataset": {"file": "file", "format": "format", "columns": "columns"},
    "limits": {
        "seconds": "seconds", "examples": "examples", "tokens": "tokens", "datasetBytes": "dataset_bytes",
        "memoryBytes": "memory_bytes", "threads": "threads", "checkpointSeconds": "checkpoint_seconds",
        "parameters": "parameters",
    },
    "scratch": {"config": "config", "vocabulary": "vocabulary"},
    "export": {"gguf": "gguf", "llamaCpp": "llama_cpp", "cache": "cache", "zip": "zip"},
}  # fmt: skip
_FIELDS = ("messages", "instruction", "input", "output", "text", "system")


def load_job(file: Path) -> Job:
    """Reads and checks a job file; paths in it are relative to it."""
    try:
        given = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"the job file cannot be read: {error}") from error
    return parse_job(given, file.resolve().parent)


def parse_job(given: object, folder: Path) -> Job:
    top = _section(given, "")
    method = _one_of(top, "method", METHODS)
    profile = _one_of({"profile": "wide", **top}, "profile", PROFILES)
    parameters = parse_parameters(top.get("parameters", {}), profile)
    dataset = _dataset(_section(top.get("dataset"), "dataset"), folder)
    model = _path(top, "model", folder)
    scratch = _scratch(top) if method == "scratch" else None
    if (model is None) != (method == "scratch"):
        raise BadInput("a job names a model, or with the method scratch a scratch configuration, never both")
    if model and not (model / "config.json").is_file():
        raise BadInput("the model's folder has no config.json")
    return Job(
        method=method,
        dataset=dataset,
        model=model,
        model_name=_typed(top, "model_name", str, ""),
        scratch=scratch,
        chat_template=_typed(top, "chat_template", str, ""),
        parameters=parameters,
        seed=_whole(top, "seed", 7, high=2**32 - 1),
        devices=_whole(top, "devices", 0, high=1024),
        limits=_limits(_section(top.get("limits", {}), "limits")),
        export=_export(_section(top.get("export", {}), "export"), folder),
    )


def fingerprint(job: Job, dataset_sha256: str, world: int) -> str:
    """The same for two runs exactly when a checkpoint of one may be continued by the other."""
    parameters = {k: v for k, v in asdict(job.parameters).items() if k not in ("log_steps", "checkpoint_steps")}
    model = (
        sorted((f.name, f.stat().st_size) for f in job.model.glob("*.safetensors")) + [_sha256(job.model / name)
        for name in ("config.json", "tokenizer.json") if (job.model / name).is_file()] if job.model else []
    )  # fmt: skip
    identity = [dataset_sha256, job.method, parameters, job.seed, world, model, job.chat_template]
    identity += [job.dataset.columns, asdict(job.scratch) if job.scratch else None]
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _dataset(given: dict[str, Any], folder: Path) -> DatasetOptions:
    file = _path(given, "file", folder)
    if file is None or not file.is_file():
        raise BadInput("the dataset's file does not exist")
    columns = _typed(given, "columns", dict, {})
    if unknown := [name for name in columns if name not in _FIELDS]:
        raise BadInput(f"dataset.columns has the unknown field {unknown[0]}; fields are {', '.join(_FIELDS)}")
    if not all(isinstance(column, str) for column in columns.values()):
        raise BadInput("dataset.columns must map each field to a column's name")
    return DatasetOptions(file, _one_of({"format": "auto", **given}, "format", ("auto", *FORMATS)), columns)


FORMATS = ("jsonl", "csv", "parquet")


def _scratch(top: dict[str, Any]) -> Scratch:
    given = _section(top.get("scratch"), "scratch")
    config = _typed(given, "config", dict, {})
    if not isinstance(config.get("model_type"), str):
        raise BadInput("scratch.config must name its model_type, such as llama")
    return Scratch(config, _whole(given, "vocabulary", 1024, low=260, high=1 << 20))


def _limits(given: dict[str, Any]) -> Limits:
    seconds = {name: _typed(given, name, float, getattr(Limits, name)) for name in ("seconds", "checkpoint_seconds")}
    if any(value < 0 for value in seconds.values()):
        raise BadInput("a limit cannot be less than 0")
    counts = ("examples", "tokens", "dataset_bytes", "memory_bytes", "threads", "parameters")
    return Limits(**seconds, **{name: _whole(given, name, 0) for name in counts})


def _export(given: dict[str, Any], folder: Path) -> Export:
    gguf = _typed(given, "gguf", bool, False)
    source = _path(given, "llama_cpp", folder)
    if gguf and (source is None or not source.exists()):
        raise BadInput("export.gguf needs export.llamaCpp: the git bundle of node-llama-cpp, or llama.cpp's folder")
    return Export(gguf, source, _path(given, "cache", folder), _typed(given, "zip", bool, False))


def _section(given: object, name: str) -> dict[str, Any]:
    """The section with field names for keys; an unknown key is an error."""
    where = f"the job's {name}" if name else "the job"
    if not isinstance(given, dict):
        raise BadInput(f"{where} must be a JSON object")
    if unknown := [key for key in given if key not in _KEYS[name]]:
        raise BadInput(f"{where} has the unknown key {unknown[0]}; keys are {', '.join(_KEYS[name])}")
    return {_KEYS[name][key]: value for key, value in given.items()}


def _one_of(given: dict[str, Any], name: str, options: tuple[str, ...]) -> Any:
    if given.get(name) not in options:
        raise BadInput(f"{name} must be one of {', '.join(options)}")
    return given[name]


def _path(given: dict[str, Any], name: str, folder: Path) -> Path | None:
    value = given.get(name)
    if value is not None and not (isinstance(value, str) and value):
        raise BadInput(f"{name} must be a path")
    return folder / value if value else None


def _typed(given: dict[str, Any], name: str, kind: type, default: Any) -> Any:
    value = given.get(name, default)
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise BadInput(f"{name} must be a {kind.__name__}")
    return value


def _whole(given: dict[str, Any], name: str, default: int, low: int = 0, high: int = 2**63) -> int:
    value = _typed(given, name, int, default)
    if not low <= value <= high:
        raise BadInput(f"{name} must be from {low} to {high}, not {value}")
    return value
