"""A file -> the distribution that brought it, by the RECORD files of installed wheels."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

_RECORD = ".dist-info/RECORD"


@dataclass(frozen=True, slots=True, order=True)
class Distribution:
    """An installed distribution, with the name and version that its METADATA gives."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


def distributions_of(files: Collection[str], tree: Iterable[str]) -> Mapping[str, Distribution]:
    """Return which distribution brought each of ``files``; those that no RECORD names are left out.

    ``tree`` are the paths of all files, among which the RECORD files are found ("Recording installed
    projects", the PyPA specification). What cannot be read or parsed names nothing.
    """
    wanted = frozenset(files)
    owners: dict[str, Distribution] = {}
    for record in sorted(path for path in tree if path.endswith(_RECORD)):
        recorded = wanted.intersection(_recorded(Path(record)))
        if recorded:
            owners.update(dict.fromkeys(recorded, _identity(Path(record).parent)))
    return owners


def _recorded(record: Path) -> Iterator[str]:
    base = str(record.parent.parent)
    try:
        with record.open(encoding="utf-8", errors="surrogateescape", newline="") as lines:
            for row in csv.reader(lines):
                if row:
                    path = f"{base}/{row[0]}"
                    yield os.path.normpath(path) if ".." in row[0] else path
    except (OSError, csv.Error):
        return


def _identity(directory: Path) -> Distribution:
    name, _, version = directory.name.removesuffix(".dist-info").rpartition("-")
    try:
        with (directory / "METADATA").open(encoding="utf-8", errors="replace") as text:
            metadata = HeaderParser().parse(text, headersonly=True)
    except OSError:
        return Distribution(name, version)
    return Distribution(str(metadata.get("Name", name)), str(metadata.get("Version", version)))
