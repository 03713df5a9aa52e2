"""What find-libdeps found: the Report, and of a check the Verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multistage_docker.debian.lookup import Found
    from multistage_docker.elf.scan import SkippedFile
    from multistage_docker.python.distributions import Distribution
    from multistage_docker.python.interpreter import Misfit


@dataclass(frozen=True, slots=True, order=True)
class Requirement:
    """A library that a file needs, by DT_NEEDED or because it opens it by name while it runs.

    ``path`` is where it was found, "" where it was not. ``file`` needs it and came with
    ``distribution``; a file outside the tree is one that the tree needs and no package owns.
    ``is_plugin`` says that the file is an optional plugin. Of a library that is opened, ``alternatives``
    are the names of which any will do, and ``line`` is where the source asks for it; the dlopen note of an
    ELF file has a ``priority`` instead.
    """

    soname: str
    path: str
    file: str
    distribution: Distribution | None = field(default=None, compare=False)
    is_plugin: bool = False
    line: int = 0
    alternatives: tuple[str, ...] = ()
    priority: str = ""

    @property
    def is_optional(self) -> bool:
        """Whether the file says or its place shows that it works without."""
        return self.is_plugin or self.priority in ("recommended", "suggested")

    @property
    def is_opened(self) -> bool:
        """Whether the library is opened by name."""
        return bool(self.alternatives)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of which any will do."""
        return self.alternatives or (self.soname,)


@dataclass(frozen=True, slots=True, order=True)
class ListedPackage:
    """A package that ships needed libraries; ``name`` is as apt-get takes it, ``name:arch`` if foreign.

    One that is not installed here was ``found`` in the archive.
    """

    name: str
    version: str
    architecture: str
    requirements: tuple[Requirement, ...]
    found: Found | None = field(default=None, compare=False)

    @property
    def is_for_plugins(self) -> bool:
        """Whether only plugins need it."""
        return all(requirement.is_plugin for requirement in self.requirements)


@dataclass(frozen=True, slots=True)
class Report:
    """All that is known of what the trees need from outside.

    ``packages`` are what to install. ``missing`` was found nowhere; ``archive_asked`` says whether the
    archive was searched for it, ``lookup_error`` why that failed or was not complete. ``unpackaged``
    stands outside the tree and belongs to no package. ``preloaded`` stands in the tree, where only a
    library that has been loaded before is met. ``interpreter`` is Python's own library. ``unsafe_search``
    are files whose search path leads to whatever directory is current when they run, which is ignored
    here. ``opened_packages`` are not listed, but own libraries that are opened by name;
    ``opened_missing`` are libraries that are opened by names of which none is found, many of them
    optional. ``files`` and ``objects`` count all regular files and the ELF files among them that were
    searched.
    """

    roots: tuple[str, ...]
    packages: tuple[ListedPackage, ...]
    missing: tuple[Requirement, ...]
    unpackaged: tuple[Requirement, ...]
    preloaded: tuple[Requirement, ...]
    interpreter: tuple[Requirement, ...]
    skipped: tuple[SkippedFile, ...]
    unsafe_search: tuple[str, ...]
    files: int
    objects: int
    opened_packages: tuple[ListedPackage, ...] = ()
    opened_missing: tuple[Requirement, ...] = ()
    archive_asked: bool = False
    lookup_error: str = ""

    @property
    def missing_required(self) -> tuple[Requirement, ...]:
        """The missing libraries that more than a plugin needs."""
        return tuple(requirement for requirement in self.missing if not requirement.is_plugin)


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """A need that this system does not meet: the library itself, or ``version`` of the one that is here."""

    requirement: Requirement
    version: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found.

    ``gaps`` are what ld.so would fail for; ``optional_gaps`` the same for optional plugins; ``misfits``
    the virtualenvs whose interpreter is not here or is another version; ``unrunnable`` says that the
    trees hold ELF files, all of them for other machines; ``time64`` that packages of libraries may have
    t64 at the end of their names here.
    """

    roots: tuple[str, ...]
    gaps: tuple[Gap, ...]
    optional_gaps: tuple[Gap, ...]
    misfits: tuple[Misfit, ...]
    skipped: tuple[SkippedFile, ...]
    unrunnable: bool
    time64: bool = False

    @property
    def is_sound(self) -> bool:
        """Whether what is required is all there."""
        return not (self.gaps or self.misfits or self.unrunnable)
