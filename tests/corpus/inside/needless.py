"""Removes each listed package in turn and prints which needs that breaks, by ld.so's own word.

The argument names a file with what find-libdeps knows (its JSON). A package whose removal breaks none of
the needs that it is listed for is needless. For a package that is listed only because code opens its library
by name this is no proof: it shows that nothing else supplies the library, not that anything wants it. Of
those it is said besides whether the case's check, the second and third argument, still runs. Removed packages
stay removed, so that this says something only of the first one: name a package as the fourth argument, in a
container of its own, to have just that one removed.
"""

from __future__ import annotations

import glob
import json
import os
import subprocess
import sys
from typing import Any

from corpus.inside.glibc import traced
from multistage_docker.elf.objects import read_object
from multistage_docker.elf.platforms import platform_of

_DIRECTORIES = ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib")


def is_met(requirement: dict[str, Any]) -> bool:
    """Whether ld.so finds the library when it loads the file that needs it.

    For what code opens by name, and what ld.so has no line for, the question is whether the library stands
    where it was found, or in a default directory; find_library() is asked for the stem of a name.
    """
    if requirement["kind"] == "needed":
        loader = _loader_of(requirement["file"])
        if not os.path.exists(loader):
            return False
        answer = traced(loader, requirement["file"])
        if not isinstance(answer, str) and requirement["soname"] in answer:
            return bool(answer[requirement["soname"]])
    if os.path.exists(requirement["path"] or ""):
        return True
    names = (requirement["soname"], f"lib{requirement['soname']}.so*")
    return any(glob.glob(f"{directory}/{name}") for directory in _DIRECTORIES for name in names)


def _loader_of(path: str) -> str:
    """Return the ld.so that a file is loaded by: another architecture has its own."""
    with open(path, "rb") as stream:
        platform = platform_of(read_object(stream))
    return platform.loader if platform else ""


def _place(requirement: dict[str, Any]) -> str:
    """Return what is opened and where, the file by the end of its path."""
    file = "/".join(requirement["file"].split("/")[-2:])
    return f"{requirement['soname']} in {file}:{requirement['line']}"


def _runs(python: str, program: str) -> bool:
    return subprocess.run((python, "-c", program), capture_output=True, check=False).returncode == 0


def main() -> None:
    """Judge every listed package, printing its broken needs."""
    judged = []
    with open(sys.argv[1], encoding="utf-8") as stream:
        known = json.load(stream)
    only = sys.argv[4:]
    for package in known["packages"]:
        if only and package["name"] not in only:
            continue
        reasons = package["required_by"]
        opened_only = all(reason["kind"] == "opened" for reason in reasons)
        unmet = [reason["soname"] for reason in reasons if not is_met(reason)]
        purge = subprocess.run(
            ("dpkg", "--purge", "--force-all", package["name"]), capture_output=True, text=True, check=False
        )
        broken = sorted({reason["soname"] for reason in reasons if not is_met(reason)} - set(unmet))
        judged.append(
            {
                "package": package["name"],
                "broken": broken,
                "opened_only": opened_only,
                "check_runs_without": opened_only and _runs(*sys.argv[2:4]),
                "opened_by": sorted(set(map(_place, reasons))) if opened_only else [],
                "unmet_before": sorted(set(unmet)),
                "complaint": purge.stderr.strip()[-300:] if purge.returncode else "",
            }
        )
    print(
        json.dumps(
            {"packages": judged, "needless": [item["package"] for item in judged if not item["broken"]]}
        )
    )


if __name__ == "__main__":
    main()
