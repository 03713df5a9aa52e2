"""Compares the loader module with glibc's own ld.so on every ELF file of a tree.

Each file is its own program here, on both sides: no interpreter has opened it, nothing is preloaded. Prints
how many (file, soname) pairs were compared, those of the file itself and those of the libraries that it
brings in, and each that differs.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from multistage_docker.elf.host import SystemHost
from multistage_docker.elf.loader import Loader
from multistage_docker.elf.platforms import platform_of
from multistage_docker.elf.scan import scan

if TYPE_CHECKING:
    from collections.abc import Collection

    from multistage_docker.elf.loader import Link

_LONGEST_SECONDS = 120
_LINE = re.compile(r"^\t(?P<name>.+?)(?: => (?P<path>not found|.+?))?(?: \(0x[0-9a-f]+\))?$", re.MULTILINE)
_NOT_FOUND = "not found"


def parse_trace(output: str) -> dict[str, str]:
    """Return what ld.so lists, path by name, "" for what it does not find; the kernel's vdso is left out."""
    found = {}
    for line in _LINE.finditer(output):
        target = line["path"] or line["name"]
        if target == _NOT_FOUND:
            found[line["name"]] = ""
        elif "/" in target:
            found[line["name"]] = target
    return found


def traced(loader: str, path: str) -> dict[str, str] | str:
    """Return ld.so's list for a file with real paths, or its complaint where it refuses the file.

    ``LD_TRACE_LOADED_OBJECTS`` is what ldd sets: unlike ``--list`` it goes on after a missing library.
    """
    done = subprocess.run(
        (loader, path),
        capture_output=True,
        check=False,
        timeout=_LONGEST_SECONDS,
        cwd="/",
        env={"LD_TRACE_LOADED_OBJECTS": "1", "LC_ALL": "C.UTF-8"},
    )
    output = os.fsdecode(done.stdout)
    if "statically linked" in output:
        return {}
    if not output:
        return os.fsdecode(done.stderr).strip() or f"exit status {done.returncode}"
    return {name: target and os.path.realpath(target) for name, target in parse_trace(output).items()}


def judge(link: Link, theirs: dict[str, str], unlisted: Collection[str]) -> str | None:
    """Return ld.so's answer where it differs from the loader module's for a link, else None.

    ld.so prints each object once, under the name that it was first asked for by: another name for the same
    object has no line. ``unlisted`` are ld.so, which it lists by the name that it was started by, and the
    file itself, which libraries in a circle need and which has no line at all.
    """
    ours = os.path.realpath(link.path) if link.path else ""
    if ours in unlisted or theirs.get(link.name) == ours:
        return None
    if link.name not in theirs and ours and ours in theirs.values():
        return None
    return theirs.get(link.name, "(no line)") or _NOT_FOUND


def main() -> None:
    """Compare every file below the argument and print the result."""
    scanned = scan([sys.argv[1]])
    host = SystemHost(scanned.objects)
    direct = indirect = not_found = files = 0
    differing: list[dict[str, str]] = []
    refused: list[dict[str, str]] = []
    absent: list[dict[str, str]] = []
    for path, elf in scanned.objects.items():
        platform = platform_of(elf)
        if platform is None or not os.path.exists(platform.loader):
            continue
        files += 1
        theirs = traced(platform.loader, path)
        if isinstance(theirs, str):
            refused.append({"file": path, "complaint": theirs})
            continue
        unlisted = (path, os.path.realpath(platform.loader))
        for link in Loader(host, platform).load(path, elf, lambda _: True):
            if link.requester == path:
                direct += 1
            else:
                indirect += 1
            answer = judge(link, theirs, unlisted)
            if answer is not None:
                differing.append(
                    {
                        "file": path,
                        "requester": link.requester,
                        "name": link.name,
                        "ours": link.path or "",
                        "glibc": answer,
                    }
                )
            elif not link.path and link.requester == path:
                not_found += 1
                absent.append({"file": path, "soname": link.name})
    document = {
        "files": files,
        "direct": direct,
        "indirect": indirect,
        "not_found": not_found,
        "differing": differing,
        "refused": refused,
        "absent": absent,
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
