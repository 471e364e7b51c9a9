"""Whole runs, each in a process of its own, as the broker starts them."""

import json
import signal
import sys
from pathlib import Path

import pytest
from conftest import RECORDS, finish, start, trainer
from safetensors.torch import load_file, save_file

from zg_trainer.errors import BadInput
from zg_trainer.job import load_job
from zg_trainer.run import run

SECRET = "canary-4711"


def steps(events: list[dict]) -> dict[int, tuple[float, float]]:
    return {e["step"]: (e["loss"], e.get("evalLoss")) for e in events if e["event"] == "step"}


def same_weights(one: Path, other: Path) -> bool:
    a, b = (load_file(folder / "artifact" / "adapter_model.safetensors") for folder in (one, other))
    return a.keys() == b.keys() and all(a[name].equal(b[name]) for name in a)


def test_killed_again_and_again_it_ends_as_if_never_interrupted(write_job, tmp_path: Path):
    parameters = {"neftune_noise_alpha": 5, "eval_share": 0.2, "checkpoint_steps": 2, "gradient_accumulation_steps": 2}
    job = write_job(parameters=parameters | {"num_train_epochs": 5, "per_device_train_batch_size": 1})
    code, whole = trainer("run", "--config", job, "--output", tmp_path / "whole")
    assert code == 0
    seen: dict[int, tuple[float, float]] = {}
    for killing in range(3):
        process = start("run", "--config", job, "--output", tmp_path / "killed")
        events = []
        for line in process.stdout:
            events.append(json.loads(line))
            # Anywhere: after a checkpoint was announced, and after a step that none holds.
            if events[-1]["event"] == ("checkpoint", "step", "exporting")[killing] and events[-1]["step"] > killing * 3:
                process.kill()
                break
        assert process.wait() == -signal.SIGKILL
        seen |= steps(events)
        # A checkpoint that was cut off is no checkpoint.
        (tmp_path / "killed" / "checkpoints" / "step-000000099.partial").mkdir(exist_ok=True)
    code, events = trainer("run", "--config", job, "--output", tmp_path / "killed")
    assert code == 0
    assert events[0]["resumedAt"] == 14
    assert seen | steps(events) == steps(whole)
    assert same_weights(tmp_path / "whole", tmp_path / "killed")
    assert events[-1]["trainedTokens"] == whole[-1]["trainedTokens"]
    assert sorted(path.name for path in (tmp_path / "killed").iterdir()) == ["artifact", "done"]


def test_a_signal_makes_a_checkpoint_and_a_finished_job_is_not_run_again(write_job, tmp_path: Path):
    job = write_job(parameters={"num_train_epochs": 1000})
    process = start("run", "--config", job, "--output", tmp_path / "output")
    for line in process.stdout:
        if json.loads(line)["event"] == "step":
            process.send_signal(signal.SIGTERM)
            break
    code, events = finish(process)
    assert code == 75
    assert events[-1]["code"] == "interrupted"
    assert [e["event"] for e in events[-2:]] == ["checkpoint", "failed"]

    other = write_job(parameters={"num_train_epochs": 999})
    with pytest.raises(BadInput, match="another job"):
        run(load_job(other), tmp_path / "output")

    job = write_job(parameters={"num_train_epochs": 1})
    for again in (False, True):
        code, events = trainer("run", "--config", job, "--output", tmp_path / "second")
        assert (code, events[-1]["event"], events[-1].get("again", False)) == (0, "done", again)
    assert [e["event"] for e in events] == ["done"]


def test_what_is_counted_is_what_training_takes_and_what_it_says(write_job, tmp_path: Path):
    parameters = {"num_train_epochs": 8, "per_device_train_batch_size": 1, "packing": True, "sequence_length": 64}
    job = write_job(parameters=parameters)
    code, (counted,) = trainer("count", "--config", job)
    assert code == 0 and counted["event"] == "count"
    code, events = trainer("run", "--config", job, "--output", tmp_path / "output")
    assert code == 0
    started, done = events[0], events[-1]
    assert (started["event"], done["event"]) == ("started", "done")
    assert started["tokens"] == counted["tokens"]
    assert done["trainedTokens"] == 8 * counted["tokens"]
    assert done["lossLast"] < done["lossFirst"] / 2
    for event in events[1:-2]:
        assert {"step", "steps", "epoch", "loss", "learningRate", "tokensPerSecond", "etaSeconds"} <= event.keys()
    card = (tmp_path / "output" / "artifact" / "README.md").read_text()
    assert counted["datasetSha256"] in card and f"| {done['steps']} | 8.0 | {done['lossLast']} |" in card
    everything = b"".join(file.read_bytes() for file in (tmp_path / "output" / "artifact").iterdir())
    assert b"Lumika" not in everything and str(tmp_path).encode() not in everything


def test_two_processes_train_as_one_does(write_job, tmp_path: Path):
    job = write_job(parameters={"per_device_train_batch_size": 2, "lora_dropout": 0, "eval_share": 0.2})
    code, one = trainer("run", "--config", job, "--output", tmp_path / "one")
    assert code == 0
    job = write_job(parameters={"per_device_train_batch_size": 1, "lora_dropout": 0, "eval_share": 0.2}, devices=2)
    code, two = trainer("run", "--config", job, "--output", tmp_path / "two")
    assert code == 0
    assert steps(one).keys() == steps(two).keys()
    for step, (loss, evaluation) in steps(one).items():
        assert steps(two)[step] == (pytest.approx(loss, rel=1e-3), evaluation and pytest.approx(evaluation, rel=1e-3))
    assert two[-1]["trainedTokens"] == one[-1]["trainedTokens"]


