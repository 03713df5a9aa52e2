"""Removes each listed package in turn and prints which needs that breaks, by ld.so's own word.

The argument names a file with what find-libdeps knows (its JSON). A package whose removal breaks none of
the needs that it is listed for is needless.
"""

from __future__ import annotations

import glob
import json
import os
import subprocess
import sys
from typing import Any

from corpus.inside.glibc import traced

# By the byte that stands for 32 or 64 bits in an ELF file.
_LOADERS = {1: "/lib/ld-linux.so.2", 2: "/lib64/ld-linux-x86-64.so.2"}
_CLASS_OFFSET = 4
_DIRECTORIES = ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib")


def is_met(requirement: dict[str, Any]) -> bool:
    """Whether ld.so finds the library when it loads the file that needs it.

    For what code opens by name, and what ld.so has no line for, the question is whether the library stands
    where it was found, or in a default directory; find_library() is asked for the stem of a name.
    """
    if requirement["kind"] == "needed":
        loader = loader_of(requirement["file"])
        # The loader itself may have been removed: then nothing is met.
        answer = (
            traced(loader, requirement["file"]) if os.path.exists(loader) else {requirement["soname"]: ""}
        )
        if not isinstance(answer, str) and requirement["soname"] in answer:
            return bool(answer[requirement["soname"]])
    if os.path.exists(requirement["path"] or ""):
        return True
    names = (requirement["soname"], f"lib{requirement['soname']}.so*")
    return any(glob.glob(f"{directory}/{name}") for directory in _DIRECTORIES for name in names)


def loader_of(path: str) -> str:
    """Return the ld.so for an ELF file of this machine's family."""
    with open(path, "rb") as stream:
        return _LOADERS[stream.read(_CLASS_OFFSET + 1)[_CLASS_OFFSET]]


def main() -> None:
    """Judge every listed package, printing its broken needs."""
    judged = []
    with open(sys.argv[1], encoding="utf-8") as stream:
        known = json.load(stream)
    for package in known["packages"]:
        reasons = package["required_by"]
        unmet = [reason["soname"] for reason in reasons if not is_met(reason)]
        purge = subprocess.run(
            ("dpkg", "--purge", "--force-all", package["name"]), capture_output=True, text=True, check=False
        )
        broken = sorted({reason["soname"] for reason in reasons if not is_met(reason)} - set(unmet))
        judged.append(
            {
                "package": package["name"],
                "broken": broken,
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
