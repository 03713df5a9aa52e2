"""Opening files of trees that nobody vouches for."""

from __future__ import annotations

import os
import stat
from io import FileIO


def open_regular(path: str) -> FileIO | None:
    """Open a regular file to be read, unbuffered; None where something else stands at the path.

    Never follows a link, which may lead out of the tree, and never waits for a FIFO's writer. OSError
    comes through.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return FileIO(descriptor)
    os.close(descriptor)
    return None
