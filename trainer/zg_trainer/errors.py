"""What can go wrong in a job, each kind with its exit code. No message holds text of the dataset."""


class TrainerError(Exception):
    """A failure that its caller can act on."""

    exit_code = 1
    code = "internal"


class BadInput(TrainerError):
    """The job, the model or the dataset must be changed; `problems` names each thing that is wrong."""

    exit_code = 2
    code = "bad-input"

    def __init__(self, message: str, problems: list[str] | None = None) -> None:
        super().__init__(message)
        self.problems = problems or []


class OutOfMemory(TrainerError):
    exit_code = 3
    code = "out-of-memory"


class LossNotFinite(TrainerError):
    exit_code = 4
    code = "loss-not-finite"


class LimitReached(TrainerError):
    """The job took longer than its limit."""

    exit_code = 5
    code = "limit-reached"


class Interrupted(TrainerError):
    """Stopped by a signal after a checkpoint: run the same command again to go on (75 is EX_TEMPFAIL of sysexits.h)."""

    exit_code = 75
    code = "interrupted"
