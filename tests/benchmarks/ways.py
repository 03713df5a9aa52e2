"""The ways to install a package in a Dockerfile: apt-install, and what people write instead."""

from __future__ import annotations

from dataclasses import dataclass

_UPDATE = "apt-get update && apt-get install -y --no-install-recommends"
# That /var/lib/cache does not exist is part of the line as it goes from hand to hand.
CLEAN = "rm -fr /var/lib/apt/lists /var/lib/cache/* /var/log/*"


@dataclass(frozen=True, slots=True)
class Way:
    """A way to install: its command, and its command where the directories of ``caches`` are cache mounts.

    ``cached`` is empty where the way knows of no cache mounts. Both have a place for the package.
    """

    name: str
    title: str
    plain: str
    cached: str = ""
    caches: tuple[str, ...] = ()


APT_INSTALL = Way(
    "apt-install",
    "apt-install",
    "apt-install {package}",
    "apt-install {package}",
    ("/var/cache/apt", "/var/lib/apt/lists"),
)

CLASSIC = Way("classic", "the classic line", f"{_UPDATE} {{package}} && {CLEAN}")

# As Docker's documentation has it: https://docs.docker.com/build/building/best-practices/#apt-get, and for
# cache mounts https://docs.docker.com/reference/dockerfile/#example-cache-apt-packages
DOCUMENTED = Way(
    "documented",
    "Docker's documentation",
    f"{_UPDATE} {{package}} && rm -rf /var/lib/apt/lists/*",
    "rm -f /etc/apt/apt.conf.d/docker-clean; "
    "echo 'Binary::apt::APT::Keep-Downloaded-Packages \"true\";' > /etc/apt/apt.conf.d/keep-cache; "
    f"{_UPDATE} {{package}}",
    ("/var/cache/apt", "/var/lib/apt"),
)

# The first is what the others are compared with.
WAYS = (APT_INSTALL, CLASSIC, DOCUMENTED)
