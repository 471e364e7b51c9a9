"""python -m zg_trainer run | count | parameters | converters"""

import argparse
import os
import sys
import traceback
from pathlib import Path

from zg_trainer.attended import end_with_parent, hold
from zg_trainer.errors import BadInput, OutOfMemory, TrainerError
from zg_trainer.job import Job, load_job
from zg_trainer.parameters import table
from zg_trainer.progress import own_stdout, report, silence


def main() -> int:
    arguments = _arguments()
    own_stdout()
    try:
        return arguments.run(arguments)
    except TrainerError as error:
        return _failed(error)
    except MemoryError:
        return _failed(OutOfMemory("the process ran out of memory"))
    except Exception as error:  # whatever a library raises; its message may hold text of the dataset
        return _failed_within(error)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.attended:
        end_with_parent()
    job = load_job(arguments.config)
    _prepare_process(job)
    from zg_trainer import devices
    from zg_trainer.run import run, with_device_count

    job = with_device_count(job)
    if job.devices > 1 and devices.STARTED_BY_A_LAUNCHER not in os.environ:
        return devices.run_on(job.devices, sys.argv[1:])
    if os.environ.get("RANK", "0") != "0":
        silence()
    elif arguments.attended:
        hold(arguments.output)
    run(job, arguments.output)
    return 0


def _count(arguments: argparse.Namespace) -> int:
    job = load_job(arguments.config)
    _prepare_process(job)
    from zg_trainer.run import count

    report("count", **count(job))
    return 0


def _parameters(_: argparse.Namespace) -> int:
    report("parameters", parameters=table())
    return 0


def _converters(arguments: argparse.Namespace) -> int:
    from zg_trainer.gguf_files import unpack

    report("converters", folder=str(unpack(arguments.llama_cpp, arguments.cache)))
    return 0


def _prepare_process(job: Job) -> None:
    """Nothing is fetched, whatever the machine allows; and the memory limit holds from here on."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    # A thread that waits for another sleeps: spinning takes the core from what else runs on the machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if job.limits.threads:
        os.environ.setdefault("OMP_NUM_THREADS", str(job.limits.threads))
    if job.limits.memory_bytes and sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (job.limits.memory_bytes, job.limits.memory_bytes))
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()


def _failed(error: TrainerError) -> int:
    problems = {"problems": error.problems} if isinstance(error, BadInput) and error.problems else {}
    report("failed", code=error.code, reason=str(error), exitCode=error.exit_code, **problems)
    return error.exit_code


def _failed_within(error: Exception) -> int:
    if _is_out_of_memory(error):
        return _failed(OutOfMemory("the device ran out of memory: lower the batch size or sequence_length"))
    frames = traceback.extract_tb(error.__traceback__)
    print(*traceback.format_list(frames), sep="", file=sys.stderr)
    at = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown"
    return _failed(TrainerError(f"{type(error).__name__} at {at}"))


def _is_out_of_memory(error: BaseException | None) -> bool:
    if error is None:
        return False
    kind, text = type(error).__name__, str(error)
    known = kind == "OutOfMemoryError" or "can't allocate memory" in text or "Cannot allocate memory" in text
    return known or isinstance(error, MemoryError) or _is_out_of_memory(error.__cause__ or error.__context__)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m zg_trainer", description="Fine-tuning and training.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="train; run again to go on after an interruption")
    run.add_argument("--config", type=Path, required=True, metavar="JOB.JSON")
    run.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    run.add_argument(
        "--attended", action="store_true", help="end when stdin closes, and wait for a run before this one"
    )
    run.set_defaults(run=_run)

    count = commands.add_parser("count", help="count the dataset's tokens, exactly as training takes them")
    count.add_argument("--config", type=Path, required=True, metavar="JOB.JSON")
    count.set_defaults(run=_count)

    parameters = commands.add_parser("parameters", help="print every parameter with its ranges")
    parameters.set_defaults(run=_parameters)

    converters = commands.add_parser("converters", help="unpack llama.cpp's converters, once for all jobs")
    converters.add_argument("--llama-cpp", type=Path, required=True, metavar="BUNDLE")
    converters.add_argument("--cache", type=Path, required=True, metavar="FOLDER")
    converters.set_defaults(run=_converters)
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:
        sys.exit(1)
