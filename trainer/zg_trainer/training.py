"""The training loop."""

import math
import signal
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator

from zg_trainer import checkpoint
from zg_trainer.batches import collate, counted_tokens, loss_sum, takes_places, tokens_of
from zg_trainer.checkpoint import State
from zg_trainer.encoding import Row
from zg_trainer.errors import Interrupted, LimitReached, LossNotFinite
from zg_trainer.job import Job
from zg_trainer.neftune import add_noise
from zg_trainer.optimizers import make_optimizers, set_rates
from zg_trainer.plan import Batch, Plan
from zg_trainer.progress import report

PROGRESS_LINES = 200
EVALUATION_ROWS = 8


@dataclass
class Trainer:
    """One job's training on this device, together with the same on the job's other devices."""

    job: Job
    accelerator: Accelerator
    model: torch.nn.Module
    padding: int
    rows: list[Row]
    evaluation: list[Row]
    plan: Plan
    folder: Path
    """Where checkpoints are."""
    fingerprint: str

    def __post_init__(self) -> None:
        self._stop = False
        add_noise(self.model, self.job.parameters.neftune_noise_alpha)
        self._only_counted = takes_places(self.model)
        optimizers = make_optimizers(self.model, self.job.parameters)
        self.state = checkpoint.restore(self.folder, self.fingerprint, self.model, optimizers)
        self._wrapped, *self._optimizers = self.accelerator.prepare(self.model, *optimizers)
        self._began = time.monotonic() - self.state.seconds
        self._first = (self.state.step, self.state.tokens, time.monotonic())

    def run(self) -> State:
        """Trains to the last step. Raises LossNotFinite, or after a checkpoint LimitReached or Interrupted."""
        signals = (signal.SIGTERM, signal.SIGINT)
        before = [signal.signal(number, self._on_signal) for number in signals]
        try:
            self._steps()
        finally:
            for number, handler in zip(signals, before, strict=True):
                signal.signal(number, handler)
        return self.state

    def _on_signal(self, *_: object) -> None:
        self._stop = True

    def _steps(self) -> None:
        state, steps = self.state, self.plan.steps
        saved_at = time.monotonic()
        losses: list[float] = []
        while state.step < steps:
            loss, rate = self._step(state.step)
            losses.append(loss)
            state.step += 1
            state.seconds = time.monotonic() - self._began
            if self._evaluates(state.step):
                self._report(losses, rate, self._evaluate())
            elif state.step % self._log_steps == 0 or state.step in (1, steps):
                self._report(losses, rate)
            stop, late = self._agree(self._stop), self._agree(self._is_late())
            asked = self.job.parameters.checkpoint_steps
            due = time.monotonic() - saved_at >= self.job.limits.checkpoint_seconds or (
                asked and state.step % asked == 0
            )
            if state.step < steps and (stop or late or self._agree(due)):
                self._save()
                saved_at = time.monotonic()
            if stop:
                raise Interrupted(f"stopped by a signal after step {state.step} of {steps}")
            if late and state.step < steps:
                raise LimitReached(
                    f"the limit of {self.job.limits.seconds:g} s was reached at step {state.step} of {steps}"
                )

    def _step(self, number: int) -> tuple[float, float]:
        """One step of the optimizer: the mean loss over its tokens, and the learning rate."""
        rate = set_rates(self._optimizers, self.job.parameters, number, self.plan.steps)
        of_device = self.plan.step(number).batches
        everything = [batch for batches in of_device for batch in batches]
        # Each token weighs the same, however they fall into batches and onto devices.
        weight = self.accelerator.num_processes / counted_tokens(self.rows, everything)
        batches = of_device[self.accelerator.process_index]
        total = torch.zeros((), device=self.accelerator.device)
        for place, batch in enumerate(batches):
            torch.manual_seed(self._seed_of(number, place))
            last = place == len(batches) - 1
            with nullcontext() if last else self.accelerator.no_sync(self._wrapped):
                total += self._backward(batch, weight)
        loss = self.accelerator.reduce(total, "mean").item()
        if not math.isfinite(loss):
            raise LossNotFinite(f"the loss is not a finite number at step {number + 1}: lower the learning rate")
        self._update(number)
        self.state.tokens += tokens_of(self.rows, everything)
        return loss, rate

    def _backward(self, batch: Batch, weight: float) -> torch.Tensor:
        if batch:
            tensors = collate(self.rows, batch, self.padding).to(self.accelerator.device)
            loss = loss_sum(self._wrapped, tensors, self._only_counted) * weight
        else:  # fewer rows than devices: the others still wait for this one's gradients
            tensors = collate(self.rows, [[0]], self.padding).to(self.accelerator.device)
            loss = loss_sum(self._wrapped, tensors, self._only_counted) * 0
        self.accelerator.backward(loss)
        return loss.detach()

    def _update(self, number: int) -> None:
        limit = self.job.parameters.max_grad_norm
        norm = torch.nn.utils.clip_grad_norm_(
            (p for p in self._wrapped.parameters() if p.requires_grad), limit or math.inf
        )
        if not math.isfinite(norm.item()):
            raise LossNotFinite(f"the gradient is not finite at step {number + 1}: lower the learning rate")
        for optimizer in self._optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def _seed_of(self, step: int, place: int) -> int:
        return hash((self.job.seed, step, place, self.accelerator.process_index)) % 2**63

    @torch.no_grad()
    def _evaluate(self) -> float:
        """The mean loss over the evaluation's answer tokens."""
        self.model.eval()
        order = sorted(range(len(self.evaluation)), key=lambda i: len(self.evaluation[i].tokens))
        batches = [[[i] for i in order[at : at + EVALUATION_ROWS]] for at in range(0, len(order), EVALUATION_ROWS)]
        total = torch.zeros((), device=self.accelerator.device)
        for batch in batches[self.accelerator.process_index :: self.accelerator.num_processes]:
            tensors = collate(self.evaluation, batch, self.padding).to(self.accelerator.device)
            # Not the wrapped model: its forward pass waits for all devices, and some have one batch fewer.
            total += loss_sum(self.model, tensors, self._only_counted)
        self.model.train()
        loss = self.accelerator.reduce(total, "sum").item() / counted_tokens(self.evaluation, batches)
        if not math.isfinite(loss):
            raise LossNotFinite(f"the evaluation's loss is not a finite number at step {self.state.step}")
        return loss

    def _evaluates(self, step: int) -> bool:
        every = self.job.parameters.eval_steps or self.plan.steps_per_epoch
        return bool(self.evaluation) and (step % every == 0 or step == self.plan.steps)

    @property
    def _log_steps(self) -> int:
        return self.job.parameters.log_steps or max(1, self.plan.steps // PROGRESS_LINES)

    def _is_late(self) -> bool:
        return 0 < self.job.limits.seconds <= self.state.seconds

    def _agree(self, wish: object) -> bool:
        """Whether any device wishes so: all of them stop and save at the same step."""
        if self.accelerator.num_processes == 1:
            return bool(wish)
        wishes = torch.tensor(float(bool(wish)), device=self.accelerator.device)
        return self.accelerator.reduce(wishes, "sum").item() > 0

    def _save(self) -> None:
        if self.accelerator.is_main_process:
            checkpoint.save(self.folder, self.state, self.model, [o.optimizer for o in self._optimizers])
        self.accelerator.wait_for_everyone()
        report("checkpoint", step=self.state.step, steps=self.plan.steps)

    def _report(self, losses: list[float], rate: float, evaluation: float | None = None) -> None:
        """A line of progress, with the mean loss since the line before."""
        state, steps = self.state, self.plan.steps
        first_step, first_tokens, since = self._first
        seconds = max(time.monotonic() - since, 1e-9)
        line = {"step": state.step, "epoch": round(state.step / self.plan.steps_per_epoch, 3)}
        line |= {"loss": round(sum(losses) / len(losses), 6), "learningRate": float(f"{rate:.6g}")}
        if evaluation is not None:
            line["evalLoss"] = round(evaluation, 6)
        losses.clear()
        state.curve.append(line)
        report(
            "step",
            **line,
            steps=steps,
            tokensPerSecond=round((state.tokens - first_tokens) / seconds, 1),
            etaSeconds=round((steps - state.step) * seconds / (state.step - first_step), 1),
        )
