"""Removes each listed package in turn and prints which needs that breaks, by ld.so's own word.

The argument names a file with what find-libdeps knows (its JSON). A package whose removal breaks none of
the needs that it is listed for is needless.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from corpus.inside.glibc import traced

_LOADER = "/lib64/ld-linux-x86-64.so.2"


def is_met(requirement: dict[str, Any]) -> bool:
    """Whether ld.so finds the library when it loads the file that needs it.

    What is opened by name is needed as a whole: there the question is whether the library stands there.
    """
    answer = traced(_LOADER, requirement["file"]) if is_elf(requirement["file"]) else "no ELF file"
    if isinstance(answer, str):
        return os.path.exists(requirement["path"] or "")
    if requirement["soname"] not in answer:
        return os.path.exists(requirement["path"] or "")
    return bool(answer[requirement["soname"]])


def is_elf(path: str) -> bool:
    """Whether a file begins like an ELF file."""
    try:
        with open(path, "rb") as stream:
            return stream.read(4) == b"\x7fELF"
    except OSError:
        return False


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
