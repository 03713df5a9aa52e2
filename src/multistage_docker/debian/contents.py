"""File name -> package, for what is not installed: Policy's names, Contents indexes, lists of debs."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from posixpath import basename, dirname
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SONAME = re.compile(r"(?P<stem>.+?)\.so(?:\.(?P<version>.+))?$")
# Endings of the 64-bit time_t and the C++11 ABI transitions; a package has one only if the archive says so.
_TRANSITIONS = ("", "t64", "v5")
_CHUNK = 1 << 20


def candidate_names(soname: str) -> tuple[str, ...]:
    """Return the names that a package with this library may have, the likeliest first (Debian Policy 8.1).

    ``libfoo.so.1`` is libfoo1, ``libfoo-1.2.so`` is libfoo-1.2, and a digit before ``.so.`` gets a hyphen
    behind it; libraries with their API version in the name often go without the first hyphen
    (libglib-2.0.so.0 is in libglib2.0-0). Guesses all: the archive has to confirm each of them.
    """
    match = _SONAME.match(basename(soname))
    if not match:
        return ()
    stem, version = match["stem"].lower().replace("_", "-"), (match["version"] or "").lower()
    joint = "-" if version and stem[-1].isdigit() else ""
    names = (f"{stem}{joint}{version}", re.sub(r"-(?=\d)", "", stem, count=1) + joint + version)
    return tuple(dict.fromkeys(f"{name}{ending}" for name in names for ending in _TRANSITIONS))


@dataclass(frozen=True, slots=True)
class Library:
    """A library by the name that is asked for: a file name, or a stem as ``find_library`` takes it.

    A stem stands for every versioned name of that library, but not for a development package's link.
    """

    name: str

    @property
    def is_stem(self) -> bool:
        """Whether the name is a stem: ``pq`` for ``libpq.so.5``."""
        return ".so" not in self.name

    @property
    def beginning(self) -> str:
        """What the name of each of its files begins with."""
        return f"lib{self.name}.so." if self.is_stem else basename(self.name)

    def is_file(self, name: str) -> bool:
        """Whether a file of that name is this library."""
        if not self.is_stem:
            return name == self.beginning
        return re.fullmatch(rf"{re.escape(self.beginning)}\d+", name) is not None

    def is_package(self, name: str) -> bool:
        """Whether a package is named as one with a version of this stem's library would be."""
        stem = re.escape(self.name.lower().replace("_", "-"))
        return re.fullmatch(rf"lib{stem}-?\d[\d.]*(?:{'|'.join(_TRANSITIONS)})", name) is not None


def packages_shipping(
    chunks: Iterable[bytes], libraries: Iterable[Library], directories: Iterable[str]
) -> dict[Library, tuple[str, ...]]:
    """Search a Contents index for library files; return the packages that ship each, sorted.

    ``chunks`` are the index's bytes in order, of lines ``path  section/package[,section/package]`` sorted
    by path; reading stops behind the last path that can match. A file counts in ``directories`` only: a
    private plugin of the same name is another thing.
    """
    wanted = tuple(libraries)
    places = frozenset(directory.lstrip("/") for directory in directories)
    last = max((f"{place}/".encode() for place in places), default=b"")
    found: dict[Library, set[str]] = {}
    for block in _blocks(chunks):
        if block[: len(last)] > last:
            break
        for library in wanted:
            for path, packages in _lines_with(block, os.fsencode(library.beginning)):
                if library.is_file(basename(path)) and dirname(path) in places:
                    found.setdefault(library, set()).update(packages)
    return {library: tuple(sorted(packages)) for library, packages in found.items()}


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Part a stream at line ends, so that no line stands in two blocks."""
    rest = b""
    for chunk in chunks:
        head, end, tail = (rest + chunk).rpartition(b"\n")
        if end:
            yield head
        rest = tail
    if rest:
        yield rest


def _lines_with(block: bytes, name: bytes) -> Iterator[tuple[str, tuple[str, ...]]]:
    at = block.find(name)
    while at >= 0:
        start, end = block.rfind(b"\n", 0, at) + 1, block.find(b"\n", at)
        end = len(block) if end < 0 else end
        yield _parse_line(block[start:end].decode("utf-8", "surrogateescape"))
        at = block.find(name, end)


def _parse_line(line: str) -> tuple[str, tuple[str, ...]]:
    path, packages = line.rsplit(None, 1) if len(line.split(None, 1)) > 1 else (line, "")
    return path.rstrip(), tuple(basename(package) for package in packages.split(","))


def ships(listing: str, library: Library, directories: Iterable[str], *, below: bool = False) -> bool:
    """Whether ``dpkg-deb --contents`` lists a library, or a link to it, in one of the directories.

    ``below`` accepts a subdirectory of one as well, which is where the choices of update-alternatives
    stand.
    """
    places = tuple(directories)
    for line in listing.splitlines():
        path = line.partition(" ./")[2].partition(" -> ")[0]
        if library.is_file(basename(path)):
            directory = f"/{dirname(path)}"
            if directory in places or (below and dirname(directory) in places):
                return True
    return False
