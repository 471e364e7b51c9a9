"""Runs a job from its file to its artifact."""

import gc
import os
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from accelerate import Accelerator
from transformers import PreTrainedTokenizerFast

from zg_trainer import checkpoint
from zg_trainer.card import Facts
from zg_trainer.dataset import Sample, read_dataset, sha256_of
from zg_trainer.encoding import Encoded, encode
from zg_trainer.errors import BadInput
from zg_trainer.export import ARTIFACT_ZIP, export, write_zip
from zg_trainer.gguf_files import unpack
from zg_trainer.job import Job, fingerprint
from zg_trainer.model import check_method, load_model, load_tokenizer, precision_of, row_length
from zg_trainer.plan import Plan, split_for_evaluation
from zg_trainer.progress import report, silence
from zg_trainer.training import Trainer


@dataclass(frozen=True)
class Prepared:
    """A job's dataset as tokens; training and counting share it."""

    samples: list[Sample]
    tokenizer: PreTrainedTokenizerFast
    encoded: Encoded
    length: int
    sha256: str


def prepare(job: Job) -> Prepared:
    check_method(job)
    length = row_length(job)
    samples = read_dataset(job.dataset, job.limits.examples, job.limits.dataset_bytes)
    tokenizer = load_tokenizer(job, samples)
    encoded = encode(samples, tokenizer, length, job.parameters.too_long)
    if 0 < job.limits.tokens < encoded.tokens:
        raise BadInput(f"the dataset has {encoded.tokens} tokens; the limit is {job.limits.tokens}")
    return Prepared(samples, tokenizer, encoded, length, sha256_of(job.dataset.file))


def count(job: Job) -> dict[str, object]:
    """The dataset's tokens, exactly as training takes them: one pass trains on `tokens`, evaluation's included."""
    ready = prepare(job)
    longest = max(len(row.tokens) for row in ready.encoded.rows)
    return {
        "examples": len(ready.samples),
        "tokens": ready.encoded.tokens,
        "answerTokens": ready.encoded.answer_tokens,
        "longest": longest,
        "sequenceLength": ready.length,
        "truncated": ready.encoded.truncated,
        "dropped": ready.encoded.dropped,
        "datasetSha256": ready.sha256,
    }


def run(job: Job, output: Path) -> None:
    """Trains, or goes on from the last checkpoint in `output`, and writes OUTPUT/artifact."""
    began = time.monotonic()
    if job.limits.threads:
        torch.set_num_threads(job.limits.threads)
    if job.export.gguf:
        unpack(job.export.llama_cpp, job.export.cache or output / "cache")
    ready = prepare(job)
    on_cpu = not torch.cuda.is_available()
    accelerator = Accelerator(cpu=on_cpu, mixed_precision="bf16" if precision_of(job.parameters).bf16 else "no")
    if not accelerator.is_main_process:
        silence()
    identity = fingerprint(job, ready.sha256, accelerator.num_processes)
    done = _Done(output / "done", identity)
    if done.exists():
        report("done", again=True, artifact="artifact", files=sorted(f.name for f in (output / "artifact").iterdir()))
        return
    trainer, facts = _trainer(job, ready, accelerator, output, identity)
    report("started", **_started(job, ready, trainer, facts))
    state = trainer.run()
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        report("exporting", step=state.step, steps=trainer.plan.steps)
        shutil.rmtree(output / "artifact", ignore_errors=True)
        files = export(job, trainer.model, ready.tokenizer, state, facts, output)
        if job.export.zip:
            write_zip(output / "artifact", output / ARTIFACT_ZIP)
        done.write()
        shutil.rmtree(output / "checkpoints", ignore_errors=True)
        report("done", artifact="artifact", files=files, **_finished(state, began))
    accelerator.wait_for_everyone()
    accelerator.end_training()
    del trainer
    gc.collect()


