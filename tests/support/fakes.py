"""Stand-ins for the system: a file system that ld.so could see, and programs that answer as told."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from multistage_docker.elf.objects import ElfObject
from multistage_docker.elf.platforms import Processor
from multistage_docker.errors import ProgramNotFoundError
from multistage_docker.process import Completed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multistage_docker.elf.ldcache import LoaderCache


def library(*needed: str, **other: Any) -> ElfObject:  # noqa: ANN401 - the fields of ElfObject
    """Return a shared object for x86-64 as the loader sees it."""
    return ElfObject(
        64, little_endian=True, machine="EM_X86_64", kind="ET_DYN", dynamic=True, needed=needed, **other
    )


UNKNOWN_PROCESSOR = Processor()


@dataclass(slots=True)
class FakeHost:
    """A system of given ELF files, by real path; ``links`` are links to directories and files."""

    objects: Mapping[str, ElfObject]
    cache: LoaderCache | None = None
    configured_directories: tuple[str, ...] = ()
    processor: Processor = UNKNOWN_PROCESSOR
    links: Mapping[str, str] = field(default_factory=dict)

    def listing(self, directory: str) -> frozenset[str]:
        """Return the names of files, links and directories just below a directory."""
        place = f"{self.real_directory(directory).rstrip('/')}/"
        everything = (*self.objects, *self.links)
        return frozenset(path[len(place) :].split("/")[0] for path in everything if path.startswith(place))

    def real_directory(self, directory: str) -> str:
        """Follow the links in a directory's path."""
        path = "/"
        for part in posixpath.normpath(directory).split("/"):
            path = posixpath.join(path, part)
            path = self.links.get(path, path)
        return path

    def read(self, path: str) -> ElfObject | None:
        """Return the file at a path, links followed."""
        directory, name = posixpath.split(path)
        place = posixpath.join(self.real_directory(directory), name)
        return self.objects.get(self.links.get(place, place))


@dataclass(slots=True)
class FakeRunner:
    """Programs that answer from a table of (stdout, exit status) by their first two words or one."""

    answers: Mapping[str, tuple[str, int]]
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def capture(self, argv: tuple[str, ...]) -> Completed:
        """Return the answer for a program; one that is not in the table is not installed."""
        self.asked.append(argv)
        for words in (" ".join(argv[:2]), argv[0]):
            if words in self.answers:
                stdout, returncode = self.answers[words]
                return Completed(argv, returncode, stdout, "")
        raise ProgramNotFoundError(argv[0])
