"""glibc's own loader as the oracle: what ld.so lists beside what the loader module finds."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from multistage_docker.elf.loader import Loader
from multistage_docker.elf.platforms import platform_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from multistage_docker.elf.host import Host

_LINE = re.compile(r"^\t(?P<name>.+?)(?: => (?P<path>not found|.+?))?(?: \(0x[0-9a-f]+\))?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Difference:
    """A name for which the two do not find the same file; "" stands for nothing."""

    file: str
    name: str
    ours: str
    glibc: str


def listed(path: str, environment: Mapping[str, str] | None = None, directory: str = "/") -> dict[str, str]:
    """Return what ld.so lists for a file: name -> path, "" where it finds nothing.

    Only the loader runs; it maps the file and its libraries and starts none of them. LD_TRACE_LOADED_OBJECTS
    is what ``ld.so --list`` sets as well, but ends at the first missing library in glibc 2.36.
    """
    done = subprocess.run(
        (loader_of_this_machine(), path),
        capture_output=True,
        check=False,
        cwd=directory,
        env={"LC_ALL": "C.UTF-8", "LD_TRACE_LOADED_OBJECTS": "1", **(environment or {})},
    )
    output = os.fsdecode(done.stdout)
    if not output:
        raise AssertionError(f"ld.so cannot load {path}: {os.fsdecode(done.stderr).strip()}")
    found = {}
    for line in _LINE.finditer(output):
        target = line["path"] or line["name"]
        if line["name"] == loader_of_this_machine():  # glibc 2.41 lists itself among what is loaded
            continue
        if "/" in target or target == "not found":  # else the kernel's vdso
            found[line["name"]] = "" if target == "not found" else os.path.realpath(target)
    return found


def differences(
    path: str,
    host: Host,
    *,
    follow: Callable[[str], bool] = lambda _: True,
    environment: Mapping[str, str] | None = None,
) -> tuple[int, list[Difference]]:
    """Return how many names were compared, and those for which the loader module and ld.so differ.

    ld.so prints one line for each object of the process, under the name that it was first asked for by:
    another name for the same object has no line, and agrees where both mean the same file.
    """
    elf = host.read(path)
    if elf is None:
        raise AssertionError(f"{path} cannot be read")
    platform = platform_of(elf)
    if platform is None:
        raise AssertionError(f"{path} is for another machine")
    library_path = tuple((environment or {}).get("LD_LIBRARY_PATH", "").split(":"))
    links = Loader(host, platform, library_path=library_path).load(path, elf, follow)
    theirs = listed(path, environment)
    wrong = []
    for link in links:
        ours = os.path.realpath(link.path) if link.path else ""
        if ours in _GLIBC_ITSELF or theirs.get(link.name) == ours:
            continue
        if link.name not in theirs and ours in theirs.values():
            continue
        wrong.append(Difference(path, link.name, ours, theirs.get(link.name, "(not asked for)")))
    return len(links), wrong


def loader_of_this_machine() -> str:
    """Return the path of glibc's ld.so."""
    return next(path for path in _LOADERS if os.path.exists(path))


_LOADERS = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1")
# ld.so lists itself under the name that it was started by.
_GLIBC_ITSELF = frozenset(os.path.realpath(path) for path in _LOADERS)


def platform_by_glibc() -> str:
    """Return what ``$PLATFORM`` stands for on this machine."""
    argv = (loader_of_this_machine(), "--list-diagnostics")
    output = subprocess.run(argv, capture_output=True, check=True, text=True).stdout
    found = re.search(r'^dl_platform="(.*)"$', output, re.MULTILINE)
    if not found:
        raise AssertionError("ld.so does not say what $PLATFORM stands for")
    return found.group(1)
