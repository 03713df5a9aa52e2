"""Errors -> a line on stderr and an exit code: the only place that knows exit codes and that exits."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from multistage_docker.cli.bytecode import remove_own_bytecode
from multistage_docker.errors import (
    MultistageDockerError,
    OutputError,
    ProgramFailedError,
    StoppedError,
    UsageError,
)
from multistage_docker.process import forget
from multistage_docker.text import printable

if TYPE_CHECKING:
    import typer

FAILED = 1
USAGE = 2
SIGNALLED = 128
INTERRUPTED = 130


def run(app: typer.Typer, command: str) -> NoReturn:
    """Run a command line and leave the process with the exit code that fits its outcome."""
    if sys.stderr is None:  # closed by the caller: nobody is to be told
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
    try:
        if callable(signal.getsignal(signal.SIGINT)):
            # From here on Ctrl-C is KeyboardInterrupt, which cleans up on its way.
            signal.signal(signal.SIGINT, signal.default_int_handler)
        remove_own_bytecode()
        app(prog_name=command)
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else FAILED if leaving.code else 0
        if code == INTERRUPTED:
            say(command, "interrupted")
    except KeyboardInterrupt:
        say(command, "interrupted")
        code = INTERRUPTED
    except MultistageDockerError as error:
        say(command, str(error) if isinstance(error, StoppedError) else f"error: {error}")
        if error.hint:
            say(command, error.hint)
        code = exit_code(error)
    except OSError as error:
        # What the system refuses where nothing else was to be expected: a removed working directory, say.
        say(command, f"error: {': '.join(filter(None, (error.filename, error.strerror)))}")
        code = FAILED
    sys.exit(code)


def exit_code(error: MultistageDockerError) -> int:
    """Return the exit code for a named error; a program that failed passes its own on, but that for usage."""
    match error:
        case UsageError():
            return USAGE
        case ProgramFailedError():
            # Negative where a signal ended the program, the kernel's when memory runs out, say; and where
            # dpkg-query ends with 2, it is not the usage of this command that is wrong.
            if error.returncode < 0:
                return SIGNALLED - error.returncode
            return FAILED if error.returncode == USAGE else error.returncode
        case StoppedError():
            return SIGNALLED + error.signal_number
        case _:
            return FAILED


def say(command: str, message: str) -> None:
    """Write one line to stderr, whatever characters the message holds; where that fails, nobody is told."""
    try:
        print(printable(f"{command}: {message}"), file=sys.stderr, flush=True)
    except OSError:
        forget(sys.stderr)


def write_result(text: str) -> None:
    """Write a whole result to stdout, or raise OutputError; a reader that has gone ends the process."""
    if sys.stdout is None:
        raise OutputError("cannot write the result: stdout is closed")
    try:
        # In UTF-8 whatever the locale; bytes of file names that are none come out as they were.
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        forget(sys.stdout)
        sys.exit(FAILED)
    except OSError as error:
        forget(sys.stdout)
        raise OutputError(f"cannot write the result: {error.strerror}") from None
