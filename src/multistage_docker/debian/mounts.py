"""Mounts: which paths lie on a mount of their own, and so are not part of the image that is being built."""

from __future__ import annotations

import os
import re

MOUNTINFO = "/proc/self/mountinfo"

_POINT_FIELD = 4


def parse_mountinfo(text: str) -> tuple[str, ...]:
    """Return the mount points of /proc/self/mountinfo (proc_pid_mountinfo(5)), sorted and unescaped."""
    points = {
        re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[_POINT_FIELD])
        for fields in map(str.split, text.splitlines())
        if len(fields) > _POINT_FIELD
    }
    return tuple(sorted(points))


def mount_point(path: str, points: tuple[str, ...]) -> str:
    """Return the longest mount point that path lies on or below; "/" where nothing else fits."""
    holding = (point for point in points if point in ("/", path) or path.startswith(point.rstrip("/") + "/"))
    return max(holding, key=len, default="/")


def read_mounts(path: str = MOUNTINFO) -> tuple[str, ...]:
    """Return this process's mount points; none where the kernel does not say."""
    try:
        with open(path, "rb") as file:
            return parse_mountinfo(os.fsdecode(file.read()))
    except OSError:
        return ()
