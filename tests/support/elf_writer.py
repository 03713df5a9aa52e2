"""ELF files for tests, written byte by byte from the System V gABI: no compiler, no sections, any machine."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass

EM_386, EM_ARM, EM_X86_64, EM_AARCH64, EM_S390 = 3, 40, 62, 183, 22
ET_REL, ET_EXEC, ET_DYN = 1, 2, 3
DF_1_NODEFLIB = 0x800

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP, _PT_NOTE = 1, 2, 3, 4
_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_SONAME, _DT_RPATH, _DT_RUNPATH = 0, 1, 5, 14, 15, 29
_DT_FLAGS_1 = 0x6FFFFFFB
_MACHINE_OFFSET = 0x12


@dataclass(frozen=True, slots=True, kw_only=True)
class ElfFile:
    """What an ELF file is to say; ``base`` is the virtual address that its first byte is loaded at.

    ``tags`` are more entries for the dynamic section, ``notes`` the content of PT_NOTE. Without
    ``dynamic`` it is a static file.
    """

    bits: int = 64
    little_endian: bool = True
    machine: int = EM_X86_64
    kind: int = ET_DYN
    needed: tuple[str, ...] = ()
    soname: str | None = None
    rpath: str | None = None
    runpath: str | None = None
    flags_1: int = 0
    interpreter: str | None = None
    dynamic: bool = True
    base: int = 0x10000
    tags: tuple[tuple[int, int], ...] = ()
    notes: bytes = b""

    def content(self) -> bytes:
        """Return the bytes of the file: headers, PT_INTERP, string table, dynamic section."""
        return _Writer(self).content()

    def write(self, path: str | os.PathLike[str]) -> str:
        """Write the file, its directory included, and return the path."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as stream:
            stream.write(self.content())
        return os.fspath(path)


class _Writer:
    def __init__(self, file: ElfFile) -> None:
        self._file = file
        order = "<" if file.little_endian else ">"
        wide = file.bits == 64
        self._header = struct.Struct(order + ("16sHHIQQQIHHHHHH" if wide else "16sHHIIIIIHHHHHH"))
        self._segment = struct.Struct(order + ("IIQQQQQQ" if wide else "IIIIIIII"))
        self._entry = struct.Struct(order + ("QQ" if wide else "II"))

    def content(self) -> bytes:
        file = self._file
        number = 1 + file.dynamic + (file.interpreter is not None) + bool(file.notes)
        start = self._header.size + number * self._segment.size
        interpreter = b"" if file.interpreter is None else os.fsencode(file.interpreter) + b"\0"
        strings_at = start + len(interpreter)
        dynamic, strings = self._dynamic(file.base + strings_at)
        padding = -(strings_at + len(strings)) % 16
        dynamic_at = strings_at + len(strings) + padding
        notes_at = dynamic_at + len(dynamic)
        total = notes_at + len(file.notes)
        segments = [self._load(total)]
        if interpreter:
            segments.append(self._place(_PT_INTERP, start, len(interpreter)))
        if file.dynamic:
            segments.append(self._place(_PT_DYNAMIC, dynamic_at, len(dynamic)))
        if file.notes:
            segments.append(self._place(_PT_NOTE, notes_at, len(file.notes)))
        parts = (self._elf_header(number), *segments, interpreter, strings, bytes(padding), dynamic)
        return b"".join((*parts, file.notes))

    def _elf_header(self, segments: int) -> bytes:
        file = self._file
        identification = bytes(
            (0x7F, *b"ELF", 1 if file.bits == 32 else 2, 1 if file.little_endian else 2, 1)
        )
        return self._header.pack(
            identification.ljust(16, b"\0"),
            file.kind,
            file.machine,
            1,
            0,
            self._header.size,
            0,
            0,
            self._header.size,
            self._segment.size,
            segments,
            0,
            0,
            0,
        )

    def _load(self, size: int) -> bytes:
        return self._place(_PT_LOAD, 0, size)

    def _place(self, kind: int, offset: int, size: int) -> bytes:
        address = self._file.base + offset
        if self._file.bits == 64:
            return self._segment.pack(kind, 4, offset, address, address, size, size, 8)
        return self._segment.pack(kind, offset, address, address, size, size, 4, 4)

    def _dynamic(self, strings_address: int) -> tuple[bytes, bytes]:
        file = self._file
        if not file.dynamic:
            return b"", b""
        strings = bytearray(b"\0")
        entries = []
        single = ((_DT_SONAME, file.soname), (_DT_RPATH, file.rpath), (_DT_RUNPATH, file.runpath))
        for tag, text in (*((_DT_NEEDED, name) for name in file.needed), *single):
            if text is not None:
                entries.append((tag, len(strings)))
                strings += os.fsencode(text) + b"\0"
        if file.flags_1:
            entries.append((_DT_FLAGS_1, file.flags_1))
        entries += [*file.tags, (_DT_STRTAB, strings_address), (_DT_NULL, 0)]
        return b"".join(self._entry.pack(*entry) for entry in entries), bytes(strings)


def shared_object(*needed: str, soname: str | None = None, **other: object) -> bytes:
    """Return a shared object for this kind of machine in one line of a test."""
    return ElfFile(needed=needed, soname=soname, **other).content()  # type: ignore[arg-type]


def with_machine(content: bytes, machine: int) -> bytes:
    """Return a little-endian ELF file's bytes with another machine number."""
    return content[:_MACHINE_OFFSET] + struct.pack("<H", machine) + content[_MACHINE_OFFSET + 2 :]
