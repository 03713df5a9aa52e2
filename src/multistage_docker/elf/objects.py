"""One ELF file: what its headers and its dynamic section say. Bytes in, ElfObject out."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, TYPE_CHECKING, Any

from elftools.common.exceptions import ELFError
from elftools.construct import ConstructError
from elftools.elf.enums import ENUM_D_TAG
from elftools.elf.structs import ELFStructs

from multistage_docker.elf.versions import VersionReader, Versions
from multistage_docker.errors import MalformedElfError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elftools.construct import Struct

MAGIC = b"\x7fELF"

_CLASS_BITS = {1: 32, 2: 64}
_LITTLE_ENDIAN = {1: True, 2: False}
_HEADER_BYTES = {32: 52, 64: 64}
_DYNAMIC_ENTRY = {32: "II", 64: "QQ"}
# Bounds for hostile files: Linux refuses more than 64 KiB of program headers (fs/binfmt_elf.c); no real
# dynamic section comes near 64 KiB, nor a name near the kernel's PATH_MAX.
_MOST_HEADER_BYTES = 0x10000
_MOST_DYNAMIC_BYTES = 0x10000
_MOST_STRING_BYTES = 0x1000
_STRING_CHUNK = 128
_DF_1_NODEFLIB = 0x800
# GNU_PROPERTY, GNU_BUILD_ID and GNU_ABI_TAG together take less; a short dlopen note may as well.
_COMPILER_NOTES_BYTES = 160
_DLOPEN_OWNER = b"FDO\0"

_DT_NULL = ENUM_D_TAG["DT_NULL"]
_TAGS = {
    ENUM_D_TAG[name]: name
    for name in (
        *("DT_STRTAB", "DT_SONAME", "DT_NEEDED", "DT_RPATH", "DT_RUNPATH", "DT_FLAGS_1"),
        *("DT_VERNEED", "DT_VERNEEDNUM", "DT_VERDEF", "DT_VERDEFNUM"),
    )
}

NO_VERSIONS = Versions()


@dataclass(frozen=True, slots=True)
class ElfObject:
    """What ld.so reads of an ELF file before it loads it (elf(5), System V gABI chapter 5).

    Names are ``os.fsdecode``d: bytes that are no UTF-8 survive as surrogate escapes. ``rpath`` and
    ``runpath`` are the entries between the colons, not yet expanded; ``rpath`` is empty where there is
    a DT_RUNPATH, since ld.so ignores it then, and ``runpath`` is None where there is none. ``versions``
    is filled only where it was asked for. ``may_have_notes`` says that there is a note segment with room
    for more than what compilers put there, or with the owner of dlopen notes in it.
    """

    bits: int
    little_endian: bool
    machine: str
    kind: str
    dynamic: bool = False
    interpreter: str = ""
    soname: str = ""
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] | None = None
    no_default_directories: bool = False
    versions: Versions = NO_VERSIONS
    may_have_notes: bool = False

    @property
    def is_executable(self) -> bool:
        """Whether the kernel can start it as a program: it names an interpreter, or is no shared object."""
        return bool(self.interpreter) or self.kind == "ET_EXEC"

    @property
    def searches_current_directory(self) -> bool:
        """Whether an entry of its search path is empty or relative, so that it depends on where it is run."""
        return any(not entry.startswith(("/", "$")) for entry in (*self.rpath, *(self.runpath or ())))


def read_object(stream: IO[bytes], *, versions: bool = False) -> ElfObject:
    """Read an ELF file's headers and dynamic section, by PT_DYNAMIC (the section table may be stripped).

    With ``versions`` the tables of symbol versions are read as well.

    Reads a bounded number of bytes whatever the file claims. Raises MalformedElfError, and nothing
    else of its own, where the file is truncated or contradicts itself; OSError comes through.
    """
    return ElfReader(stream).read_object(versions=versions)


class ElfReader:
    """Reads the parts of one ELF file that ld.so looks at; each read is bounded."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        identification = stream.read(16)
        if identification[:4] != MAGIC:
            raise MalformedElfError("not an ELF file")
        try:
            self.bits = _CLASS_BITS[identification[4]]
            self.little_endian = _LITTLE_ENDIAN[identification[5]]
        except (IndexError, KeyError):
            raise MalformedElfError("neither a 32-bit nor a 64-bit ELF file") from None
        size = _HEADER_BYTES[self.bits]
        header_bytes = identification + stream.read(size - len(identification))
        if len(header_bytes) < size:
            raise MalformedElfError("truncated in its ELF header")
        plain = _structs(self.bits, self.little_endian, None)
        self.header = _parse(plain.Elf_Ehdr, header_bytes)
        machine = self.header["e_machine"]
        # An unassigned number stays a number; it must not become a cache entry of its own.
        self.machine = machine if isinstance(machine, str) else f"EM_{machine}"
        self.structs = _structs(self.bits, self.little_endian, machine if isinstance(machine, str) else None)
        self.segments = tuple(self._segments())

    def read_object(self, *, versions: bool) -> ElfObject:
        """Return what ld.so would know of the file."""
        kind = self.header["e_type"]
        kind = kind if isinstance(kind, str) else f"ET_{kind}"
        entries = self.dynamic_entries()
        if not entries:
            return ElfObject(self.bits, self.little_endian, self.machine, kind)
        strings = self._strings_offset(entries)
        runpath = self._paths(entries, "DT_RUNPATH", strings)
        return ElfObject(
            bits=self.bits,
            little_endian=self.little_endian,
            machine=self.machine,
            kind=kind,
            dynamic=True,
            interpreter=self._interpreter(),
            soname=next(self._names(entries, "DT_SONAME", strings), ""),
            needed=tuple(dict.fromkeys(self._names(entries, "DT_NEEDED", strings))),
            rpath=self._paths(entries, "DT_RPATH", strings) or () if runpath is None else (),
            runpath=runpath,
            no_default_directories=any(
                tag == "DT_FLAGS_1" and value & _DF_1_NODEFLIB for tag, value in entries
            ),
            versions=self._versions(dict(entries), strings) if versions else NO_VERSIONS,
            may_have_notes=any(map(self._may_have_dlopen_notes, self.segments)),
        )

    def dynamic_entries(self) -> tuple[tuple[str, int], ...]:
        """Return (tag, value) of the entries of PT_DYNAMIC that are looked at; () where there is none."""
        segment = next((s for s in self.segments if s["p_type"] == "PT_DYNAMIC"), None)
        if segment is None or segment["p_filesz"] == 0:
            return ()
        content = self.bytes_at(
            segment["p_offset"], min(segment["p_filesz"], _MOST_DYNAMIC_BYTES), "its dynamic section"
        )
        entry = struct.Struct(("<" if self.little_endian else ">") + _DYNAMIC_ENTRY[self.bits])
        entries: list[tuple[str, int]] = []
        for tag, value in entry.iter_unpack(content[: len(content) // entry.size * entry.size]):
            if tag == _DT_NULL:
                return tuple(entries)
            if tag in _TAGS:
                entries.append((_TAGS[tag], value))
        raise MalformedElfError("its dynamic section has no end")

    def file_offset(self, address: int, what: str) -> int:
        """Return where in the file the byte at a virtual address stands, by the PT_LOAD segments."""
        for segment in self.segments:
            start = segment["p_vaddr"]
            if segment["p_type"] == "PT_LOAD" and start <= address < start + segment["p_filesz"]:
                return int(address - start + segment["p_offset"])
        raise MalformedElfError(f"{what} is outside its loadable segments")

    def bytes_at(self, offset: int, size: int, what: str) -> bytes:
        """Return just that many bytes of the file, or raise MalformedElfError where it is shorter."""
        content = self._read(offset, size)
        if len(content) < size:
            raise MalformedElfError(f"truncated in {what}")
        return content

    def string_at(self, offset: int) -> str:
        """Return the NUL-terminated string at a file offset."""
        content = b""
        while len(content) < _MOST_STRING_BYTES:
            chunk = self._read(offset + len(content), _STRING_CHUNK)
            head, end, _ = chunk.partition(b"\0")
            content += head
            if end:
                return content.decode("utf-8", "surrogateescape")
            if len(chunk) < _STRING_CHUNK:
                raise MalformedElfError("truncated in its string table")
        raise MalformedElfError(f"has a name longer than {_MOST_STRING_BYTES} bytes")

    def _read(self, offset: int, size: int) -> bytes:
        try:
            self._stream.seek(offset)
        except (OverflowError, ValueError, OSError):
            raise MalformedElfError("points beyond the end of any file") from None
        return self._stream.read(size)

    def _segments(self) -> Iterator[Any]:
        entry = self.structs.Elf_Phdr
        size, number = entry.sizeof(), self.header["e_phnum"]
        if number and self.header["e_phentsize"] != size:
            raise MalformedElfError("has program headers of an unknown size")
        if size * number > _MOST_HEADER_BYTES:
            raise MalformedElfError(f"claims {number} program headers")
        table = self.bytes_at(self.header["e_phoff"], size * number, "its program headers") if number else b""
        for offset in range(0, len(table), size):
            yield _parse(entry, table[offset : offset + size])

    def _versions(self, values: dict[str, int], strings: int) -> Versions:
        def parse(structure: Struct, offset: int) -> Any:  # noqa: ANN401 - pyelftools' structures are untyped
            return _parse(structure, self.bytes_at(offset, structure.sizeof(), what))

        what = "its symbol versions"
        reader = VersionReader(self.structs, parse, lambda offset: self.string_at(strings + offset))
        required: tuple[tuple[str, str], ...] = ()
        defined = None
        if "DT_VERNEED" in values:
            start = self.file_offset(values["DT_VERNEED"], what)
            required = tuple(reader.required(start, values.get("DT_VERNEEDNUM", 0)))
        if "DT_VERDEF" in values:
            start = self.file_offset(values["DT_VERDEF"], what)
            defined = frozenset(reader.defined(start, values.get("DT_VERDEFNUM", 0)))
        return Versions(required, defined)

    def _may_have_dlopen_notes(self, segment: Any) -> bool:  # noqa: ANN401 - pyelftools' structures are untyped
        if segment["p_type"] != "PT_NOTE":
            return False
        if segment["p_filesz"] > _COMPILER_NOTES_BYTES:
            return True
        try:
            return _DLOPEN_OWNER in self._read(segment["p_offset"], segment["p_filesz"])
        except MalformedElfError:
            # ld.so does not read notes: the rest of the file may well be sound.
            return False

    def _interpreter(self) -> str:
        segment = next((s for s in self.segments if s["p_type"] == "PT_INTERP"), None)
        return self.string_at(segment["p_offset"]) if segment else ""

    def _strings_offset(self, entries: tuple[tuple[str, int], ...]) -> int:
        address = next((value for tag, value in entries if tag == "DT_STRTAB"), None)
        if address is None:
            raise MalformedElfError("its dynamic section names no string table")
        return self.file_offset(address, "its string table")

    def _names(self, entries: tuple[tuple[str, int], ...], wanted: str, strings: int) -> Iterator[str]:
        return (self.string_at(strings + value) for tag, value in entries if tag == wanted)

    def _paths(
        self, entries: tuple[tuple[str, int], ...], wanted: str, strings: int
    ) -> tuple[str, ...] | None:
        text = next(self._names(entries, wanted, strings), None)
        return None if text is None else tuple(text.split(":"))


@lru_cache(maxsize=64)
def _structs(bits: int, little_endian: bool, machine: str | None) -> ELFStructs:  # noqa: FBT001 - a cache key
    # Building these takes longer than reading a file with them, and they differ only by these three.
    structs = ELFStructs(little_endian=little_endian, elfclass=bits)
    structs.create_basic_structs()
    structs.create_advanced_structs("ET_DYN", machine, None)
    return structs


def _parse(structure: Any, content: bytes) -> Any:  # noqa: ANN401 - pyelftools' structures are untyped
    try:
        return structure.parse(content)
    except (ConstructError, ELFError) as error:
        raise MalformedElfError(f"cannot be parsed: {error}") from None
