"""Several devices: one process for each, which `accelerate` joins into one training."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

from zg_trainer.errors import TrainerError
from zg_trainer.progress import report, stream

STARTED_BY_A_LAUNCHER = "WORLD_SIZE"
"""Set by `accelerate launch`, by torchrun, and here."""

GRACE_SECONDS = 10
"""So long the others may take to end by themselves after one has failed; then they are killed."""

Processes = list[subprocess.Popen[bytes]]


def run_on(devices: int, arguments: Sequence[str]) -> int:
    """Runs the same command once for each device; the exit code is that of the first process that failed."""
    threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, (os.cpu_count() or 1) // devices))
    common = {**os.environ, "WORLD_SIZE": str(devices), "LOCAL_WORLD_SIZE": str(devices), "OMP_NUM_THREADS": threads}
    common |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    if not _has_cuda():
        common.setdefault("ACCELERATE_USE_CPU", "true")
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "zg_trainer", *arguments],
            stdout=stream(),
            env={**common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(devices)
    ]
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: [process.send_signal(number) for process in processes])
    code = _first_failure(processes)
    _end(processes)
    if code and processes[0].returncode != code:  # the first process reports its own failures only
        report(
            "failed", code=_name(code), reason="one of the devices' processes failed; stderr says why", exitCode=code
        )
    return code


def _first_failure(processes: Processes) -> int:
    while any(process.poll() is None for process in processes):
        if any(process.returncode for process in processes):
            break
        time.sleep(0.1)
    codes = [process.returncode for process in processes if process.returncode]
    return (codes[0] if codes[0] > 0 else 1) if codes else 0


def _end(processes: Processes) -> None:
    deadline = time.monotonic() + GRACE_SECONDS
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _name(exit_code: int) -> str:
    kinds = {kind.exit_code: kind.code for kind in TrainerError.__subclasses__()}
    return kinds.get(exit_code, TrainerError.code)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()
