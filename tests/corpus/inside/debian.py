"""What dpkg says of the container that a program runs in."""

from __future__ import annotations

import subprocess

_FIELDS = "${db:Status-Abbrev}\t${binary:Package}\t${Version}\t${Installed-Size}\n"


def installed() -> dict[str, tuple[str, int]]:
    """Return version and Installed-Size (kB) of each installed package, by name without architecture."""
    done = subprocess.run(
        ("dpkg-query", "-W", "-f", _FIELDS),
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin"},
    )
    return parse_installed(done.stdout)


def parse_installed(text: str) -> dict[str, tuple[str, int]]:
    """Read dpkg-query's lines in the fields that ``installed`` asks for."""
    packages = {}
    for line in text.splitlines():
        status, name, version, size = line.split("\t")
        if status.startswith("ii"):
            packages[name.partition(":")[0]] = (version, int(size or 0))
    return packages
