"""Symbol versions: which ones an ELF file needs of its libraries, and which ones it defines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from multistage_docker.errors import MalformedElfError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from elftools.construct import Struct

# Of a version that is needed weakly, ld.so only warns when it is absent (glibc's elf/dl-version.c).
_WEAK = 0x2
# No library comes near: glibc itself defines some fifty.
_MOST_ENTRIES = 4096


@dataclass(frozen=True, slots=True)
class Versions:
    """The version tables of one file (LSB core specification, "Symbol Versioning").

    ``required`` holds (soname, version) pairs that loading the file requires; ``defined`` the versions
    that it defines, None where it has no such table: ld.so then takes any version for granted.
    """

    required: tuple[tuple[str, str], ...] = ()
    defined: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class VersionReader:
    """Reads the tables; ``parse(structure, offset)`` gives one entry, ``name(offset)`` one of the strings."""

    structs: Any
    parse: Callable[[Struct, int], Any]
    name: Callable[[int], str]

    def required(self, offset: int, number: int) -> Iterator[tuple[str, str]]:
        """Yield the pairs of DT_VERNEED, whose ``number`` of files is DT_VERNEEDNUM."""
        total = number
        for at, entry in self._chain(self.structs.Elf_Verneed, offset, number, "vn_next"):
            total += entry["vn_cnt"]
            _require_sane(total)
            soname = self.name(entry["vn_file"])
            versions = self._chain(
                self.structs.Elf_Vernaux, at + entry["vn_aux"], entry["vn_cnt"], "vna_next"
            )
            for _, version in versions:
                if not version["vna_flags"] & _WEAK:
                    yield soname, self.name(version["vna_name"])

    def defined(self, offset: int, number: int) -> Iterator[str]:
        """Yield the names of DT_VERDEF, whose ``number`` is DT_VERDEFNUM."""
        for at, entry in self._chain(self.structs.Elf_Verdef, offset, number, "vd_next"):
            # The first name is the version's own; further ones are those that it follows.
            own = self.parse(self.structs.Elf_Verdaux, at + entry["vd_aux"])
            yield self.name(own["vda_name"])

    def _chain(self, structure: Struct, offset: int, number: int, link: str) -> Iterator[tuple[int, Any]]:
        _require_sane(number)
        for _ in range(number):
            entry = self.parse(structure, offset)
            yield offset, entry
            if not entry[link]:
                return
            offset += entry[link]


def _require_sane(number: int) -> None:
    if number > _MOST_ENTRIES:
        raise MalformedElfError(f"claims {number} symbol versions")
