"""What people use today to find the packages, written from the well-known descriptions."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.dockerfiles import VIRTUALENV


@dataclass(frozen=True, slots=True)
class Peer:
    """A way to list packages: a shell script for the builder image that prints one package a line."""

    name: str
    title: str
    script: str


NOTHING = Peer("nothing", "nothing installed", "true")

# Looks up the bare names that ldd prints, so dpkg-query takes them for patterns.
CLASSIC = Peer(
    "classic",
    "ldd | dpkg-query -S",
    f"find {VIRTUALENV} -type f -name '*.so' -print0 | xargs -0 -r ldd 2>/dev/null "
    "| awk '/=>/ {print $1}' | sort -u | xargs -r dpkg-query -S 2>/dev/null | cut -d: -f1 | sort -u",
)

# As the official python images do for /usr/local: executable files, one ldd each, paths without /usr.
OFFICIAL = Peer(
    "official",
    "ldd | dpkg-query --search, as in the official images",
    f"find {VIRTUALENV} -type f -executable -exec ldd {{}} ';' 2>/dev/null "
    f'| awk \'/=>/ {{path = $(NF-1); if (path !~ "^({VIRTUALENV}|/usr/local)/") '
    '{sub("^/(usr/)?", "", path); print "*" path}}\' | sort -u '
    "| xargs -r dpkg-query --search 2>/dev/null "
    '| awk \'sub(":$", "", $1) {print $1}\' | cut -d: -f1 | sort -u',
)

SHLIBDEPS = "shlibdeps"
SHLIBDEPS_TITLE = "dpkg-shlibdeps"

SCRIPTED = (NOTHING, CLASSIC, OFFICIAL)
TITLES = {**{peer.name: peer.title for peer in SCRIPTED}, SHLIBDEPS: SHLIBDEPS_TITLE}


def parse_packages(text: str) -> tuple[str, ...]:
    """Return the packages that a script printed, one or more a line, commas between several owners."""
    words = text.replace(",", " ").split()
    return tuple(sorted({word.partition(":")[0] for word in words if word}))