def _trainer(job: Job, ready: Prepared, accelerator: Accelerator, output: Path, identity: str) -> tuple[Trainer, Facts]:
    rows = ready.encoded.rows
    train, evaluation = split_for_evaluation(len(ready.samples), job.parameters.eval_share, job.seed)
    kept = set(evaluation)
    train_rows = [row for row, owner in zip(rows, ready.encoded.owners, strict=True) if owner not in kept]
    eval_rows = [row for row, owner in zip(rows, ready.encoded.owners, strict=True) if owner in kept]
    if not train_rows:
        raise BadInput("no example is left to train on")
    lengths = [len(row.tokens) for row in train_rows]
    plan = Plan(lengths, ready.length, job.parameters, job.seed, accelerator.num_processes)
    model = load_model(job, ready.tokenizer, accelerator.device)
    facts = Facts(
        dataset_sha256=ready.sha256,
        examples=len(train),
        eval_examples=len(evaluation),
        tokens=ready.encoded.tokens,
        answer_tokens=ready.encoded.answer_tokens,
        sequence_length=ready.length,
        trained_parameters=sum(p.numel() for p in model.parameters() if p.requires_grad),
        all_parameters=sum(p.numel() for p in model.parameters()),
        device=_device(accelerator),
        precision="bf16" if precision_of(job.parameters).bf16 else "fp32",
    )
    trainer = Trainer(
        job=job,
        accelerator=accelerator,
        model=model,
        padding=ready.tokenizer.pad_token_id,
        rows=train_rows,
        evaluation=eval_rows,
        plan=plan,
        folder=output / "checkpoints",
        fingerprint=identity,
    )
    return trainer, facts


def _device(accelerator: Accelerator) -> str:
    count = accelerator.num_processes
    if accelerator.device.type == "cuda":
        return f"{count} x {torch.cuda.get_device_name()}"
    return f"{torch.get_num_threads()} CPU threads" + (f" in each of {count} processes" if count > 1 else "")


def _started(job: Job, ready: Prepared, trainer: Trainer, facts: Facts) -> dict[str, object]:
    return {
        "method": job.method,
        "examples": facts.examples,
        "evalExamples": facts.eval_examples,
        "tokens": facts.tokens,
        "answerTokens": facts.answer_tokens,
        "truncated": ready.encoded.truncated,
        "dropped": ready.encoded.dropped,
        "sequenceLength": facts.sequence_length,
        "steps": trainer.plan.steps,
        "resumedAt": trainer.state.step,
        "parameters": facts.all_parameters,
        "trainedParameters": facts.trained_parameters,
        "device": facts.device,
        "precision": facts.precision,
        "datasetSha256": facts.dataset_sha256,
    }


def _finished(state: checkpoint.State, began: float) -> dict[str, object]:
    first, last = state.curve[0], state.curve[-1]
    evaluated = [line["evalLoss"] for line in state.curve if "evalLoss" in line]
    return {
        "steps": state.step,
        "trainedTokens": state.tokens,
        "lossFirst": first["loss"],
        "lossLast": last["loss"],
        **({"evalLoss": evaluated[-1]} if evaluated else {}),
        "trainSeconds": round(state.seconds, 2),
        "seconds": round(time.monotonic() - began, 2),
    }


@dataclass(frozen=True)
class _Done:
    """A mark beside a whole artifact: the job that made it. Running the job again does nothing."""

    file: Path
    identity: str

    def exists(self) -> bool:
        marked = self.file.is_file() and self.file.read_text() == self.identity
        return marked and (self.file.parent / "artifact").is_dir()

    def write(self) -> None:
        partial = self.file.with_suffix(".partial")
        with partial.open("w") as opened:
            opened.write(self.identity)
            opened.flush()
            os.fsync(opened.fileno())
        partial.replace(self.file)


def with_device_count(job: Job) -> Job:
    return replace(job, devices=job.devices or max(1, torch.cuda.device_count()))
