"""Everything that goes wrong on purpose: one root, and subclasses that carry data and say what to do next."""

from __future__ import annotations

import signal


class MultistageDockerError(Exception):
    """Root of every error that this package raises deliberately.

    ``str(error)`` is one line for people: what happened and to what. ``hint`` is the way out, as one
    more line, or ``""`` where the message itself already says it.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(MultistageDockerError):
    """What the caller asked for cannot be meant: a path that does not exist, an invalid package name."""


class RefusedError(MultistageDockerError):
    """The request is understood, but carrying it out is refused, and nothing has been changed."""


class ProgramNotFoundError(MultistageDockerError):
    """A program that this package relies on is not installed."""

    def __init__(self, program: str, *, hint: str = "") -> None:
        super().__init__(f"{program} is not installed on this system", hint=hint)
        self.program = program


class ProgramFailedError(MultistageDockerError):
    """A program ran and ended with an exit status that is an error; ``returncode`` is its own."""

    def __init__(self, message: str, *, returncode: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.returncode = returncode


class MalformedElfError(MultistageDockerError):
    """A file starts like an ELF file but cannot be read as one."""


class UnresolvedError(MultistageDockerError):
    """A library that must be there is not."""


class OutputError(MultistageDockerError):
    """A result could not be written where it should go."""


class StoppedError(MultistageDockerError):
    """A signal asked the process to stop; what had to be finished or cleaned up first, has been."""

    def __init__(self, signal_number: int) -> None:
        by_user = signal_number == signal.SIGINT
        super().__init__("interrupted" if by_user else f"stopped by {signal.Signals(signal_number).name}")
        self.signal_number = signal_number


class ArchiveError(MultistageDockerError):
    """The package archive cannot be reached or read."""
