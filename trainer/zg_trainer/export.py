"""The artifact: an adapter or a model that others can load, its model card, and both as GGUF when asked for."""

import json
import shutil
import zipfile
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from zg_trainer.card import Facts, write_card
from zg_trainer.checkpoint import State, rename_durably
from zg_trainer.gguf_files import write_gguf
from zg_trainer.job import Job
from zg_trainer.model import config_of, precision_of

ADAPTER_GGUF = "adapter.gguf"
MODEL_GGUF = "model.gguf"
ARTIFACT_ZIP = "artifact.zip"


def export(
    job: Job, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, state: State, facts: Facts, output: Path
) -> list[str]:
    """Writes OUTPUT/artifact, all of it or nothing, and returns the names of its files."""
    target, partial = output / "artifact", output / "artifact.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    adapter = job.method in ("lora", "qlora")
    if adapter:
        model.save_pretrained(partial, safe_serialization=True, save_embedding_layers=False)
    else:
        _save_model(job, model, partial)
    tokenizer.save_pretrained(partial, save_jinja_files=False)
    name_tokenizer_class(partial / "tokenizer_config.json")
    if job.export.gguf:
        write_gguf(job, partial, partial / (ADAPTER_GGUF if adapter else MODEL_GGUF), output)
    write_card(partial, job, facts, state)
    for file in partial.iterdir():
        file.chmod(0o644)
    rename_durably(partial, target)
    return sorted(file.name for file in target.iterdir())


def write_zip(folder: Path, file: Path) -> None:
    """The folder's files in one, uncompressed: weights are as small as they get. The same files give the same bytes."""
    partial = file.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.iterdir()):
            entry = zipfile.ZipInfo(path.name)
            entry.external_attr = 0o644 << 16
            with (
                path.open("rb") as source,
                archive.open(entry, "w", force_zip64=path.stat().st_size >> 31 > 0) as target,
            ):
                shutil.copyfileobj(source, target, 1 << 20)
    partial.replace(file)


def _save_model(job: Job, model: PreTrainedModel, folder: Path) -> None:
    """In 16 bits: those of the base model, or for a new model float16, which every CPU and GPU reads."""
    base = getattr(config_of(job), "dtype", None)
    dtype = base if base in (torch.float16, torch.bfloat16) else None
    dtype = dtype or (torch.bfloat16 if precision_of(job.parameters).bf16 else torch.float16)
    model = model.to(dtype)
    model.config.use_cache = True
    if job.scratch:
        model.generation_config.do_sample = False
    model.save_pretrained(folder, safe_serialization=True)


def name_tokenizer_class(file: Path) -> None:
    """The name that transformers 4, and the servers built on it, know as well as transformers 5."""
    settings = json.loads(file.read_text())
    if settings.get("tokenizer_class") == "TokenizersBackend":
        settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    settings.pop("backend", None)
    file.write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n")
