"""A tree -> the Python interpreter that runs what stands in it."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_CONFIGURATION = "pyvenv.cfg"
_ENDING = f"/{_CONFIGURATION}"
_PROGRAMS = ("python3", "python")
_MINOR_VERSION = re.compile(r"\d+\.\d+")
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
        home = _settings(directory / _CONFIGURATION).get("home")
        if home:
            programs = (directory / "bin" / "python", Path(home, "python3"))
            interpreter = next(filter(None, map(_installation, programs)), None)
            if interpreter and interpreter.prefix == str(directory):
                # venv --copies leaves the library behind.
                return Interpreter(interpreter.executable, os.path.dirname(os.path.realpath(home)))
            return interpreter
    found = shutil.which("python3")
    return _installation(Path(found)) if found else None


@dataclass(frozen=True, slots=True, order=True)
class Misfit:
    """A virtualenv whose interpreter is not here, or has not the ``version`` that it was made for."""

    directory: str
    interpreter: str
    version: str = ""


def misfits(files: Iterable[str]) -> tuple[Misfit, ...]:
    """Return the virtualenvs among a tree's files, by their pyvenv.cfg, with a wrong interpreter."""
    found = []
    for directory in sorted(
        os.path.dirname(path) for path in files if os.path.basename(path) == _CONFIGURATION
    ):
        settings = _settings(Path(directory, _CONFIGURATION))
        programs = _programs(directory, settings.get("home", ""))
        if not programs:
            continue
        missing = next((program for program in programs if not os.path.isfile(program)), None)
        made_for = _MINOR_VERSION.match(settings.get("version", settings.get("version_info", "")))
        here = _MINOR_VERSION.match(os.path.basename(programs[0]).removeprefix("python"))
        if missing:
            found.append(Misfit(directory, missing))
        elif made_for and here and made_for.group() != here.group():
            found.append(Misfit(directory, programs[0], made_for.group()))
    return tuple(found)


def _programs(directory: str, home: str) -> list[str]:
    """Return the interpreters that a virtualenv leads to, links resolved; none where it names none."""
    links = [os.path.join(directory, "bin", name) for name in _PROGRAMS]
    real = [os.path.realpath(link) for link in links if os.path.lexists(link)]
    if real and os.path.isabs(home) and os.path.isfile(real[0]) and real[0].startswith(f"{directory}/"):
        # venv --copies leaves the standard library behind.
        at_home = [os.path.join(home, name) for name in _PROGRAMS]
        real.insert(0, os.path.realpath(next(filter(os.path.isfile, at_home), at_home[0])))
    return real


def _settings(configuration: Path) -> dict[str, str]:
    if not configuration.is_file():  # opening a FIFO would wait for ever
        return {}
    try:
        text = configuration.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return {}
    # A NUL is no part of any path or version, and the system's calls would refuse it.
    parted = (line.partition("=") for line in text.replace("\0", "").splitlines())
    return {key.strip().lower(): value.strip() for key, _, value in parted}


def _installation(program: Path) -> Interpreter | None:
    real = os.path.realpath(program)
    if not os.path.isfile(real):
        return None
    return Interpreter(real, os.path.dirname(os.path.dirname(real)))
