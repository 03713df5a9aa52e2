"""A file -> the distribution that brought it, by the lists of files that installers leave."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class _FileList:
    """A list of files: how its name ends, what its paths are relative to, which neighbour has the name."""

    ending: str
    base: str
    metadata: str


_FILE_LISTS = (
    # "Recording installed projects", a PyPA specification.
    _FileList(".dist-info/RECORD", base="../", metadata="METADATA"),
    # What pip leaves where it runs an old setup.py.
    _FileList(".egg-info/installed-files.txt", base="./", metadata="PKG-INFO"),
)


@dataclass(frozen=True, slots=True, order=True)
class Distribution:
    """An installed distribution, with the name and version that its METADATA gives."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


def distributions_of(files: Collection[str], tree: Iterable[str]) -> Mapping[str, Distribution]:
    """Return which distribution brought each of ``files``; those that no RECORD names are left out.

    ``tree`` are the paths of all files, among which the lists are found. What cannot be read or parsed
    names nothing.
    """
    wanted = frozenset(files)
    owners: dict[str, Distribution] = {}
    endings = tuple(kind.ending for kind in _FILE_LISTS)
    for path in sorted(path for path in tree if path.endswith(endings)):
        kind = next(kind for kind in _FILE_LISTS if path.endswith(kind.ending))
        directory = Path(path).parent
        base = os.path.normpath(directory / kind.base)
        recorded = wanted.intersection(_recorded(Path(path), base))
        if recorded:
            owners.update(dict.fromkeys(recorded, _identity(directory, kind.metadata)))
    return owners


def _recorded(file_list: Path, base: str) -> Iterator[str]:
    try:
        with file_list.open(encoding="utf-8", errors="surrogateescape", newline="") as lines:
            for row in csv.reader(lines):
                if row:
                    path = f"{base}/{row[0]}"
                    yield os.path.normpath(path) if ".." in row[0] else path
    except (OSError, csv.Error):
        return


def _identity(directory: Path, metadata_name: str) -> Distribution:
    name, _, version = directory.stem.rpartition("-")
    path = directory / metadata_name
    if not path.is_file():  # opening a FIFO would wait for ever
        return Distribution(name, version)
    try:
        with path.open(encoding="utf-8", errors="replace") as text:
            metadata = HeaderParser().parse(text, headersonly=True)
    except OSError:
        return Distribution(name, version)
    return Distribution(str(metadata.get("Name", name)), str(metadata.get("Version", version)))
