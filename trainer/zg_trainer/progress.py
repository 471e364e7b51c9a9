"""Progress as JSON lines on stdout, for people and for the broker."""

import json
import os
import sys
from typing import TextIO

_stream: TextIO | None = None
_silent = False


def report(event: str, **fields: object) -> None:
    if not _silent:
        line = json.dumps({"event": event, **fields}, ensure_ascii=False, allow_nan=False)
        print(line, file=stream(), flush=True)


def own_stdout() -> None:
    """Keeps stdout for progress: whatever a library prints there goes to stderr from now on."""
    global _stream
    if _stream is None:
        sys.stdout.flush()
        _stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)


def stream() -> TextIO:
    """Where progress goes."""
    return _stream or sys.stdout


def silence() -> None:
    """For all but the first of several processes."""
    global _silent
    _silent = True
