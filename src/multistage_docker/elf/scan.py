"""A tree of files -> its ELF files, told by their first bytes. Reads; never runs, never leaves the tree."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from multistage_docker.elf.objects import MAGIC, ElfObject, read_object
from multistage_docker.errors import MalformedElfError
from multistage_docker.files import open_regular
from multistage_docker.parallel import map_chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from multistage_docker.parallel import Progress

_LIBRARY_NAME = re.compile(r"\.so(\.[0-9][^/]*)?$")


class Skip(Enum):
    """Why a file is not searched for needs; the values are for people."""

    NOT_ELF = "no ELF file"
    MALFORMED = "malformed ELF file"
    UNREADABLE = "cannot be read"
    RELOCATABLE = "relocatable object, not loaded by ld.so"
    STATIC = "static, needs nothing"
    DEBUG = "separate debug file"
    MUSL = "built for musl, not for glibc"
    FOREIGN = "built for a machine that this system cannot run"

    @property
    def is_alarming(self) -> bool:
        """Whether the file may be broken, so that its needs may have been missed."""
        return self in (Skip.NOT_ELF, Skip.MALFORMED, Skip.UNREADABLE)

    @property
    def is_foreign(self) -> bool:
        """Whether another machine could run the file."""
        return self is Skip.FOREIGN


@dataclass(frozen=True, slots=True, order=True)
class SkippedFile:
    """A file or directory that was passed by; ``detail`` adds to the reason where there is more to say."""

    path: str
    reason: Skip = field(compare=False)
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scan found.

    ``objects`` are the dynamic ELF files by path; ``links`` the symbolic links named like shared
    libraries, by path, with where they lead; ``files`` all regular files. Paths begin with the roots'
    real paths.
    """

    objects: Mapping[str, ElfObject]
    links: Mapping[str, str]
    skipped: tuple[SkippedFile, ...]
    files: tuple[str, ...]


def scan(
    roots: Iterable[str],
    *,
    exclude: tuple[str, ...] = (),
    jobs: int | None = None,
    versions: bool = False,
    progress: Progress | None = None,
) -> Scan:
    """Find and read every ELF file in the trees (or files) that ``roots`` name.

    ``exclude`` holds patterns as in fnmatch: one with a slash, but at its end, is matched against the path
    below the root, any other against the name; a directory that matches is left out whole. ``jobs`` is the
    number of processes, None for what fits the tree and the machine; ``versions`` reads symbol versions as
    well. Symbolic links are not followed below a root.
    """
    walk = _Walk(exclude)
    for root in _outermost(roots):
        walk.add(root)
    objects: dict[str, ElfObject] = {}
    skipped = walk.skipped
    read = partial(_read_chunk, versions=versions)
    for found, passed_by in map_chunks(read, walk.files, jobs=jobs, progress=progress):
        objects.update(found)
        skipped.extend(passed_by)
    known = objects.keys() | {item.path for item in skipped}
    # A file that the caller names is meant to be one, but for source, which may open libraries.
    named = (path for path in walk.named if path not in known and not path.endswith(".py"))
    skipped.extend(SkippedFile(path, Skip.NOT_ELF) for path in named)
    return Scan(
        objects=dict(sorted(objects.items())),
        links=dict(sorted(walk.links.items())),
        skipped=tuple(sorted(skipped)),
        files=tuple(walk.files),
    )


def _outermost(roots: Iterable[str]) -> list[str]:
    real = sorted({os.path.realpath(root) for root in roots})
    return [root for root in real if not any(root.startswith(f"{other.rstrip('/')}/") for other in real)]


class _Walk:
    """The names in the trees: regular files and library links, neither opened nor followed.

    ``named`` are the files among the roots themselves.
    """

    def __init__(self, exclude: tuple[str, ...]) -> None:
        self.files: list[str] = []
        self.named: list[str] = []
        self.links: dict[str, str] = {}
        self.skipped: list[SkippedFile] = []
        patterns = [pattern.removeprefix("./").rstrip("/") for pattern in exclude]
        self._excluded_names = tuple(pattern for pattern in patterns if "/" not in pattern)
        self._excluded_paths = tuple(pattern.lstrip("/") for pattern in patterns if "/" in pattern)

    def add(self, root: str) -> None:
        if not os.path.isdir(root):
            self.files.append(root)
            self.named.append(root)
            return
        pending = [root]
        while pending:
            directory = pending.pop()
            try:
                with os.scandir(directory) as entries:
                    pending.extend(self._directories(root, entries))
            except OSError as error:
                self.skipped.append(SkippedFile(directory, Skip.UNREADABLE, error.strerror or ""))

    def _directories(self, root: str, entries: Iterable[os.DirEntry[str]]) -> Iterator[str]:
        for entry in entries:
            if self._is_excluded(entry, root):
                continue
            if entry.is_symlink():
                if ".so" in entry.name:
                    self.links[entry.path] = os.path.realpath(entry.path)
            elif entry.is_dir(follow_symlinks=False):
                yield entry.path
            elif entry.is_file(follow_symlinks=False):
                self.files.append(entry.path)

    def _is_excluded(self, entry: os.DirEntry[str], root: str) -> bool:
        below = entry.path[len(root) :].lstrip("/") if self._excluded_paths else ""
        return any(fnmatchcase(entry.name, pattern) for pattern in self._excluded_names) or any(
            fnmatchcase(below, pattern) for pattern in self._excluded_paths
        )


_Chunk = tuple[list[tuple[str, ElfObject]], list[SkippedFile]]


def _read_chunk(paths: list[str], *, versions: bool) -> _Chunk:
    objects: list[tuple[str, ElfObject]] = []
    skipped: list[SkippedFile] = []
    for path in paths:
        result = read_file(path, versions=versions)
        if isinstance(result, SkippedFile):
            skipped.append(result)
        elif result is not None:
            objects.append((path, result))
    return objects, skipped


def read_file(path: str, *, versions: bool = False) -> ElfObject | SkippedFile | None:
    """Read one file of a tree: its object, why it is passed by, or None where it is simply something else."""
    try:
        opened = open_regular(path)
        if opened is None:
            return None
        with opened as stream:
            if stream.read(len(MAGIC)) != MAGIC:
                return SkippedFile(path, Skip.NOT_ELF) if _LIBRARY_NAME.search(path) else None
            stream.seek(0)
            elf = read_object(stream, versions=versions)
    except OSError as error:
        return SkippedFile(path, Skip.UNREADABLE, error.strerror or "")
    except MalformedElfError as error:
        return SkippedFile(path, Skip.MALFORMED, str(error))
    reason = reason_to_skip(elf)
    return SkippedFile(path, reason) if reason else elf


def reason_to_skip(elf: ElfObject) -> Skip | None:
    """Return why ld.so would never be asked to load an object's needs, or None where it would."""
    if elf.kind == "ET_REL":
        return Skip.RELOCATABLE
    if not elf.dynamic:
        # ld cannot link a shared object without a dynamic section; objcopy --only-keep-debug empties it.
        return Skip.DEBUG if elf.kind == "ET_DYN" else Skip.STATIC
    if "/ld-musl-" in elf.interpreter or any(name.startswith("libc.musl-") for name in elf.needed):
        return Skip.MUSL
    return None
