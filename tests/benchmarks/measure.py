"""Runs programs and tells what each cost: seconds of wall time and processor time, kB of memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence

SPAWN = str(Path(__file__).with_name("spawn.py"))
Name = TypeVar("Name", bound="Hashable")


class RunFailedError(Exception):
    """A program ended with a status that it was not to end with, so that its time means nothing."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run cost: ``wall`` and ``processor`` (user and system) in seconds, ``memory`` in kB.

    ``memory`` is the largest resident set that any one of its processes had, and never below that of the
    small Python that starts it. ``lines`` is the number of lines that it printed.
    """

    wall: float
    processor: float
    memory: int
    lines: int


def environment() -> dict[str, str]:
    """Return this environment without the variables that change what a Python program loads."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def run(argv: Sequence[str], *, directory: str = "/", expected: Collection[int] = (0,)) -> Cost:
    """Run a program once, with what it prints in a file; the environment is that of ``environment``.

    Raises RunFailedError where
    ``expected`` holds exit statuses, and the program's is none of them.
    """
    with tempfile.TemporaryFile() as printed:
        descriptor = printed.fileno()
        done = subprocess.run(
            (sys.executable, "-I", "-S", SPAWN, str(descriptor), *argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            pass_fds=(descriptor,),
            cwd=directory,
            env=environment(),
            text=True,
            check=True,
        )
        wall, processor, memory, status = done.stdout.split()
        if expected and int(status) not in expected:
            raise RunFailedError(f"{' '.join(argv)}: exit status {status}")
        printed.seek(0)
        lines = sum(1 for _ in printed)
    return Cost(float(wall), float(processor), int(memory), lines)


def turns(times: Mapping[Name, int]) -> Iterator[Name]:
    """Yield each name as often as it is to run; they take turns, so that a slow minute meets all of them."""
    for turn in range(max(times.values(), default=0)):
        yield from (name for name, number in times.items() if turn < number)


def median(costs: Sequence[Cost]) -> Cost:
    """Return the median of the times, and the largest memory; the lines are those of the last run."""
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.processor for cost in costs),
        max(cost.memory for cost in costs),
        costs[-1].lines,
    )
