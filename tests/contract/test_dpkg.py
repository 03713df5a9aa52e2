"""Owners, closures and caches against the real dpkg, ldconfig and ld.so.conf of this machine."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from multistage_docker.debian.dpkg import installed_packages, native_architecture
from multistage_docker.debian.essential import essential_closure
from multistage_docker.debian.owners import owners
from multistage_docker.elf.host import SystemHost
from multistage_docker.elf.ldcache import configured_directories, parse_cache
from multistage_docker.elf.platforms import PLATFORMS
from multistage_docker.process import SystemRunner

if TYPE_CHECKING:
    from pathlib import Path

    from support.elf_data import ElfData

pytestmark = pytest.mark.contract

RUNNER = SystemRunner()


def libraries_of_this_machine() -> list[str]:
    """Return the paths of ld.so.cache."""
    cache = SystemHost().cache
    assert cache
    return sorted({entry.path for entries in cache.entries.values() for entry in entries})


def test_packages_are_those_that_dpkg_lists() -> None:
    """Names, versions and architectures are those of dpkg's own list."""
    text = subprocess.run(
        ("dpkg", "--list"), capture_output=True, check=True, text=True, env={**os.environ, "COLUMNS": "500"}
    )
    listed = {tuple(line.split()[1:4]) for line in text.stdout.splitlines() if line[1:2] == "i"}
    native = native_architecture(RUNNER)
    found = installed_packages(RUNNER)
    assert len(found) == len(listed)
    for package in found:
        names = {package.name, f"{package.name}:{package.architecture}"}
        assert any((name, package.version, package.architecture) in listed for name in names)
    assert any(package.essential for package in found)
    assert native in {package.architecture for package in found}


def test_every_library_of_the_cache_has_the_owner_that_dpkg_names() -> None:
    """For each cached library below /lib and /usr/lib, asked for one by one, dpkg-query says the same."""
    installed = installed_packages(RUNNER)
    paths = [path for path in libraries_of_this_machine() if not path.startswith("/usr/local/")][::25]
    found = owners(RUNNER, paths, installed)
    for path in paths:
        expected = set()
        for spelling in (path, os.path.realpath(path)):
            for asked in (spelling, spelling.removeprefix("/usr"), f"/usr{spelling}"):
                done = subprocess.run(("dpkg", "-S", asked), capture_output=True, check=False, text=True)
                lines = [line for line in done.stdout.splitlines() if not line.startswith("diversion by ")]
                expected |= {line.partition(": ")[0] for line in lines if line.endswith(f" {asked}")}
            if expected:
                break
        qualified = {f"{package.name}:{package.architecture}" for package in found.get(path, ())}
        assert qualified == {name if ":" in name else f"{name}:all" for name in expected}
    assert found


def test_both_spellings_have_the_same_owner() -> None:
    """The C library belongs to libc6 under /lib and under /usr/lib."""
    triplet = next(p.triplet for p in PLATFORMS if os.path.exists(p.loader))
    paths = [f"{prefix}/lib/{triplet}/libc.so.6" for prefix in ("", "/usr")]
    found = owners(RUNNER, paths, installed_packages(RUNNER))
    assert [[package.name for package in found[path]] for path in paths] == [["libc6"], ["libc6"]]


def test_an_alternative(tmp_path: Path) -> None:
    """What update-alternatives has linked belongs to the package of the file behind the links."""
    triplet = next(p.triplet for p in PLATFORMS if os.path.exists(p.loader))
    folders = {name: tmp_path / name for name in ("alternatives", "admin", "lib")}
    for folder in folders.values():
        folder.mkdir()
    link = folders["lib"] / "libblas.so.3"
    subprocess.run(
        (
            *(
                "update-alternatives",
                "--quiet",
                "--altdir",
                folders["alternatives"],
                "--admindir",
                folders["admin"],
            ),
            *(
                "--log",
                tmp_path / "log",
                "--install",
                link,
                "libblas.so.3",
                f"/usr/lib/{triplet}/libm.so.6",
                "10",
            ),
        ),
        check=True,
    )
    assert os.readlink(link).startswith(str(folders["alternatives"]))
    found = owners(RUNNER, [str(link)], installed_packages(RUNNER))
    assert [package.name for package in found[str(link)]] == ["libc6"]


def test_the_essential_closure_is_what_apt_could_never_remove() -> None:
    """The closure holds each Essential package, the C library, and all that these depend on directly."""
    installed = installed_packages(RUNNER)
    closure = essential_closure(installed, native_architecture(RUNNER))
    names = {package.name for package in closure}
    assert {package.name for package in installed if package.essential} <= names
    assert {"libc6", "libgcc-s1", "dpkg", "bash"} <= names
    assert not names & {"apt", "gcc", "python3", "adduser"}


def _ldconfig(*arguments: str) -> str:
    command = ("/sbin/ldconfig", *arguments)
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def test_the_cache_holds_what_ldconfig_prints() -> None:
    """Each line of ``ldconfig -p`` is an entry, and there are no others."""
    cache = SystemHost().cache
    assert cache
    printed = set()
    for line in _ldconfig("-p").splitlines()[1:]:
        name, arrow, path = line.strip().partition(" => ")
        if arrow:
            printed.add((name.partition(" (")[0], path))
    assert {(name, entry.path) for name, entries in cache.entries.items() for entry in entries} == printed


@pytest.mark.parametrize("form", ["new", "compat"])
def test_caches_that_ldconfig_writes(tmp_path: Path, form: str, elf_data: ElfData) -> None:
    """A cache of ldconfig's own, with an old-format part or without, holds a library under its SONAME."""
    libraries = tmp_path / "my libs"
    libraries.mkdir()
    (libraries / "libsample.so.1").write_bytes(elf_data.read("plain.so"))
    conf, cache_file = tmp_path / "ld.so.conf", tmp_path / "ld.so.cache"
    conf.write_text(f"{libraries}/  # ours\n")
    _ldconfig("-X", "-c", form, "-C", str(cache_file), "-f", str(conf))
    cache = parse_cache(cache_file.read_bytes())
    assert cache
    assert cache.find("libsample.so.1", ()) == (f"{libraries}/libsample.so.1",)
    assert configured_directories(conf) == (str(libraries),)


def test_configured_directories_are_those_that_ldconfig_visits() -> None:
    """Each directory of ld.so.conf that exists is one that ``ldconfig -v`` visits."""
    visited = {
        os.path.realpath(line.partition(":")[0])
        for line in _ldconfig("-v", "-N", "-X").splitlines()
        if line.startswith("/")
    }
    configured = SystemHost().configured_directories
    assert configured
    assert {os.path.realpath(path) for path in configured if os.path.isdir(path)} <= visited
