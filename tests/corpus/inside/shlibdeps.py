"""Prints the packages that dpkg-shlibdeps finds for the ELF files of a tree.

It wants a source package around it: a control file is made up. Directories of the tree that hold libraries
are given with -l. Where it refuses files whose libraries it cannot find, it is asked again without them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_CONTROL = """\
Source: corpus
Maintainer: nobody <nobody@example.org>

Package: corpus
Architecture: any
Depends: ${shlibs:Depends}
Description: stands in for a package
"""
_LONGEST_SECONDS = 1500
_REFUSED = re.compile(
    r"error: (?:cannot find library \S+ needed by (?P<needs>\S+)|"
    r"(?P<cannot>\S+): cannot|no dependency information found for \S+ \(used by (?P<used>\S+)\))"
)
_MOST_ROUNDS = 4
_OUTPUT_KEPT = 600


def parse_depends(text: str) -> tuple[str, ...]:
    """Return the package names of a ``shlibs:Depends=`` line, of alternatives the first."""
    packages = set()
    for line in text.splitlines():
        name, _, value = line.partition("=")
        if name == "shlibs:Depends":
            packages |= {
                group.split("|")[0].split()[0].partition(":")[0]
                for group in value.split(",")
                if group.strip()
            }
    return tuple(sorted(packages))


def parse_provides(text: str) -> dict[str, str]:
    """Return the providing package by virtual name, of dpkg-query's lines of a package and its Provides."""
    provided: dict[str, str] = {}
    for line in text.splitlines():
        package, _, names = line.partition("\t")
        for name in names.split(","):
            if name.strip():
                provided.setdefault(name.split()[0].partition(":")[0], package)
    return provided


def real_names(packages: Iterable[str]) -> tuple[str, ...]:
    """Return the packages with the installed provider in place of a virtual package that shlibs name."""
    done = subprocess.run(
        ("dpkg-query", "-W", "-f", "${Package}\t${Provides}\n"), capture_output=True, text=True, check=True
    )
    provided = parse_provides(done.stdout)
    installed = {line.partition("\t")[0] for line in done.stdout.splitlines()}
    real = {name if name in installed else provided.get(name, name) for name in packages}
    return tuple(sorted(real))


def parse_refused(text: str) -> tuple[str, ...]:
    """Return the files that dpkg-shlibdeps names in its errors."""
    found = {next(filter(None, match.groups())) for match in _REFUSED.finditer(text)}
    return tuple(sorted(os.path.normpath(path) for path in found))


def elf_files(root: str) -> list[str]:
    """Return the files below a directory that begin like an ELF file."""
    found = []
    for directory, _, names in os.walk(root):
        for name in names:
            path = os.path.join(directory, name)
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as stream:
                    if stream.read(4) == b"\x7fELF":
                        found.append(path)
    return sorted(found)


def ask(files: list[str], directories: list[str]) -> tuple[int, tuple[str, ...], str]:
    """Run dpkg-shlibdeps once; return its exit status, the packages and what it said."""
    with tempfile.TemporaryDirectory() as folder:
        debian = Path(folder) / "debian"
        debian.mkdir()
        (debian / "control").write_text(_CONTROL)
        argv = ["dpkg-shlibdeps", "-O", "--ignore-missing-info", *(f"-l{path}" for path in directories)]
        done = subprocess.run(
            [*argv, *(f"-e{path}" for path in files)],
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_LONGEST_SECONDS,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        )
    return done.returncode, parse_depends(done.stdout), done.stderr


def main() -> None:
    """Ask for all files, then without those that were refused, and print both answers."""
    files = elf_files(sys.argv[1])
    directories = sorted({os.path.dirname(path) for path in files if ".so" in os.path.basename(path)})
    left_out: list[str] = []
    complaint = ""
    start = time.perf_counter()
    seconds = 0.0
    returncode, packages = 0, tuple[str, ...]()
    for round_number in range(_MOST_ROUNDS):
        if not files:
            break
        returncode, packages, said = ask(files, directories)
        if round_number == 0:
            seconds = round(time.perf_counter() - start, 2)
            errors = [line for line in said.splitlines() if "error:" in line]
            complaint = "\n".join(errors)[:_OUTPUT_KEPT] if returncode else ""
        refused = [path for path in files if path in parse_refused(said)]
        if returncode == 0 or not refused:
            break
        left_out += refused
        files = [path for path in files if path not in refused]
    document = {
        "runs_on_all": not complaint,
        "complaint": complaint,
        "answers": returncode == 0,
        "packages": real_names(packages),
        "files": files,
        "left_out": sorted(left_out),
        "seconds": seconds,
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
