"""SOURCE_DATE_EPOCH: the times of what a run wrote, clamped so that two builds give the same layer."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from multistage_docker.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NANOSECONDS = 1_000_000_000
_MOST_DIGITS = 20
_SHOWN = 60


def source_date_epoch(environment: Mapping[str, str]) -> int | None:
    """Return SOURCE_DATE_EPOCH in seconds, None where it is not set; UsageError where it is no number."""
    value = environment.get("SOURCE_DATE_EPOCH", "")
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS):
        raise UsageError(f"SOURCE_DATE_EPOCH is {value[:_SHOWN]!r}: expected seconds since 1970")
    return int(value)


def clamp_times(root: str, epoch: int, since: int, mounts: tuple[str, ...]) -> int:
    """Set the modification time of everything below root that was written since to at most epoch.

    What was written is told by the change time, which no program can set; ``since`` is one in nanoseconds.
    Mounts are left alone. Returns the number of entries whose time was set.
    """
    limit = epoch * _NANOSECONDS
    changed = 0
    for path in _below(root, frozenset(mounts) - {root}):
        # What a process removes meanwhile, or the engine has put there read-only, has no time to set.
        with contextlib.suppress(OSError):
            status = os.lstat(path)
            if status.st_ctime_ns >= since and status.st_mtime_ns > limit:
                os.utime(path, ns=(limit, limit), follow_symlinks=False)
                changed += 1
    return changed


def _below(root: str, mounts: frozenset[str]) -> Iterator[str]:
    yield root
    pending = [root]
    while pending:
        with contextlib.suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.path in mounts:
                    continue
                yield entry.path
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
