"""No bytecode stays behind: what the interpreter writes before a command can forbid it is removed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from multistage_docker.cli.bytecode import process_began, remove_bytecode

FIND_LIBDEPS = Path(sys.executable).with_name("find-libdeps")
APT_INSTALL = Path(sys.executable).with_name("apt-install")


def _run(cache: Path, *argv: str | Path) -> subprocess.CompletedProcess[bytes]:
    # With a prefix the interpreter finds no bytecode at all, as in a slim image, and writes it there.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(cache)
    return subprocess.run(argv, env=environment, capture_output=True, check=False)


def _bytecode(cache: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in cache.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "argv",
    [(FIND_LIBDEPS, "--version"), (FIND_LIBDEPS, "--nonsense"), (APT_INSTALL, "--help")],
    ids=["a command", "a usage error", "the other command"],
)
def test_nothing_is_left(argv: tuple[str | Path, ...], tmp_path: Path) -> None:
    """Where the system has no bytecode, a command leaves none, however it ends."""
    _run(tmp_path, *argv)
    assert _bytecode(tmp_path) == {}


def test_what_was_there_stays(tmp_path: Path) -> None:
    """Bytecode that another process wrote before is left as it is."""
    _run(tmp_path, sys.executable, "-c", "import enum, re, typing")
    before = _bytecode(tmp_path)
    assert before
    for path in before:
        os.utime(path, (0, 0))
    _run(tmp_path, FIND_LIBDEPS, "--version")
    assert _bytecode(tmp_path) == before


def test_the_folder_goes_when_it_is_empty(tmp_path: Path) -> None:
    """A folder made for bytecode goes with the last file in it, and no sooner."""
    specs = []
    for folder in ("first", "second"):
        spec = ModuleSpec("module", None, origin=str(tmp_path / folder / "module.py"))
        spec.cached = str(tmp_path / folder / "__pycache__" / "module.pyc")
        Path(spec.cached).parent.mkdir(parents=True)
        Path(spec.cached).touch()
        specs.append(spec)
    other = tmp_path / "second" / "__pycache__" / "other.pyc"
    other.touch()
    remove_bytecode([*specs, None], since=0)
    assert sorted(path.name for path in tmp_path.rglob("*")) == [
        "__pycache__",
        "first",
        "other.pyc",
        "second",
    ]


def test_a_module_without_source_stays(tmp_path: Path) -> None:
    """A module that is itself a bytecode file was installed, not written on the way."""
    module = tmp_path / "module.pyc"
    module.touch()
    spec = ModuleSpec("module", None, origin=str(module))
    spec.cached = str(module)
    remove_bytecode([spec], since=0)
    assert module.exists()


def test_when_a_process_began() -> None:
    """A process that has just begun did so between now and just before, to the kernel's clock tick."""
    before = time.time()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        began = process_began(Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8"))
        after = time.time()
        process.communicate()
    tick = 1 / os.sysconf("SC_CLK_TCK")
    assert before - 2 * tick <= began <= after


@pytest.mark.parametrize("stat", ["", "1 (sh) S 0", "1 (a) b) S 0"])
def test_an_odd_process_table(stat: str) -> None:
    """Text that is no entry of the process table says so."""
    with pytest.raises((ValueError, IndexError)):
        process_began(stat)
