"""The bytecode that the interpreter wrote as this very process began: it goes again.

These commands run as root inside images whose every byte counts. No more bytecode is written once the
package of the command lines is imported, but by then the interpreter has imported its own first modules
(encodings, re, typing), and where an image has no bytecode of those, as slim images do, it has written some.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_STAT = "/proc/self/stat"
_START_TIME = 22 - 3  # proc(5): field 22; what follows the name in parentheses begins with field 3


def remove_own_bytecode() -> None:
    """Remove the bytecode files of imported modules that were written since this process began.

    What was there before stays. Where it cannot be told when the process began, nothing is removed; what
    cannot be removed stays.
    """
    try:
        with open(_STAT, encoding="utf-8", errors="replace") as stream:
            began = process_began(stream.read())
    except (OSError, ValueError, IndexError):
        return
    remove_bytecode([getattr(module, "__spec__", None) for module in list(sys.modules.values())], since=began)


def process_began(stat: str) -> float:
    """Return when a process began, in seconds since the epoch, from its ``/proc/PID/stat`` (proc(5)).

    The kernel counts in clock ticks, so that it may be one tick (10 ms) too early, never too late. Raises
    ValueError or IndexError for other text.
    """
    ticks = int(stat.rpartition(")")[2].split()[_START_TIME])
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.time() - age


def remove_bytecode(specs: Iterable[object], *, since: float) -> None:
    """Remove bytecode files of module specifications that were written since then, and folders left empty."""
    folders = set()
    for spec in specs:
        path = getattr(spec, "cached", None)
        # A module may be its own cache: there is no source then, and nothing was written.
        if not isinstance(path, str) or path == getattr(spec, "origin", None):
            continue
        with contextlib.suppress(OSError):
            status = os.stat(path)
            # An image may carry times of the future; what was unpacked before cannot have changed since.
            if min(status.st_mtime, status.st_ctime) >= since:
                os.unlink(path)
                folders.add(os.path.dirname(path))
    for folder in folders:
        with contextlib.suppress(OSError):
            os.rmdir(folder)
