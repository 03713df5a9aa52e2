"""Reading one ELF file: every class and byte order, every tag that counts, every way to be broken."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import pytest

from multistage_docker.elf.objects import ElfObject, read_object
from multistage_docker.elf.versions import Versions
from multistage_docker.errors import MalformedElfError
from support.elf_writer import (
    DF_1_NODEFLIB,
    EM_386,
    EM_AARCH64,
    EM_S390,
    EM_X86_64,
    ET_EXEC,
    ET_REL,
    ElfFile,
    with_machine,
)

if TYPE_CHECKING:
    from support.elf_data import ElfData

DT_STRTAB = 5


def read(content: bytes, *, versions: bool = False) -> ElfObject:
    """Read bytes as a file."""
    return read_object(io.BytesIO(content), versions=versions)


@pytest.mark.parametrize(
    ("bits", "little_endian", "machine", "name"),
    [
        pytest.param(64, True, EM_X86_64, "EM_X86_64", id="amd64"),
        pytest.param(32, True, EM_X86_64, "EM_X86_64", id="x32"),
        pytest.param(32, True, EM_386, "EM_386", id="i386"),
        pytest.param(64, True, EM_AARCH64, "EM_AARCH64", id="arm64"),
        pytest.param(64, False, EM_S390, "EM_S390", id="s390x"),
        pytest.param(32, False, 20, "EM_PPC", id="powerpc"),
    ],
)
def test_class_order_and_machine(bits: int, little_endian: bool, machine: int, name: str) -> None:  # noqa: FBT001
    """A file of any class and byte order is read whole."""
    content = ElfFile(
        bits=bits, little_endian=little_endian, machine=machine, needed=("libz.so.1",), soname="liba.so"
    ).content()
    assert read(content) == ElfObject(
        bits, little_endian, name, "ET_DYN", dynamic=True, soname="liba.so", needed=("libz.so.1",)
    )


def test_machines_and_kinds_without_a_name_stay_numbers() -> None:
    """A machine or kind that nobody has assigned is reported by its number."""
    content = ElfFile(kind=0xFE77).content()
    found = read(with_machine(content, 0xABCD))
    assert (found.machine, found.kind) == (f"EM_{0xABCD}", f"ET_{0xFE77}")


def test_all_that_the_dynamic_section_says() -> None:
    """Names, search paths, flags and the interpreter come out in the file's own order."""
    found = read(
        ElfFile(
            kind=ET_EXEC,
            needed=("libb.so", "liba.so", "libb.so"),
            runpath="/one:$ORIGIN/two:",
            flags_1=DF_1_NODEFLIB | 1,
            interpreter="/lib64/ld-linux-x86-64.so.2",
        ).content()
    )
    assert found.needed == ("libb.so", "liba.so")
    assert found.runpath == ("/one", "$ORIGIN/two", "")
    assert found.rpath == ()
    assert found.no_default_directories
    assert found.interpreter == "/lib64/ld-linux-x86-64.so.2"
    assert found.is_executable


def test_rpath_alone() -> None:
    """DT_RPATH counts where there is no DT_RUNPATH."""
    found = read(ElfFile(rpath="/one:/two").content())
    assert (found.rpath, found.runpath) == (("/one", "/two"), None)


def test_runpath_hides_rpath() -> None:
    """ld.so ignores DT_RPATH in a file that has a DT_RUNPATH, even an empty one."""
    found = read(ElfFile(rpath="/one", runpath="").content())
    assert (found.rpath, found.runpath) == ((), ("",))


def test_other_flags_are_not_nodeflib() -> None:
    """DT_FLAGS_1 without DF_1_NODEFLIB changes nothing."""
    assert not read(ElfFile(flags_1=0x1).content()).no_default_directories


@pytest.mark.parametrize(
    ("kind", "interpreter", "executable"),
    [
        pytest.param(ET_EXEC, None, True, id="fixed address"),
        pytest.param(3, "/lib/ld.so", True, id="position independent"),
        pytest.param(3, None, False, id="shared object"),
    ],
)
def test_what_is_executable(kind: int, interpreter: str | None, executable: bool) -> None:  # noqa: FBT001
    """A program names an interpreter or is linked to a fixed address."""
    assert read(ElfFile(kind=kind, interpreter=interpreter).content()).is_executable is executable


def test_static_and_relocatable_files_have_no_dynamic_section() -> None:
    """A file without PT_DYNAMIC is read, and says so."""
    assert not read(ElfFile(kind=ET_EXEC, dynamic=False).content()).dynamic
    assert not read(ElfFile(kind=ET_REL, dynamic=False).content()).dynamic


def test_a_name_that_is_no_utf8_survives() -> None:
    """Bytes that are no UTF-8 come out as surrogate escapes, as file names do."""
    assert read(ElfFile(needed=("lib\udcff.so",)).content()).needed == ("lib\udcff.so",)


