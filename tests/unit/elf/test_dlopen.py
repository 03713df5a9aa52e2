"""dlopen notes: what an ELF file says that it opens while it runs."""

from __future__ import annotations

import io
import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multistage_docker.elf.dlopen import DlopenNote, Priority, parse_dlopen_notes, read_dlopen_notes
from multistage_docker.errors import MalformedElfError
from support.elf_writer import ElfFile

_TYPE = 0x407C0C0A
_ENTRY = {"feature": "zip", "description": "Archives", "priority": "suggested", "soname": ["libzip.so.5"]}
_NOTE = DlopenNote("zip", "Archives", Priority.SUGGESTED, ("libzip.so.5",))


def note(content: bytes, *, owner: bytes = b"FDO\0", kind: int = _TYPE, order: str = "<") -> bytes:
    """Return one note with its paddings."""
    header = struct.pack(f"{order}III", len(owner), len(content), kind)
    return b"".join((header, owner, bytes(-len(owner) % 4), content, bytes(-len(content) % 4)))


def as_json(*entries: object) -> bytes:
    """Return entries as the format has them, a NUL at the end."""
    return json.dumps(entries).encode() + b"\0"


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("little_endian", [True, False], ids=["little", "big"])
def test_notes_are_read_from_the_segment_of_any_class(bits: int, *, little_endian: bool) -> None:
    """A file without a section table, as strip may leave it, keeps its notes in PT_NOTE."""
    order = "<" if little_endian else ">"
    # The segment of a 64-bit file is aligned to 8 bytes here: so are its notes' parts.
    content = as_json(_ENTRY)
    notes = struct.pack(f"{order}III", 4, len(content), _TYPE) + b"FDO\0" + content
    file = ElfFile(bits=bits, little_endian=little_endian, notes=notes)
    assert read_dlopen_notes(io.BytesIO(file.content())) == (_NOTE,)


def test_several_notes_and_entries_keep_their_order() -> None:
    """Notes of other owners and types stand between, and are passed by."""
    other = {**_ENTRY, "feature": "bz2", "soname": ["libbz2.so.1.0", "libbz2.so.1"], "priority": "required"}
    content = b"".join(
        (
            note(b"\1\2\3", owner=b"GNU\0", kind=3),
            note(as_json(_ENTRY, other)),
            note(as_json(_ENTRY), kind=1),
            note(as_json(_ENTRY)),
        )
    )
    assert [found.feature for found in parse_dlopen_notes(content)] == ["zip", "bz2", "zip"]
    assert parse_dlopen_notes(content)[1].sonames == ("libbz2.so.1.0", "libbz2.so.1")


@pytest.mark.parametrize("said", [{}, {"priority": "urgent"}, {"priority": 3}])
def test_priority_is_recommended_where_none_is_given(said: dict[str, object]) -> None:
    """The format's own default holds for what it does not know, too."""
    entry = {"soname": ["liba.so.1"], **said}
    assert [found.priority for found in parse_dlopen_notes(note(as_json(entry)))] == [Priority.RECOMMENDED]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[" * 200_000,
        b"\xff\xfe",
        as_json(3, None, [], {}),
        as_json({"soname": "libz.so.1"}),
        as_json({"soname": []}),
        as_json({"soname": [3]}),
        as_json({"soname": ["a\nb"]}),
        as_json({"soname": [""]}),
        b'{"soname": ["liba.so.1"]}',
    ],
    ids=[
        "empty",
        "broken",
        "deep",
        "no text",
        "no entries",
        "text",
        "none",
        "number",
        "line",
        "nothing",
        "object",
    ],
)
def test_notes_that_are_no_such_json_are_passed_by(content: bytes) -> None:
    """A hostile note spoils nothing but itself."""
    both = note(content) + note(as_json(_ENTRY))
    assert parse_dlopen_notes(both) == (_NOTE,)


def test_text_for_the_terminal_has_no_control_characters() -> None:
    """An escape sequence in a description must not reach a terminal."""
    entry = {**_ENTRY, "description": "\x1b[2JArchives"}
    assert parse_dlopen_notes(note(as_json(entry)))[0].description == "[2JArchives"


def test_a_note_that_claims_too_much_ends_the_reading() -> None:
    """Sizes beyond the segment are not followed."""
    content = note(as_json(_ENTRY)) + struct.pack("<III", 4, 0xFFFFFFF0, _TYPE) + b"FDO\0"
    assert parse_dlopen_notes(content) == (_NOTE,)


def test_a_truncated_file_is_malformed() -> None:
    """A segment that the file does not hold is an error with a name."""
    content = ElfFile(notes=note(as_json(_ENTRY))).content()
    with pytest.raises(MalformedElfError):
        read_dlopen_notes(io.BytesIO(content[:-8]))


def test_a_file_without_notes_has_none() -> None:
    """Most files have no PT_NOTE that matters."""
    assert read_dlopen_notes(io.BytesIO(ElfFile().content())) == ()


@settings(deadline=None)
@given(content=st.binary(max_size=400), alignment=st.sampled_from([0, 1, 4, 8]))
def test_any_bytes_are_taken(content: bytes, alignment: int) -> None:
    """Whatever a segment holds, parsing it ends without an error."""
    assert isinstance(parse_dlopen_notes(content, alignment=alignment), tuple)
