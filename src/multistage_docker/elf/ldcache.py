"""ld.so.cache and ld.so.conf: which libraries and directories the system has told ld.so about."""

from __future__ import annotations

import glob
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MAGIC = b"glibc-ld.so.cache1.1"
_HEADER_BYTES = 48
_ENTRY = struct.Struct("=iIIIQ")
_COUNT = struct.Struct("=I")
_EXTENSION_POINTER_OFFSET = 32
_EXTENSION_MAGIC = 0xEAA42174
_EXTENSION_SECTION = struct.Struct("=IIII")
_HARDWARE_LEVELS_TAG = 1
_HARDWARE_LEVEL_BIT = 1 << 30
_MOST_INCLUDE_DEPTH = 16


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """A library in ld.so.cache; ``level`` is its glibc-hwcaps subdirectory, "" for the baseline."""

    path: str
    level: str = ""


@dataclass(frozen=True, slots=True)
class LoaderCache:
    """The libraries of an ld.so.cache by the name that they are asked for, in the cache's own order."""

    entries: Mapping[str, tuple[CacheEntry, ...]] = field(default_factory=dict)

    def find(self, name: str, levels: tuple[str, ...]) -> tuple[str, ...]:
        """Return the paths for a name, the best hardware level first; levels not named are left out."""
        order = {level: rank for rank, level in enumerate((*levels, ""))}
        usable = [entry for entry in self.entries.get(name, ()) if entry.level in order]
        return tuple(entry.path for entry in sorted(usable, key=lambda entry: order[entry.level]))


def parse_cache(content: bytes) -> LoaderCache | None:
    """Parse the bytes of an ld.so.cache (glibc's sysdeps/generic/dl-cache.h); None where they are none.

    An old-format part may stand before the one that is read. Entries that point outside are dropped.
    """
    start = content.find(_MAGIC)
    if start < 0 or len(content) - start < _HEADER_BYTES:
        return None
    cache = content[start:]
    (number,) = _COUNT.unpack_from(cache, len(_MAGIC))
    if _HEADER_BYTES + number * _ENTRY.size > len(cache):
        return None
    levels = _parse_levels(cache)
    entries: dict[str, list[CacheEntry]] = {}
    table = cache[_HEADER_BYTES : _HEADER_BYTES + number * _ENTRY.size]
    for _flags, key, value, _osversion, hardware in _ENTRY.iter_unpack(table):
        level = ""
        if hardware:
            index = hardware & 0xFFFFFFFF
            if hardware >> 32 != _HARDWARE_LEVEL_BIT or index >= len(levels):
                continue
            level = levels[index]
        name, path = _string(cache, key), _string(cache, value)
        if name and path:
            entries.setdefault(name, []).append(CacheEntry(path, level))
    return LoaderCache({name: tuple(found) for name, found in entries.items()})


def _parse_levels(cache: bytes) -> tuple[str, ...]:
    (start,) = _COUNT.unpack_from(cache, _EXTENSION_POINTER_OFFSET)
    if not start or start + 8 > len(cache):
        return ()
    magic, number = struct.unpack_from("=II", cache, start)
    sections = cache[start + 8 : start + 8 + number * _EXTENSION_SECTION.size]
    if magic != _EXTENSION_MAGIC or len(sections) < number * _EXTENSION_SECTION.size:
        return ()
    for tag, _flags, offset, size in _EXTENSION_SECTION.iter_unpack(sections):
        if tag == _HARDWARE_LEVELS_TAG and offset + size <= len(cache) and size % _COUNT.size == 0:
            return tuple(_string(cache, at) for (at,) in _COUNT.iter_unpack(cache[offset : offset + size]))
    return ()


def _string(cache: bytes, offset: int) -> str:
    end = cache.find(b"\0", offset)
    return cache[offset:end].decode(sys.getfilesystemencoding(), "surrogateescape") if end >= 0 else ""


def configured_directories(conf: Path) -> tuple[str, ...]:
    """Return the directories that an ld.so.conf names, in its order (ldconfig(8)); missing files name none.

    ``include`` takes patterns, relative to the including file, whose matches are read in sorted order.
    """
    return tuple(dict.fromkeys(_directories(conf, 0)))


def _directories(conf: Path, depth: int) -> Iterator[str]:
    if depth > _MOST_INCLUDE_DEPTH:
        return
    try:
        text = conf.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    for line in text.splitlines():
        setting = line.partition("#")[0].strip()
        words = setting.split()
        if not words or words[0] == "hwcap":
            continue
        if words[0] != "include":
            # "directory=type" is libc5's; ldconfig still reads it.
            yield setting.partition("=")[0].rstrip("/ \t") or "/"
            continue
        for pattern in words[1:]:
            for included in sorted(glob.glob(str(conf.parent / pattern))):
                yield from _directories(Path(included), depth + 1)
