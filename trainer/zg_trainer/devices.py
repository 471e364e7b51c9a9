"""Several devices: one process for each, which `accelerate` joins into one training."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence

from zg_trainer.errors import Interrupted
from zg_trainer.progress import stream

STARTED_BY_A_LAUNCHER = "WORLD_SIZE"
"""Set by `accelerate launch`, by torchrun, and here."""


def run_on(devices: int, arguments: Sequence[str]) -> int:
    """Runs the same command once for each device; the exit code is that of the first process that failed."""
    threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, (os.cpu_count() or 1) // devices))
    common = {**os.environ, "WORLD_SIZE": str(devices), "LOCAL_WORLD_SIZE": str(devices), "OMP_NUM_THREADS": threads}
    common |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    if os.environ.get("ACCELERATE_USE_CPU") is None and not _has_cuda():
        common |= {"ACCELERATE_USE_CPU": "true"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "zg_trainer", *arguments],
            stdout=stream(),
            env={**common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(devices)
    ]
    return _wait(processes)


def _wait(processes: list[subprocess.Popen[bytes]]) -> int:
    def forward(number: int, _: object) -> None:
        for process in processes:
            process.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, forward)
    running, failed = list(processes), 0
    while running:
        for process in list(running):
            try:
                code = process.wait(timeout=0.2)
            except subprocess.TimeoutExpired:
                continue
            running.remove(process)
            if code and not failed:
                failed = code if code > 0 else 1
                # The others would wait for it for ever; those that were interrupted stop by themselves.
                if code != Interrupted.exit_code:
                    for other in running:
                        other.terminate() if other.poll() is None else None
    return failed


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()
