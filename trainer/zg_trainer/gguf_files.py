"""GGUF files for llama.cpp, made by its own converters from the source that node-llama-cpp brings."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from zg_trainer.errors import BadInput, TrainerError
from zg_trainer.job import Job

CONVERTERS = ("convert_hf_to_gguf.py", "convert_lora_to_gguf.py")


def write_gguf(job: Job, artifact: Path, file: Path, output: Path) -> None:
    """The adapter or the model in `artifact` as one GGUF file, in 16 bits."""
    source = unpack(job.export.llama_cpp, job.export.cache or output / "cache")
    if job.method in ("lora", "qlora"):
        arguments = [CONVERTERS[1], "--base", str(job.model), "--outtype", "f16", "--outfile", str(file), str(artifact)]
    else:
        arguments = [CONVERTERS[0], "--outtype", "f16", "--outfile", str(file), str(artifact)]
    # A process of its own: the converters are scripts, and their memory is given back.
    command = [sys.executable, "-m", "zg_trainer.convert", str(source), *arguments]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if run.returncode or not file.is_file():
        reason = run.stdout.strip().splitlines()[-1] if run.stdout.strip() else f"exit code {run.returncode}"
        raise TrainerError(f"llama.cpp's converter failed: {reason[:300]}")


def unpack(source: Path, cache: Path) -> Path:
    """llama.cpp's folder. A git bundle is cloned once into the cache, under the name of its commit."""
    if source.is_dir():
        return _with_converters(source)
    head = _git("bundle", "list-heads", str(source.resolve())).split()
    if not head:
        raise BadInput("export.llamaCpp is neither a folder nor a git bundle")
    target = cache.resolve() / f"llama.cpp-{head[0][:12]}"
    if not target.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix="llama.cpp-", dir=cache))
        try:
            _git("clone", "--quiet", str(source.resolve()), str(partial / "source"))
            if not target.is_dir():
                (partial / "source").rename(target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return _with_converters(target)


def _with_converters(folder: Path) -> Path:
    if missing := [name for name in CONVERTERS if not (folder / name).is_file()]:
        raise BadInput(f"llama.cpp's source has no {missing[0]}")
    return folder


def _git(*arguments: str) -> str:
    try:
        command = ["git", "-c", "advice.detachedHead=false", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError as error:
        raise BadInput("unpacking llama.cpp's source needs git, which is not installed") from error
    except subprocess.CalledProcessError as error:
        raise BadInput("export.llamaCpp is not a git bundle that can be cloned") from error
