"""What a process does for the broker that started it."""

import fcntl
import os
import threading
from pathlib import Path


def end_with_parent() -> None:
    """Ends this process at once when whoever started it is gone, however it went: its end of our stdin closes then.

    What was trained since the last checkpoint is trained again by the next run.
    """
    threading.Thread(target=_wait_for_the_end, daemon=True).start()


def _wait_for_the_end() -> None:
    while os.read(0, 4096):
        pass
    os._exit(75)


def hold(output: Path) -> int:
    """Waits until no other process trains into this folder; held as long as this process lives."""
    output.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(output / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor
