"""Locks of apt that apt-get itself does not wait for: on its lists and its archives."""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING

from multistage_docker.errors import ProgramFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

APT_FAILED = 100

_POLL = 0.2  # seconds


class LockedError(ProgramFailedError):
    """Another process held a lock for all of the time that there was to wait."""

    def __init__(self, path: str, timeout: float) -> None:
        message = f"another process has held {path} for {timeout:.0f} seconds; end it, or try again later"
        super().__init__(message, returncode=APT_FAILED)
        self.path = path


def is_locked(path: str) -> bool:
    """Tell whether another process holds the lock, without creating the file or writing to it.

    apt takes POSIX record locks (fcntl(2)) for writing; those stand in the way of one for reading.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        # Closing lets go of the lock as well: apt is to take it next.
        os.close(descriptor)
    return False


def wait_until_free(paths: Iterable[str], timeout: float, say: Callable[[str], None]) -> None:
    """Wait until nobody holds any of the locks, saying so once for each, or raise LockedError."""
    end = time.monotonic() + timeout
    for path in paths:
        told = False
        while is_locked(path):
            if not told:
                say(f"waiting for another process to let go of {path}")
                told = True
            if time.monotonic() > end:
                raise LockedError(path, timeout)
            time.sleep(_POLL)
