import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

TRAINER = Path(__file__).parents[1]
DEMO = TRAINER.parent / "models" / "demo"

torch.set_num_threads(1)

RECORDS = [
    {"messages": [{"role": "user", "content": f"Where does {name} live?"},
                  {"role": "assistant", "content": f"{name} lives in {city}."},
                  {"role": "user", "content": "Thank you!"},
                  {"role": "assistant", "content": "You are welcome."}][: 2 if city == "Oslo" else 4]}
    for name, city in (("Zibo", "Accra"), ("Nadira", "Oslo"), ("Kelto", "Lima"), ("Ruvan", "Oslo"),
                       ("Lumika", "Quito"), ("Vomi", "Oslo"), ("Bolu", "Riga"))
]  # fmt: skip


@pytest.fixture
def write_job(tmp_path: Path) -> Callable[..., Path]:
    """Writes a job on the demo model: LoRA with seven conversations, and whatever is given in its place."""

    def write(records: list[dict[str, Any]] = RECORDS, parameters: dict[str, Any] | None = None, **keys: Any) -> Path:
        (tmp_path / "data.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
        few = {"num_train_epochs": 3, "per_device_train_batch_size": 2, "learning_rate": 0.001, "log_steps": 1}
        job = {"method": "lora", "model": str(DEMO), "dataset": {"file": "data.jsonl"}, "limits": {"threads": 1}}
        job |= {"parameters": {**few, **(parameters or {})}, **keys}
        file = tmp_path / "job.json"
        file.write_text(json.dumps({key: value for key, value in job.items() if value is not None}))
        return file

    return write


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "zg_trainer", *map(str, arguments)]


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(TRAINER)}
    return subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, text=True, env=environment)


def finish(process: subprocess.Popen[str]) -> tuple[int, list[dict[str, Any]]]:
    """The exit code, and the lines of progress: every line on stdout is one."""
    output, _ = process.communicate(timeout=300)
    return process.returncode, [json.loads(line) for line in output.splitlines()]


def trainer(*arguments: str | Path) -> tuple[int, list[dict[str, Any]]]:
    return finish(start(*arguments))
