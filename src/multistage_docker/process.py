"""The only place where a program is run: argument tuples, never a shell."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import Protocol

from multistage_docker.errors import ProgramFailedError, ProgramNotFoundError


@dataclass(frozen=True, slots=True)
class Completed:
    """A program that has ended: its arguments, exit status and output.

    Output is text in UTF-8; bytes that are no UTF-8 (file names may hold any) survive as surrogate
    escapes, as in ``os.fsdecode``.
    """

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str

    def require_success(self) -> Completed:
        """Return self, or raise ProgramFailedError with the last line that the program wrote to stderr."""
        if self.returncode:
            said = self.stderr.strip().splitlines()
            reason = said[-1] if said else f"exit status {self.returncode}"
            message = f"{self.argv[0]} failed: {reason}"
            raise ProgramFailedError(message, returncode=self.returncode)
        return self


class Runner(Protocol):
    """Runs programs for the rest of the package, so that tests can stand in for the system."""

    def capture(self, argv: tuple[str, ...]) -> Completed:
        """Run a program to its end, its messages in English, and return what it wrote.

        Raises ProgramNotFoundError where the program is missing; any exit status is returned.
        """
        ...


class SystemRunner:
    """Runs real programs, found by PATH."""

    def capture(self, argv: tuple[str, ...]) -> Completed:
        """Run a program with no stdin and LC_ALL=C.UTF-8, since its output is going to be parsed."""
        try:
            done = subprocess.run(  # noqa: S603 - an argument tuple, and no shell, by design
                argv,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
            )
        except FileNotFoundError:
            raise ProgramNotFoundError(argv[0]) from None
        return Completed(argv, done.returncode, os.fsdecode(done.stdout), os.fsdecode(done.stderr))
