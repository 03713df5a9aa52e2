"""ld.so.cache and ld.so.conf, as written by a test and as broken by one."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from multistage_docker.elf.ldcache import CacheEntry, configured_directories, parse_cache

if TYPE_CHECKING:
    from pathlib import Path

HEADER_BYTES = 48
ENTRY = struct.Struct("=iIIIQ")
LEVEL_BIT = 1 << 62


def build_cache(
    entries: list[tuple[str, str, int]], levels: tuple[str, ...] = (), *, prefix: bytes = b""
) -> bytes:
    """Return an ld.so.cache (glibc's dl-cache.h) of (name, path, hwcap); ``prefix`` is an old-format part.

    All places count from the header on.
    """
    strings = bytearray()
    start = HEADER_BYTES + len(entries) * ENTRY.size

    def place(text: str) -> int:
        at = start + len(strings)
        strings.extend(text.encode() + b"\0")
        return at

    table = b"".join(ENTRY.pack(0x303, place(name), place(path), 0, cap) for name, path, cap in entries)
    level_places = [place(level) for level in levels]
    strings.extend(bytes(-(start + len(strings)) % 4))
    extension = b""
    extension_at = 0
    if levels:
        extension_at = start + len(strings)
        section = struct.pack("=IIII", 1, 0, extension_at + 24, 4 * len(levels))
        extension = struct.pack("=II", 0xEAA42174, 1) + section
        extension += b"".join(struct.pack("=I", at) for at in level_places)
    header = b"glibc-ld.so.cache1.1" + struct.pack("=IIBxxxI", len(entries), len(strings), 2, extension_at)
    return prefix + header.ljust(HEADER_BYTES, b"\0") + table + strings + extension


OLD_PART = b"ld.so-1.7.0\0" + struct.pack("=I", 1) + struct.pack("=iII", 3, 0, 5) + b"a.so\0/a.so\0"
CACHE = [("liba.so.1", "/usr/lib/liba.so.1", 0), ("libb.so.2", "/opt/libb.so.2", 0)]


@pytest.mark.parametrize(
    "prefix", [pytest.param(b"", id="new format"), pytest.param(OLD_PART, id="behind an old-format part")]
)
def test_entries(prefix: bytes) -> None:
    """Names lead to paths, with an old-format part before the new one or without."""
    cache = parse_cache(build_cache(CACHE, prefix=prefix))
    assert cache
    assert cache.find("liba.so.1", ()) == ("/usr/lib/liba.so.1",)
    assert cache.find("libb.so.2", ()) == ("/opt/libb.so.2",)
    assert cache.find("libc.so.3", ()) == ()


def test_hardware_levels() -> None:
    """The entry for the best level that the processor has comes first, and those above it not at all."""
    content = build_cache(
        [
            ("liba.so", "/lib/v3/liba.so", LEVEL_BIT | 1),
            ("liba.so", "/lib/v2/liba.so", LEVEL_BIT | 0),
            ("liba.so", "/lib/liba.so", 0),
        ],
        ("x86-64-v2", "x86-64-v3"),
    )
    cache = parse_cache(content)
    assert cache
    assert cache.entries["liba.so"][0] == CacheEntry("/lib/v3/liba.so", "x86-64-v3")
    assert cache.find("liba.so", ("x86-64-v3", "x86-64-v2"))[0] == "/lib/v3/liba.so"
    assert cache.find("liba.so", ("x86-64-v2",)) == ("/lib/v2/liba.so", "/lib/liba.so")
    assert cache.find("liba.so", ()) == ("/lib/liba.so",)


def test_entries_for_other_hardware_are_dropped() -> None:
    """An entry for an old hwcap bit, or for a level without a name, is no entry."""
    content = build_cache([("a", "/a", 1 << 5), ("b", "/b", LEVEL_BIT | 7), ("c", "/c", 0)])
    cache = parse_cache(content)
    assert cache
    assert set(cache.entries) == {"c"}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"garbage" * 100, id="garbage"),
        pytest.param(b"ld.so-1.7.0" + bytes(100), id="old format only"),
        pytest.param(build_cache(CACHE)[:40], id="cut in the header"),
        pytest.param(build_cache(CACHE)[:60], id="cut in the table"),
    ],
)
def test_no_cache(content: bytes) -> None:
    """What is no cache, or ends inside its table, counts as none at all."""
    assert parse_cache(content) is None


def test_strings_outside_are_dropped() -> None:
    """An entry whose strings lie outside of the file is left out, and the others stay."""
    whole = build_cache(CACHE)
    cache = parse_cache(whole[: whole.index(b"/opt")])
    assert cache
    assert set(cache.entries) == {"liba.so.1"}


def test_a_broken_extension_means_no_levels() -> None:
    """Levels that cannot be read leave the plain entries as they are."""
    whole = build_cache([("a", "/v2/a", LEVEL_BIT), ("a", "/a", 0)], ("x86-64-v2",))
    for broken in (whole[:-4], whole[:-20], whole.replace(struct.pack("=I", 0xEAA42174), b"nope")):
        cache = parse_cache(broken)
        assert cache
        assert cache.find("a", ("x86-64-v2",)) == ("/a",)


def test_a_name_that_is_no_utf8() -> None:
    """Bytes that are no UTF-8 survive as in file names."""
    cache = parse_cache(build_cache([("liba.so", "/opt/X/liba.so", 0)]).replace(b"X", b"\xff"))
    assert cache
    assert cache.find("liba.so", ()) == ("/opt/\udcff/liba.so",)


def write(path: Path, text: str) -> Path:
    """Write a configuration file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_configured_directories(tmp_path: Path) -> None:
    """Lines name directories; comments, blanks and hwcap lines do not; slashes at the end go."""
    conf = write(
        tmp_path / "ld.so.conf", "# top\n/opt/one/\n\n  /opt/two  # why\nhwcap 1 nosegneg\n/opt/one\n/\n"
    )
    assert configured_directories(conf) == ("/opt/one", "/opt/two", "/")


def test_a_directory_with_a_space(tmp_path: Path) -> None:
    """A line is one directory, spaces inside it included, as for ldconfig."""
    assert configured_directories(write(tmp_path / "ld.so.conf", "/opt/my libs\n")) == ("/opt/my libs",)


def test_a_libc5_directory(tmp_path: Path) -> None:
    """What follows an equals sign was a library type once, and is no part of the directory."""
    assert configured_directories(write(tmp_path / "ld.so.conf", "/opt/old=libc5\n")) == ("/opt/old",)


def test_includes(tmp_path: Path) -> None:
    """Included files come in sorted order where they are included, relative to the including file."""
    write(tmp_path / "conf.d/b.conf", "/b\n")
    write(tmp_path / "conf.d/a.conf", "/a\ninclude deeper/*.conf\n")
    write(tmp_path / "conf.d/deeper/c.conf", "/c\n")
    write(tmp_path / "conf.d/ignored.txt", "/ignored\n")
    conf = write(tmp_path / "ld.so.conf", f"/first\ninclude conf.d/*.conf {tmp_path}/none/*\n/last\n")
    assert configured_directories(conf) == ("/first", "/a", "/c", "/b", "/last")


def test_includes_in_a_circle_end(tmp_path: Path) -> None:
    """A file that includes itself names its directories once."""
    assert configured_directories(write(tmp_path / "ld.so.conf", "/a\ninclude *.conf\n")) == ("/a",)


def test_no_configuration(tmp_path: Path) -> None:
    """A system without ld.so.conf names no directory."""
    assert configured_directories(tmp_path / "ld.so.conf") == ()
    (tmp_path / "ld.so.conf").mkdir()
    assert configured_directories(tmp_path / "ld.so.conf") == ()
