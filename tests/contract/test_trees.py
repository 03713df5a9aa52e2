"""Whole trees of this machine against ld.so: every file, every needed name."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from multistage_docker.elf.host import SystemHost
from multistage_docker.elf.platforms import PLATFORMS, platform_of
from multistage_docker.elf.scan import scan
from multistage_docker.forest import Choices
from multistage_docker.libdeps import find_libdeps
from support.ldso import differences

pytestmark = pytest.mark.contract


def test_every_needed_name_of_real_trees(capsys: pytest.CaptureFixture[str]) -> None:
    """For each ELF file of the standard library and of site-packages the loader module and ld.so agree."""
    roots = {sysconfig.get_path("platstdlib"), sysconfig.get_path("platlib"), os.path.dirname(sys.executable)}
    found = scan(sorted(roots))
    host = SystemHost(found.objects)
    native = next(platform for platform in PLATFORMS if os.path.exists(platform.loader))
    files, compared, wrong = 0, 0, []
    for path, elf in found.objects.items():
        if platform_of(elf) is not native or not elf.needed:
            continue
        number, differing = differences(path, host)
        files += 1
        compared += number
        wrong += differing
    with capsys.disabled():
        print(f"\n{compared} pairs of (file, needed name) of {files} files compared with ld.so")  # noqa: T201
    assert wrong == []
    assert compared > 0


def test_every_library_of_the_system(capsys: pytest.CaptureFixture[str]) -> None:
    """For a share of the libraries in ld.so.cache the loader module and ld.so agree."""
    host = SystemHost()
    assert host.cache
    native = next(platform for platform in PLATFORMS if os.path.exists(platform.loader))
    paths = sorted({entry.path for entries in host.cache.entries.values() for entry in entries})[::7]
    compared, wrong = 0, []
    for path in paths:
        elf = host.read(path)
        if elf and platform_of(elf) is native and elf.needed:
            number, differing = differences(path, host)
            compared += number
            wrong += differing
    with capsys.disabled():
        print(f"\n{compared} needed names of the system's libraries compared with ld.so")  # noqa: T201
    assert wrong == []


@pytest.mark.parametrize("options", [pytest.param((), id="links"), pytest.param(("--copies",), id="copies")])
def test_an_empty_virtualenv_needs_nothing(tmp_path: Path, options: tuple[str, ...]) -> None:
    """A fresh virtualenv needs no package but those of an interpreter that is copied into it."""
    command = (sys.executable, "-m", "venv", "--without-pip", *options, str(tmp_path / "venv"))
    subprocess.run(command, check=True)
    report = find_libdeps([str(tmp_path / "venv")], Choices(include_essential=True))
    assert report.missing == ()
    assert report.unpackaged == ()
    names = {package.name for package in report.packages}
    assert names <= ({"libc6", "zlib1g", "libexpat1"} if options else set())


def test_a_tree_that_holds_a_copy_of_a_system_library(tmp_path: Path) -> None:
    """The packages of a real program's libraries are listed, and those of its own directory are not."""
    program = os.path.realpath("/usr/bin/dpkg-query")
    copy = tmp_path / "bin" / "program"
    copy.parent.mkdir()
    copy.write_bytes(Path(program).read_bytes())
    report = find_libdeps([str(tmp_path)], Choices(include_essential=True))
    assert "libc6" in {package.name for package in report.packages}
    assert report.missing == ()
