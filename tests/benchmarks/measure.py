"""Runs programs and tells what each cost: seconds of wall time and processor time, kB of memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run cost: ``wall`` and ``processor`` (user and system) in seconds, ``memory`` in kB.

    ``memory`` is the largest resident set that any one of its processes had.
    """

    wall: float
    processor: float
    memory: int


def run(argv: Sequence[str], *, directory: str = "/", environment: Mapping[str, str] | None = None) -> Cost:
    """Run a program once, its output thrown away; the exit status is not looked at."""
    start = time.perf_counter()
    with subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=directory,
        env={**os.environ, **(environment or {})},
    ) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)


def median(costs: Sequence[Cost]) -> Cost:
    """Return the median of the times, and the largest memory."""
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.processor for cost in costs),
        max(cost.memory for cost in costs),
    )
