"""The libraries that an ELF file says it opens while it runs: its dlopen notes.

The format is the UAPI group's "ELF dlopen metadata": a note of owner ``FDO`` whose content is a JSON list.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from enum import Enum
from typing import IO, TYPE_CHECKING

from multistage_docker.elf.objects import ElfReader

if TYPE_CHECKING:
    from collections.abc import Iterator

_OWNER = b"FDO\0"
_TYPE = 0x407C0C0A
_HEADER_WORDS = 3
# The notes of real files are a few kilobytes at most.
_MOST_BYTES = 0x100000
_LONGEST_TEXT = 1000
_MOST_ENTRIES = 1000


class Priority(str, Enum):
    """How much is lost without the library; the values are the format's own."""

    REQUIRED = "required"
    RECOMMENDED = "recommended"
    SUGGESTED = "suggested"


@dataclass(frozen=True, slots=True, order=True)
class DlopenNote:
    """One purpose for which a file opens a library: any of ``sonames`` serves, the first is preferred."""

    feature: str
    description: str
    priority: Priority
    sonames: tuple[str, ...]


def read_dlopen_notes(stream: IO[bytes]) -> tuple[DlopenNote, ...]:
    """Return the dlopen notes of an ELF file, by PT_NOTE (the section table may be stripped).

    Notes that are no such JSON are passed by. Reads a bounded number of bytes. Raises MalformedElfError
    where the file itself is truncated or contradicts itself.
    """
    reader = ElfReader(stream)
    order = "<" if reader.little_endian else ">"
    return tuple(
        note
        for segment in reader.segments
        if segment["p_type"] == "PT_NOTE" and segment["p_filesz"] <= _MOST_BYTES
        for note in parse_dlopen_notes(
            reader.bytes_at(segment["p_offset"], segment["p_filesz"], "its notes"),
            order=order,
            alignment=segment["p_align"],
        )
    )


def parse_dlopen_notes(content: bytes, *, order: str = "<", alignment: int = 4) -> tuple[DlopenNote, ...]:
    """Return the dlopen notes among a segment's or section's notes.

    ``order`` is the byte order as in struct; ``alignment`` is p_align: 8 or, whatever else is said, 4.
    """
    return tuple(
        note
        for owner, kind, description in _notes(content, order, 8 if alignment == 8 else 4)  # noqa: PLR2004 - as the gABI says
        if (owner, kind) == (_OWNER, _TYPE)
        for note in _parse_entries(description)
    )


def _notes(content: bytes, order: str, alignment: int) -> Iterator[tuple[bytes, int, bytes]]:
    header = struct.Struct(f"{order}{_HEADER_WORDS}I")
    offset = 0
    while offset + header.size <= len(content):
        owner_size, size, kind = header.unpack_from(content, offset)
        start = offset + header.size
        at = _aligned(start + owner_size, alignment)
        if at + size > len(content):
            return
        yield content[start : start + owner_size], kind, content[at : at + size]
        offset = _aligned(at + size, alignment)


def _aligned(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment


def _parse_entries(content: bytes) -> Iterator[DlopenNote]:
    try:
        entries = json.loads(content.rstrip(b"\0"))
    except (ValueError, RecursionError):
        return
    for entry in entries[:_MOST_ENTRIES] if isinstance(entries, list) else ():
        if isinstance(entry, dict) and (note := _parse_entry(entry)):
            yield note


def _parse_entry(entry: dict[str, object]) -> DlopenNote | None:
    sonames = entry.get("soname")
    if not isinstance(sonames, list) or not sonames or not all(map(_is_soname, sonames)):
        return None
    try:
        # "recommended" is what a note without a priority means.
        priority = Priority(entry.get("priority", Priority.RECOMMENDED))
    except ValueError:
        priority = Priority.RECOMMENDED
    return DlopenNote(
        feature=_text(entry.get("feature")),
        description=_text(entry.get("description")),
        priority=priority,
        sonames=tuple(dict.fromkeys(sonames)),
    )


def _is_soname(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) < _LONGEST_TEXT and value.isprintable()


def _text(value: object) -> str:
    if not isinstance(value, str):
        return ""
    # It ends up on a terminal.
    return "".join(character for character in value[:_LONGEST_TEXT] if character.isprintable())
