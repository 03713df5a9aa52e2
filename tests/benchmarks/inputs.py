"""What the benchmark searches: a large virtualenv, copies and parts of it, and files made to be slow."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from support.elf_writer import ElfFile

if TYPE_CHECKING:
    from pathlib import Path

REQUIREMENTS = (
    *("PySide6", "scipy", "pandas", "opencv-python", "pyarrow", "scikit-learn", "matplotlib"),
    *("vtk", "numba", "lxml", "jupyterlab"),
)
_SCIPY_STACK = ("numpy", "scipy", "pandas", "sklearn", "scikit_learn")


def has_program(name: str) -> bool:
    """Whether this machine has a program to compare with."""
    return shutil.which(name) is not None


def virtualenv(directory: Path) -> None:
    """Make the virtualenv; some 2.5 GB are downloaded and unpacked."""
    subprocess.run((sys.executable, "-m", "venv", str(directory)), check=True)
    subprocess.run((str(directory / "bin/pip"), "install", "--quiet", *REQUIREMENTS), check=True)


def copies(tree: Path, directory: Path, number: int) -> Path:
    """Return a directory of so many copies of a tree, by hard links: as many files, no more space."""
    target = directory / f"{number}-copies"
    target.mkdir()
    for one in range(number):
        subprocess.run(("cp", "--archive", "--link", str(tree), str(target / str(one))), check=True)
    return target


def scipy_stack(tree: Path, directory: Path) -> Path:
    """Return a directory with just the scipy stack of a virtualenv, by hard links."""
    target = directory / "scipy-stack"
    target.mkdir()
    for package in tree.glob("lib/python3*/site-packages/*"):
        if package.name.partition(".")[0].partition("-")[0] in _SCIPY_STACK:
            subprocess.run(("cp", "--archive", "--link", str(package), str(target)), check=True)
    return target


def noise(directory: Path) -> Path:
    """Return a directory with one file of 10 MB: the ELF header of a shared object, then random bytes."""
    target = directory / "noise"
    target.mkdir()
    (target / "noise.so").write_bytes(ElfFile().content()[:64] + os.urandom(10_000_000))
    return target


def tiny_files(directory: Path, number: int) -> Path:
    """Return a directory with so many ELF files that have a dynamic section and little else."""
    target = directory / "tiny"
    for one in range(number):
        file = ElfFile(needed=("libc.so.6", "libm.so.6"), soname=f"lib{one}.so")
        file.write(target / str(one % 100) / f"lib{one}.so")
    return target


def remove(directory: Path) -> None:
    """Remove a directory that was made here."""
    shutil.rmtree(directory)
