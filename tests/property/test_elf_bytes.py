"""Any bytes at all: reading them ends in an object or in the project's own error, after bounded work."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from multistage_docker.elf.ldcache import LoaderCache, parse_cache
from multistage_docker.elf.objects import MAGIC, ElfObject, read_object
from multistage_docker.elf.scan import SkippedFile, read_file, scan
from multistage_docker.errors import MalformedElfError
from support.elf_writer import ElfFile

DATA = Path(__file__).parents[1] / "data" / "elf"
SEEDS = [
    ElfFile(needed=("libz.so.1", "libb.so"), soname="liba.so", runpath="$ORIGIN:/x").content(),
    ElfFile(bits=32, little_endian=False, machine=20, needed=("libz.so.1",), rpath="/x").content(),
    ElfFile(kind=2, interpreter="/lib/ld.so").content(),
    *(
        (DATA / name).read_bytes()
        for name in ("plain.so", "versioned.so", "versioned-user.so", "separate.debug")
    ),
]
# A dynamic section of 64 KiB, each of its 4,096 entries a name of 4 KiB, and as many versions.
MOST_BYTES = 64 << 20
MOST_READS = 500_000


class CountingStream(io.BytesIO):
    """A file that counts what is read of it."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.bytes_read = 0
        self.reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Count, and refuse to be read to its end."""
        if size is None or size < 0:
            raise AssertionError("a read without bound")
        content = super().read(size)
        self.reads += 1
        self.bytes_read += len(content)
        return content


def read_bounded(content: bytes) -> ElfObject | None:
    """Read bytes with all that can be read of them; the work must stay within bounds."""
    stream = CountingStream(content)
    try:
        return read_object(stream, versions=True)
    except MalformedElfError as error:
        text = str(error)
        assert text
        assert "\n" not in text
        return None
    finally:
        assert stream.bytes_read <= MOST_BYTES
        assert stream.reads <= MOST_READS


@given(st.binary(max_size=2000))
def test_arbitrary_bytes(content: bytes) -> None:
    """Bytes without meaning are no ELF file."""
    assert read_bounded(content) is None or content.startswith(MAGIC)


@given(st.binary(max_size=2000), st.sampled_from([1, 2]), st.sampled_from([1, 2]))
@example(bytes(2000), 2, 1)
def test_arbitrary_bytes_behind_an_identification(content: bytes, bits: int, order: int) -> None:
    """Bytes that claim to be an ELF file are read, or said to be malformed."""
    read_bounded(MAGIC + bytes((bits, order, 1)) + content)


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    """Draw a valid file with some of its bytes, words or its length changed."""
    content = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, len(content) - 8))
        form, most = draw(
            st.sampled_from([("<B", 0xFF), ("<H", 0xFFFF), ("<I", 0xFFFFFFFF), ("<Q", (1 << 64) - 1)])
        )
        value = draw(st.one_of(st.sampled_from([0, 1, most, most >> 1, most // 2 + 1]), st.integers(0, most)))
        struct.pack_into(form, content, place, value)
    end = draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))
    return bytes(content[:end])


@settings(max_examples=500)
@given(mutants())
def test_mutated_files(content: bytes) -> None:
    """A file in which bytes were changed is read, or said to be malformed."""
    read_bounded(content)


@given(
    needed=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60), max_size=30),
    rpath=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0:"), max_size=60), min_size=1),
    bits=st.sampled_from([32, 64]),
    little_endian=st.booleans(),
)
def test_what_is_written_is_read(needed: list[str], rpath: list[str], bits: int, little_endian: bool) -> None:  # noqa: FBT001
    """Names and paths of any text come out as they went in."""
    file = ElfFile(
        bits=bits, little_endian=little_endian, machine=62, needed=tuple(needed), rpath=":".join(rpath)
    )
    found = read_bounded(file.content())
    assert found
    assert found.needed == tuple(dict.fromkeys(needed))
    assert found.rpath == tuple(rpath)


def test_the_worst_that_a_file_can_ask_for() -> None:
    """As many needed names as there is room for, each as long as allowed, cost bounded work."""
    tags = tuple((1, 1 + number % 50) for number in range(4090))
    content = ElfFile(tags=tags, needed=("x" * 4080,)).content()
    found = read_bounded(content)
    assert found
    assert len(found.needed) == 50


def test_ten_megabytes_of_noise_behind_a_header() -> None:
    """A large file is not read for its size."""
    noise = os.urandom(10 << 20)
    for header in (ElfFile().content()[:64], ElfFile().content()[:176], MAGIC + b"\2\1\1"):
        stream = CountingStream(header + noise)
        with contextlib.suppress(MalformedElfError):
            read_object(stream, versions=True)
        assert stream.bytes_read <= 1 << 20


@settings(max_examples=50)
@given(
    st.lists(
        st.binary(min_size=1, max_size=255).filter(
            lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b"..")
        ),
        unique=True,
        max_size=20,
    ),
    st.sampled_from([b"text", SEEDS[0], SEEDS[0][:80]]),
)
def test_hostile_names(names: list[bytes], content: bytes) -> None:
    """Every name that the file system takes is read, each one once."""
    with tempfile.TemporaryDirectory() as top:
        for name in names:
            Path(top, os.fsdecode(name)).write_bytes(content)
        found = scan([top], jobs=1)
        assert sorted(os.path.basename(os.fsencode(path)) for path in found.files) == sorted(names)
        if content == SEEDS[0]:
            assert len(found.objects) == len(names)


@settings(max_examples=100)
@given(mutants())
def test_the_scan_takes_any_file(content: bytes) -> None:
    """A file of any content has an object, a reason, or is nothing of interest."""
    with tempfile.TemporaryDirectory() as top:
        path = Path(top, "x.so")
        path.write_bytes(content)
        assert isinstance(read_file(str(path), versions=True), (ElfObject, SkippedFile))


@given(st.binary(max_size=300), st.booleans())
def test_any_cache(content: bytes, with_magic: bool) -> None:  # noqa: FBT001
    """An ld.so.cache of any bytes is parsed or none."""
    found = parse_cache(b"glibc-ld.so.cache1.1" + content if with_magic else content)
    assert found is None or isinstance(found, LoaderCache)
