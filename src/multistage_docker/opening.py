"""The libraries that the files of a tree open by name while they run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from posixpath import basename, dirname
from typing import TYPE_CHECKING

from multistage_docker.elf.dlopen import Priority, read_dlopen_notes
from multistage_docker.elf.tree import Provision
from multistage_docker.errors import MalformedElfError
from multistage_docker.files import open_regular
from multistage_docker.parallel import map_chunks
from multistage_docker.python.imports import unimported
from multistage_docker.python.source import MOST_BYTES, is_product, may_open, opened_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from io import FileIO

    from multistage_docker.elf.objects import ElfObject
    from multistage_docker.elf.tree import Need


_SOURCES_A_CHUNK = 100
_OPTIONAL = Priority.SUGGESTED.value
_ALTERNATIVES = frozenset(("backend", "backends", "driver", "drivers"))


@dataclass(frozen=True, slots=True, order=True)
class Opening:
    """A place where a file opens a library: any of ``names`` will do, the first that is found is taken.

    ``line`` counts from 1, and is 0 in an ELF file, whose dlopen notes have a ``priority``: required,
    recommended or suggested; a source has the last where it says itself that it can do without. A name
    without ``.so`` is one for ``ctypes.util.find_library``.
    """

    file: str
    line: int
    names: tuple[str, ...]
    priority: str = ""


def openings(
    files: Iterable[str], objects: Mapping[str, ElfObject], *, jobs: int | None = None
) -> Iterator[Opening]:
    """Return an iterator over what Python sources among files and the ELF objects open by name; none is run.

    A file that cannot be read or parsed opens nothing. Several processes begin at once to read the sources.
    """
    sources = [path for path in files if path.endswith(".py") and is_product(path)]
    # Most sources are passed by at a glance and a few take long: small chunks spread those.
    chunks = map_chunks(_read_sources, sources, jobs=jobs, chunk=_SOURCES_A_CHUNK)
    announcing = (path for path, elf in objects.items() if elf.may_have_notes)
    noted = (_read(path, _opened_by_notes) for path in announcing)
    return chain.from_iterable(chain(chunks, noted))


def with_optional(
    needs: Iterable[Need], files: Iterable[str], *, jobs: int | None = None
) -> tuple[Need, ...]:
    """Return needs, those for which nothing is here marked as suggested where the code can do without.

    That is so in a module that no other imports, which is for those who ask for it, and in one of several
    backends when another one has what it opens.
    """
    several = tuple(needs)
    served = {dirname(need.requester) for need in several if need.provision is not Provision.MISSING}
    lacking = {need.requester for need in several if need.provision is Provision.MISSING}
    optional = {
        path for path in lacking if basename(dirname(path)) in _ALTERNATIVES and dirname(path) in served
    }
    optional |= unimported(lacking - optional, files, jobs=jobs)
    return tuple(
        replace(need, priority=_OPTIONAL)
        if need.provision is Provision.MISSING and need.requester in optional
        else need
        for need in several
    )


def _read_sources(paths: list[str]) -> list[Opening]:
    return [opening for path in paths for opening in _read(path, _opened_by_source)]


def _read(path: str, read: Callable[[str, FileIO], list[Opening]]) -> list[Opening]:
    try:
        stream = open_regular(path)
        if stream is None:
            return []
        with stream:
            return read(path, stream)
    except (OSError, MalformedElfError):
        return []


def _opened_by_source(path: str, stream: FileIO) -> list[Opening]:
    source = stream.read(MOST_BYTES + 1)
    if not may_open(source):
        return []
    return [
        Opening(path, name.line, name.alternatives, _OPTIONAL if name.is_optional else "")
        for name in opened_names(source, path)
    ]


def _opened_by_notes(path: str, stream: FileIO) -> list[Opening]:
    return [Opening(path, 0, note.sonames, note.priority.value) for note in read_dlopen_notes(stream)]
