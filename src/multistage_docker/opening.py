"""The libraries that the files of a tree open by name while they run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from multistage_docker.files import open_regular
from multistage_docker.parallel import map_chunks
from multistage_docker.python.source import MOST_BYTES, is_product, may_open, opened_names

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, order=True)
class Opening:
    """A place where a file opens a library: any of ``names`` will do, the first that is found is taken.

    ``line`` counts from 1. A name without ``.so`` is one for ``ctypes.util.find_library``.
    """

    file: str
    line: int
    names: tuple[str, ...]


def openings(files: Iterable[str], *, jobs: int | None = None) -> tuple[Opening, ...]:
    """Return what the Python sources among files open by name, sorted; none of them is run.

    A file that cannot be read or parsed opens nothing.
    """
    sources = [path for path in files if path.endswith(".py") and is_product(path)]
    found = (opening for chunk in map_chunks(_read_chunk, sources, jobs=jobs) for opening in chunk)
    return tuple(sorted(found))


def _read_chunk(paths: list[str]) -> list[Opening]:
    return [opening for path in paths for opening in _read(path)]


def _read(path: str) -> list[Opening]:
    try:
        opened = open_regular(path)
        if opened is None:
            return []
        with opened as stream:
            source = stream.read(MOST_BYTES + 1)
    except OSError:
        return []
    if not may_open(source):
        return []
    return [Opening(path, name.line, name.alternatives) for name in opened_names(source, path)]
