"""What results are got with: day, versions, number of processors."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.documents import Facts
    from support.engine import Engine

_PROGRAM = (
    "from importlib.metadata import version; from platform import python_version; "
    "print(version('multistage-docker'), open('/etc/debian_version').read().strip(), python_version())"
)


class NotInstalledError(Exception):
    """The running Python has no commands whose speed tells anything."""


def of_this_machine() -> Facts:
    """Return what commands beside the running Python are measured with.

    Raises NotInstalledError where there are none, or where they are installed in the editable way: they
    would compile themselves each time.
    """
    try:
        found = distribution("multistage-docker")
    except PackageNotFoundError:
        raise NotInstalledError(f"multistage-docker is not installed for {sys.executable}") from None
    origin = json.loads(found.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable", False):
        raise NotInstalledError(f"multistage-docker is installed in the editable way for {sys.executable}")
    debian = Path("/etc/debian_version").read_text(encoding="utf-8").strip()
    return _facts(found.version, debian, platform.python_version())


def of_image(engine: Engine, image: str, python: str) -> Facts:
    """Return what the commands in an image are measured with; ``python`` has them installed."""
    return _facts(*engine.output(image, python, "-c", _PROGRAM).split())


def _facts(tool: str, debian: str, python: str) -> Facts:
    date = dt.datetime.now(dt.timezone.utc).date().isoformat()
    processors = len(os.sched_getaffinity(0))
    return {"date": date, "tool": tool, "debian": debian, "python": python, "processors": processors}
