"""The file system as ld.so sees it: directory listings, ELF files, the cache. Reads everything once."""

from __future__ import annotations

import os
import stat
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from multistage_docker.elf.ldcache import LoaderCache, configured_directories, parse_cache
from multistage_docker.elf.objects import ElfObject, read_object
from multistage_docker.elf.platforms import Processor, parse_cpuinfo
from multistage_docker.errors import MalformedElfError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Host(Protocol):
    """What the loader asks of a system."""

    @property
    def cache(self) -> LoaderCache | None:
        """The system's ld.so.cache, or None where there is none that can be read."""
        ...

    @property
    def configured_directories(self) -> tuple[str, ...]:
        """The directories that ld.so.conf names."""
        ...

    @property
    def processor(self) -> Processor:
        """The processor that programs run on."""
        ...

    def listing(self, directory: str) -> frozenset[str]:
        """Return the names in a directory; none where it cannot be read."""
        ...

    def real_directory(self, directory: str) -> str:
        """Return a directory's path with every symbolic link and ``..`` resolved."""
        ...

    def read(self, path: str) -> ElfObject | None:
        """Return the ELF object that a path leads to, links followed; None where it is no readable one."""
        ...


class SystemHost:
    """The running system.

    ``known`` are objects that have been read already, by path; ``versions`` says whether those that are
    read from now on come with their symbol versions.
    """

    def __init__(self, known: Mapping[str, ElfObject] | None = None, *, versions: bool = False) -> None:
        self._versions = versions
        self._objects: dict[str, ElfObject | None] = dict(known or {})
        self._listings: dict[str, frozenset[str]] = {}
        self._real_directories: dict[str, str] = {}

    @cached_property
    def cache(self) -> LoaderCache | None:
        """/etc/ld.so.cache."""
        try:
            return parse_cache(Path("/etc/ld.so.cache").read_bytes())
        except OSError:
            return None

    @cached_property
    def configured_directories(self) -> tuple[str, ...]:
        """What /etc/ld.so.conf and the files that it includes name."""
        return configured_directories(Path("/etc/ld.so.conf"))

    @cached_property
    def processor(self) -> Processor:
        """The processor that /proc/cpuinfo tells of; one of which nothing is known without /proc."""
        try:
            return parse_cpuinfo(Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace"))
        except OSError:
            return Processor()

    def listing(self, directory: str) -> frozenset[str]:
        """Return the names in a directory; none where it cannot be read."""
        names = self._listings.get(directory)
        if names is None:
            try:
                names = frozenset(os.listdir(directory))
            except (OSError, ValueError):
                names = frozenset()
            self._listings[directory] = names
        return names

    def real_directory(self, directory: str) -> str:
        """Return a directory's path with every symbolic link and ``..`` resolved."""
        real = self._real_directories.get(directory)
        if real is None:
            real = self._real_directories[directory] = os.path.realpath(directory)
        return real

    def read(self, path: str) -> ElfObject | None:
        """Return the object that a path leads to; what is no regular file is not opened."""
        if path not in self._objects:
            self._objects[path] = _read(path, versions=self._versions)
        return self._objects[path]


def _read(path: str, *, versions: bool) -> ElfObject | None:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return None
        with open(path, "rb", buffering=0) as stream:
            return read_object(stream, versions=versions)
    except (OSError, ValueError, MalformedElfError):
        return None
