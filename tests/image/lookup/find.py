"""Run in a container: look libraries up, and say as JSON what was found and what changed on the system."""

from __future__ import annotations

import json
import os
import sys
import tempfile

from multistage_docker.debian.lookup import Lookup
from multistage_docker.errors import ArchiveError
from multistage_docker.process import SystemRunner

_TRIPLET = "x86_64-linux-gnu"
_DIRECTORIES = (f"/lib/{_TRIPLET}", f"/usr/lib/{_TRIPLET}", "/lib", "/usr/lib")


def files() -> set[tuple[str, int]]:
    """Return every path of the system where apt may write, with its time of change."""
    return {
        (os.path.join(directory, name), os.lstat(os.path.join(directory, name)).st_ctime_ns)
        for top in ("/etc", "/tmp", "/var")  # noqa: S108 - looked at, not written to
        for directory, directories, names in os.walk(top)
        for name in (*directories, *names)
    }


def main() -> None:
    """Look the arguments up."""
    before = files()
    found = {}
    failure = ""
    with tempfile.TemporaryDirectory() as directory:
        try:
            lookup = Lookup(SystemRunner(), directory, _DIRECTORIES, "amd64")
            found = {name: one.package for name, one in lookup.find(sys.argv[1:]).items()}
        except ArchiveError as error:
            failure = str(error)
    changed = sorted(path for path, _ in files() ^ before)
    json.dump({"found": found, "failure": failure, "changed": changed}, sys.stdout)


if __name__ == "__main__":
    main()
