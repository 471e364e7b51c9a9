"""What a job does for the broker that started it: it ends with it, and packs its artifact."""

import json
import subprocess
import sys
import time
import zipfile
from pathlib import Path

from conftest import trainer

from zg_trainer.export import write_zip


def test_a_job_whose_broker_is_gone_ends_at_once(write_job, tmp_path: Path):
    job = write_job(parameters={"num_train_epochs": 1000})
    command = [sys.executable, "-m", "zg_trainer", "run", "--attended"]
    process = subprocess.Popen(
        [*command, "--config", str(job), "--output", str(tmp_path / "output")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        cwd=Path(__file__).parents[1],
    )  # fmt: skip
    for line in process.stdout:
        if json.loads(line)["event"] == "step":
            break
    began = time.monotonic()
    process.stdin.close()
    assert process.wait(timeout=30) == 75
    assert time.monotonic() - began < 10


def test_the_artifact_comes_as_one_file_too(write_job, tmp_path: Path):
    job = write_job(parameters={"max_steps": 1}, export={"zip": True})
    code, _ = trainer("run", "--config", job, "--output", tmp_path / "output")
    assert code == 0
    artifact = tmp_path / "output" / "artifact"
    with zipfile.ZipFile(tmp_path / "output" / "artifact.zip") as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == sorted(file.name for file in artifact.iterdir())
        for name in archive.namelist():
            assert archive.read(name) == (artifact / name).read_bytes()


def test_the_same_files_give_the_same_bytes(tmp_path: Path):
    folder = tmp_path / "artifact"
    folder.mkdir()
    (folder / "b").write_bytes(b"2" * 1000)
    (folder / "a").write_bytes(b"1")
    write_zip(folder, tmp_path / "one.zip")
    time.sleep(2.1)
    (folder / "a").touch()
    write_zip(folder, tmp_path / "other.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()