def test_a_longest_name_is_read() -> None:
    """A name just below the bound is read whole, through several chunks."""
    name = "x" * 4000
    assert read(ElfFile(needed=(name,)).content() + bytes(200)).needed == (name,)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "not an ELF file", id="empty"),
        pytest.param(b"#!/bin/sh\n", "not an ELF file", id="text"),
        pytest.param(b"\x7fELF", "neither a 32-bit nor a 64-bit", id="magic only"),
        pytest.param(b"\x7fELF\x03\x01" + bytes(60), "neither a 32-bit nor a 64-bit", id="class 3"),
        pytest.param(b"\x7fELF\x02\x00" + bytes(60), "neither a 32-bit nor a 64-bit", id="no byte order"),
        pytest.param(ElfFile().content()[:40], "truncated in its ELF header", id="header"),
        pytest.param(ElfFile().content()[:100], "truncated in its program headers", id="segments"),
        pytest.param(
            ElfFile(needed=("a",)).content()[:-40], "truncated in its dynamic section", id="dynamic"
        ),
    ],
)
def test_truncated(content: bytes, message: str) -> None:
    """A file that ends too early is malformed, and the message says where."""
    with pytest.raises(MalformedElfError, match=message):
        read(content)


def _patched(content: bytes, offset: int, form: str, value: int) -> bytes:
    patch = struct.pack(form, value)
    return content[:offset] + patch + content[offset + len(patch) :]


def _with_dynamic(*entries: tuple[int, int]) -> bytes:
    """Return an object whose dynamic section ends in the given entries and has no DT_NULL of its own."""
    content = ElfFile().content()
    dynamic = b"".join(struct.pack("<QQ", *entry) for entry in entries)
    start = len(content) - 2 * 16
    content = content[:start] + dynamic
    return _patched(content, 64 + 56 + 32, "<Q", len(dynamic))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(_patched(ElfFile().content(), 54, "<H", 57), "unknown size", id="e_phentsize"),
        pytest.param(_patched(ElfFile().content(), 56, "<H", 0xFFFF), "claims 65535", id="e_phnum"),
        pytest.param(_patched(ElfFile().content(), 32, "<Q", 1 << 63), "beyond the end", id="e_phoff"),
        pytest.param(_with_dynamic((1, 0), (1, 0)), "has no end", id="no DT_NULL"),
        pytest.param(_with_dynamic((1, 1), (0, 0)), "names no string table", id="no DT_STRTAB"),
        pytest.param(_with_dynamic((5, 4), (0, 0)), "outside its loadable", id="DT_STRTAB outside"),
        pytest.param(
            _with_dynamic((1, 1 << 40), (DT_STRTAB, 0x10000), (0, 0)),
            "truncated in its string table",
            id="name outside",
        ),
        pytest.param(
            ElfFile(needed=("x" * 4200,)).content() + bytes(200), "longer than 4096 bytes", id="endless name"
        ),
    ],
)
def test_contradictions(content: bytes, message: str) -> None:
    """A file that points nowhere or claims too much is malformed, and the message says what."""
    with pytest.raises(MalformedElfError, match=message):
        read(content)


def test_no_program_headers() -> None:
    """A file that has no program headers at all has no dynamic section."""
    assert not read(_patched(ElfFile().content(), 56, "<H", 0)).dynamic


@pytest.mark.parametrize("name", ["plain.so", "stripped-sections.so", "two-segments.so"])
def test_linked_libraries(elf_data: ElfData, name: str) -> None:
    """What ld linked is read without the section table's help."""
    found = read(elf_data.read(name))
    assert (found.soname, found.needed) == ("libsample.so.1", ("libdependency.so.1",))
    assert found.runpath == ("$ORIGIN/libs",)


def test_linked_programs(elf_data: ElfData) -> None:
    """A program has its interpreter; a static one has no dynamic section."""
    program = read(elf_data.read("program"))
    assert program.is_executable
    assert program.interpreter.startswith("/lib")
    static = read(elf_data.read("static-program"))
    assert static.is_executable
    assert not static.dynamic


def test_versions(elf_data: ElfData) -> None:
    """The versions that a library defines and those that it requires are read where they are asked for."""
    provider = read(elf_data.read("versioned.so"), versions=True)
    consumer = read(elf_data.read("versioned-user.so"), versions=True)
    assert provider.versions == Versions(
        required=(), defined=frozenset(("libversioned.so.1", "SAMPLE_1.0", "SAMPLE_2.0"))
    )
    assert consumer.versions.required == (("libversioned.so.1", "SAMPLE_2.0"),)
    assert consumer.versions.defined is None
    assert read(elf_data.read("versioned.so")).versions == Versions()


def test_notes_that_lead_nowhere_spoil_nothing() -> None:
    """ld.so does not read notes: a file whose note segment is beyond the end of any file is sound."""
    content = bytearray(ElfFile(needed=("liba.so.1",), notes=bytes(24)).content())
    size = 56
    table = [64 + number * size for number in range(3)]
    at = next(offset for offset in table if content[offset] == 4)
    struct.pack_into("<Q", content, at + 8, 2**64 - 1)
    elf = read_object(io.BytesIO(content))
    assert (elf.needed, elf.may_have_notes) == (("liba.so.1",), False)


@pytest.mark.parametrize(
    ("notes", "expected"),
    [(b"GNU\0" + bytes(60), False), (bytes(12) + b"FDO\0" + bytes(8), True), (bytes(200), True)],
    ids=["of a compiler", "short", "long"],
)
def test_which_notes_are_worth_a_look(notes: bytes, *, expected: bool) -> None:
    """Notes of dlopen's owner are, however short, and all that compilers do not write."""
    assert read_object(io.BytesIO(ElfFile(notes=notes).content())).may_have_notes is expected
