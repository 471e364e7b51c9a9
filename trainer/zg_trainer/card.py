"""The model card: what was trained on what and how it went, in numbers, with nothing of what the dataset says."""

from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from zg_trainer.checkpoint import Numbers, State
from zg_trainer.job import Job
from zg_trainer.parameters import Parameters

MOST_CURVE_LINES = 50


@dataclass(frozen=True)
class Facts:
    """What is known of a job before its first step."""

    dataset_sha256: str
    examples: int
    eval_examples: int
    tokens: int
    answer_tokens: int
    sequence_length: int
    trained_parameters: int
    all_parameters: int
    device: str
    precision: str


def write_card(folder: Path, job: Job, facts: Facts, state: State) -> None:
    (folder / "README.md").write_text(card(job, facts, state), encoding="utf-8")


def card(job: Job, facts: Facts, state: State) -> str:
    adapter = job.method in ("lora", "qlora")
    library = "peft" if adapter else "transformers"
    what = f"An adapter for {job.base_name}" if adapter else "A model"
    if job.method == "full":
        what = f"A fine-tuned {job.base_name}"
    packages = ("torch", "transformers", *(["peft"] if adapter else []))
    about = {
        "method": job.method,
        "base model": job.base_name,
        "parameters": f"{facts.all_parameters:,}, of which {facts.trained_parameters:,} were trained",
        "dataset (SHA-256)": f"`{facts.dataset_sha256}`",
        "examples": f"{facts.examples}, and {facts.eval_examples} for evaluation",
        "tokens": f"{facts.tokens:,} in one pass; in all {state.tokens:,}",
        "tokens in the loss": f"{facts.answer_tokens:,} in one pass: answers, or all of a plain text",
        "sequence length": facts.sequence_length,
        "steps": state.step,
        "seed": job.seed,
        "time": f"{state.seconds:.0f} s on {facts.device}, {facts.precision}",
        "made with": ", ".join(f"{name} {version(name)}" for name in packages),
    }
    changed = {k: v for k, v in asdict(job.parameters).items() if v != getattr(Parameters(), k)}
    return "\n".join(
        [
            f"---\nlibrary_name: {library}\ntags: [{'lora, ' if adapter else ''}0g-compute]\n---",
            f"# {what}, trained on the 0G Compute Network\n",
            _table(("", ""), about.items()),
            "## Parameters\n\nThose that were not left at their defaults.\n",
            _table(("parameter", "value"), changed.items()),
            "## Curve\n",
            _curve(state.curve),
        ]
    )


def _curve(curve: list[Numbers]) -> str:
    every = max(1, -(-len(curve) // MOST_CURVE_LINES))
    shown = [line for i, line in enumerate(curve) if i % every == 0 or i == len(curve) - 1 or "evalLoss" in line]
    shown = shown if len(shown) <= 2 * MOST_CURVE_LINES else shown[:: -(-len(shown) // MOST_CURVE_LINES)]
    lines = [(n["step"], n["epoch"], n["loss"], n.get("evalLoss", ""), n["learningRate"]) for n in shown]
    return _table(("step", "epoch", "loss", "evaluation loss", "learning rate"), lines)


def _table(head: tuple[str, ...], lines: object) -> str:
    rows = [head, ("---",) * len(head), *lines]
    return "\n".join("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows) + "\n"