def test_a_full_model_keeps_its_shape_and_learns(write_job, tmp_path: Path):
    code, events = trainer(
        "run", "--config", write_job(method="full", parameters={"num_train_epochs": 5}), "--output", tmp_path / "output"
    )
    assert code == 0
    assert events[-1]["lossLast"] < events[-1]["lossFirst"] / 2
    trained = load_file(tmp_path / "output" / "artifact" / "model.safetensors")
    base = load_file(Path(json.loads((tmp_path / "job.json").read_text())["model"]) / "model.safetensors")
    assert {name: (t.shape, t.dtype) for name, t in trained.items()} == {n: (t.shape, t.dtype) for n, t in base.items()}


@pytest.mark.parametrize(
    ("keys", "parameters", "records", "reason"),
    [
        ({"method": "dora"}, {}, RECORDS, "method must be one of"),
        ({"modle": "x"}, {}, RECORDS, "the job has the unknown key modle"),
        ({"model": "nowhere"}, {}, RECORDS, "no config.json"),
        ({"method": "scratch"}, {}, RECORDS, "scratch"),
        ({"dataset": {"file": "none.jsonl"}}, {}, RECORDS, "file does not exist"),
        ({"export": {"gguf": True}}, {}, RECORDS, "export.gguf needs export.llamaCpp"),
        ({"limits": {"tokens": 10}}, {}, RECORDS, "tokens; the limit is 10"),
        ({"limits": {"threads": -1}}, {}, RECORDS, "threads must be from 0"),
        ({}, {"learning_rate": 5}, RECORDS, "learning_rate must be from 1e-07 to 0.1, not 5"),
        ({}, {"sequence_length": 4096}, RECORDS, "the model's context is 1024"),
        ({}, {"lora_targets": "nothing"}, RECORDS, "adapter cannot be added"),
        ({}, {}, [{"text": SECRET, "messages": []}], "line 1: must have exactly one"),
    ],
)
def test_bad_input(write_job, tmp_path: Path, keys, parameters, records, reason: str):
    with pytest.raises(BadInput) as caught:
        run(load_job(write_job(records, parameters, **keys)), tmp_path / "output")
    assert reason in str(caught.value)
    assert SECRET not in repr(caught.value)
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        # transformers fills in the sizes of a model of 7,000,000,000 parameters
        ({}, "parameters, 1000000 are the most"),
        ({"hidden_size": 65, "num_attention_heads": 4}, "the model's configuration is not valid"),
    ],
)
def test_a_new_model_is_counted_before_memory_is_taken_for_it(write_job, tmp_path: Path, sizes, reason: str):
    scratch = {"config": {"model_type": "llama", **sizes}, "vocabulary": 300}
    limits = {"threads": 1, "parameters": 1_000_000}
    job = write_job([{"text": "abc " * 50}], method="scratch", model=None, scratch=scratch, limits=limits)
    with pytest.raises(BadInput) as caught:
        run(load_job(job), tmp_path / "output")
    assert reason in str(caught.value)


def test_bad_input_has_its_own_code_and_names_each_problem(write_job, tmp_path: Path):
    job = write_job(parameters={"learning_rate": 5, "lora_rank": 0})
    code, events = trainer("run", "--config", job, "--output", tmp_path / "output")
    assert (code, len(events), events[0]["code"], events[0]["exitCode"]) == (2, 1, "bad-input", 2)
    assert [problem.split()[0] for problem in events[0]["problems"]] == ["learning_rate", "lora_rank"]


def test_a_loss_that_is_no_number_fails_with_its_own_code(write_job, tmp_path: Path):
    base = Path(json.loads(write_job().read_text())["model"])
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in base.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    weights = load_file(base / "model.safetensors")
    weights["model.norm.weight"][0] = float("nan")
    save_file(weights, broken / "model.safetensors", {"format": "pt"})
    code, events = trainer("run", "--config", write_job(model=str(broken)), "--output", tmp_path / "output")
    assert (code, events[-1]["code"]) == (4, "loss-not-finite")
    assert not (tmp_path / "output" / "artifact").exists()


def test_the_time_limit_has_its_own_code(write_job, tmp_path: Path):
    job = write_job(parameters={"num_train_epochs": 1000}, limits={"seconds": 0.5, "threads": 1})
    for _ in range(2):  # the limit is of all runs together
        code, events = trainer("run", "--config", job, "--output", tmp_path / "output")
        assert (code, events[-1]["code"]) == (5, "limit-reached")
    assert sum(e["event"] == "step" for e in events) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux alone")
def test_too_little_memory_has_its_own_code(write_job, tmp_path: Path):
    long = [{"text": "a receipt " * 600}] * 64
    job = write_job(
        long,
        {"per_device_train_batch_size": 64, "sequence_length": 1024},
        limits={"memoryBytes": 1_500_000_000, "threads": 1},
    )
    code, events = trainer("run", "--config", job, "--output", tmp_path / "output")
    assert (code, events[-1]["code"]) == (3, "out-of-memory")
