"""Errors -> one line on stderr and an exit code. The only place that knows exit codes, and the only one that exits."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

from multistage_docker.errors import (
    MultistageDockerError,
    ProgramFailedError,
    UsageError,
)

if TYPE_CHECKING:
    import typer

FAILED = 1
USAGE = 2
INTERRUPTED = 130


def run(app: typer.Typer, command: str) -> NoReturn:
    """Run a command line and leave the process with the exit code that DESIGN promises for its outcome."""
    try:
        app(prog_name=command)
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 0 if leaving.code is None else FAILED
        if code == INTERRUPTED:
            complain(command, "interrupted")
    except MultistageDockerError as error:
        complain(command, str(error), error.hint)
        code = exit_code(error)
    except KeyboardInterrupt:
        complain(command, "interrupted")
        code = INTERRUPTED
    sys.exit(code)


def exit_code(error: MultistageDockerError) -> int:
    """Return the exit code for a named error; a program that failed passes its own on."""
    match error:
        case UsageError():
            return USAGE
        case ProgramFailedError():
            return error.returncode
        case _:
            return FAILED


def complain(command: str, message: str, hint: str = "") -> None:
    """Write one line to stderr, and the way out on a second one; control characters are made visible."""
    for line in filter(None, (f"{command}: {message}", hint and f"  {hint}")):
        print(printable(line), file=sys.stderr)


def printable(text: str) -> str:
    """Return text with control characters and undecodable bytes escaped, so that it stays on one line.

    File names are the tree's: a newline or an escape sequence in one must not forge a line or drive a terminal.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
