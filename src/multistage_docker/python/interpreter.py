"""A tree -> the Python interpreter that runs what stands in it."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

_CONFIGURATION = "pyvenv.cfg"
_LIBPYTHON = re.compile(r"libpython\d[\d.]*[a-z]*\.so")


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python installation: its program, with links resolved, and the prefix below which it stands."""

    executable: str
    prefix: str

    def owns(self, path: str) -> bool:
        """Whether a path is this installation's own libpython (``libpython3.X.so.1.0``)."""
        return is_libpython(os.path.basename(path)) and path.startswith(f"{self.prefix.rstrip('/')}/")


def is_libpython(name: str) -> bool:
    """Whether a library's name is that of Python's own shared library."""
    return _LIBPYTHON.match(name) is not None


def interpreter_of(path: str) -> Interpreter | None:
    """Return the interpreter of the virtualenv at or above a path, by its pyvenv.cfg (PEP 405).

    Where there is none, the ``python3`` on PATH. None where the interpreter does not exist.
    """
    place = Path(os.path.realpath(path))
    for directory in (place, *place.parents):
        home = _home(directory / _CONFIGURATION)
        if home:
            return _installation(directory / "bin" / "python") or _installation(Path(home) / "python3")
    found = shutil.which("python3")
    return _installation(Path(found)) if found else None


def _home(configuration: Path) -> str:
    try:
        text = configuration.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
    found = re.search(r"^\s*home\s*=\s*(.+?)\s*$", text, re.MULTILINE)
    return found.group(1) if found else ""


def _installation(program: Path) -> Interpreter | None:
    real = os.path.realpath(program)
    if not os.path.isfile(real):
        return None
    return Interpreter(real, os.path.dirname(os.path.dirname(real)))
