"""A whole tree of ELF files: who loads whom, and what meets each need, inside the tree or outside."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from posixpath import basename, commonpath, dirname
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from multistage_docker.elf.loader import Link, Loader, Program
    from multistage_docker.elf.objects import ElfObject


class Provision(Enum):
    """What meets a need."""

    SYSTEM = "found outside the tree by the loader's rules"
    TREE = "found in the tree by the loader's rules"
    PRELOAD = "in the tree, but off the loader's path: works when it has been loaded before"
    MISSING = "found nowhere"


@dataclass(frozen=True, slots=True, order=True)
class Need:
    """One DT_NEEDED entry of one object and what meets it; ``path`` is "" where nothing does.

    Or a library that a file opens by name, at a ``line`` if it is source, with a ``priority`` if a
    dlopen note says so: then ``alternatives`` are the names of which any will do, ``name`` the one that
    counts. ``requester`` may stand outside the tree: an object that the tree needs and whose own needs
    are followed.
    """

    requester: str
    name: str
    path: str
    provision: Provision
    line: int = 0
    alternatives: tuple[str, ...] = ()
    priority: str = ""


class Tree:
    """The dynamic ELF files of one platform below the scanned paths.

    ``program`` is the interpreter that opens those which are no programs themselves.
    """

    def __init__(
        self, objects: Mapping[str, ElfObject], links: Mapping[str, str], loader: Loader, program: Program
    ) -> None:
        self._objects = objects
        self._links = links
        self._loader = loader
        self._program = program
        self._providers = _index(objects, links)
        self._processes: dict[tuple[str, frozenset[str]], tuple[Link, ...]] = {}

    def needs(self, follow: Collection[str] = ()) -> tuple[Need, ...]:
        """Return every need of every object, sorted.

        An object that others of the tree load is judged in the processes that load it, with the search
        paths that they lend it (DT_RPATH is inherited) and the libraries that are there already; any
        other as ld.so would load it by itself. ``follow`` are paths outside whose needs count as well.
        """
        links: set[Link] = set()
        reached: set[str] = set()
        for path in sorted(self._objects, key=lambda path: (path in self.needed_by_others, path)):
            if path in self.needed_by_others and path in reached:
                continue
            process = self._process(path, frozenset(follow))
            links.update(process)
            reached.update(map(self.real, {link.requester for link in process}))
        needs = set(map(self._need, links))
        return tuple(sorted(needs, key=lambda need: (need.requester, need.name, need.path)))

    def needs_beyond(self, paths: Iterable[str]) -> tuple[Need, ...]:
        """Return the needs of objects outside the tree, and of what they need, each judged by itself."""
        pending = [path for path in paths if path not in self._objects]
        seen = set(pending)
        found = set()
        while pending:
            path = pending.pop()
            for link in self._loader.load_file(path, self._program):
                need = self._need(link)
                found.add(need)
                if need.provision is Provision.SYSTEM and need.path not in seen:
                    seen.add(need.path)
                    pending.append(need.path)
        return tuple(sorted(found))

    def opened(
        self, requester: str, names: tuple[str, ...], line: int, priority: str = "", *, home: str = ""
    ) -> Need:
        """Return what meets the first of several names for one library that a file opens while it runs.

        A name without ``.so`` is what ``ctypes.util.find_library`` takes. What the tree ships comes first:
        code opens that by a path that it puts together. ``find_library`` knows nothing of the tree, so that
        only a library below the requester's own ``home`` counts for such a name.
        """
        for name in names:
            if provider := self._shipped(name, requester, home):
                return Need(requester, name, provider, Provision.TREE, line, names, priority)
        for name in names:
            find = self._loader.open if ".so" in name else self._loader.find_library
            if path := find(name, self._program):
                return Need(requester, name, path, Provision.SYSTEM, line, names, priority)
        return Need(requester, names[0], "", Provision.MISSING, line, names, priority)

    @cached_property
    def needed_by_others(self) -> frozenset[str]:
        """The objects that the loader would load because another object of the tree needs them."""
        directly = self._met(self._load(path, lambda _: False) for path in self._objects)
        # Some are found only with the search paths that they inherit in the process of another object.
        starts = [path for path in self._objects if path not in directly]
        return directly | self._met(self._process(path) for path in starts)

    def _met(self, processes: Iterable[tuple[Link, ...]]) -> frozenset[str]:
        """Return the paths that meet needs of processes, that of the object which starts each one aside."""
        met: set[str] = set()
        for links in processes:
            paths = {link.path for link in links if link.path}
            met.update({self.real(path) for path in paths} - {link.requester for link in links[:1]})
        return frozenset(met)

    def real(self, path: str) -> str:
        """Return the file of the tree that a path stands for, where it is a link in the tree."""
        return self._links.get(path, path)

    def _process(self, path: str, follow: frozenset[str] = frozenset()) -> tuple[Link, ...]:
        """Return the links of a process that loads an object and, of what it needs, the tree's objects."""
        key = (path, follow)
        if key not in self._processes:
            self._processes[key] = self._load(
                path, lambda target: self.real(target) in self._objects or target in follow
            )
        return self._processes[key]

    def _load(self, path: str, follow: Callable[[str], bool]) -> tuple[Link, ...]:
        elf = self._objects[path]
        if elf.is_executable:
            return self._loader.load(path, elf, follow)
        return self._loader.load(path, elf, follow, self._program)

    def _need(self, link: Link) -> Need:
        requester = self.real(link.requester)
        if link.path:
            path = self.real(link.path)
            return Need(
                requester, link.name, path, Provision.TREE if path in self._objects else Provision.SYSTEM
            )
        provider = self._preloaded(link.name, requester)
        return Need(requester, link.name, provider, Provision.PRELOAD if provider else Provision.MISSING)

    def _shipped(self, name: str, requester: str, home: str) -> str:
        if ".so" in name:
            return self._preloaded(name, requester)
        own = f"lib{name}.so"
        names = (one for one in self._providers if one == own or one.startswith(f"{own}."))
        paths = (path for one in names for path in self._providers[one])
        return min((path for path in paths if home and path.startswith(f"{home}/")), default="")

    def _preloaded(self, name: str, requester: str) -> str:
        """Return the provider nearest to the requester: wheels load libraries of other wheels by hand."""
        candidates = self._providers.get(basename(name), ())
        return min(candidates, key=lambda path: (-_shared_depth(path, requester), path), default="")


def _shared_depth(one: str, other: str) -> int:
    return commonpath((dirname(one), dirname(other))).count("/")


def _index(objects: Mapping[str, ElfObject], links: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
    """Index the tree's libraries by file name, by SONAME and by the names of the links to them."""
    index: dict[str, set[str]] = {}
    for name, path in _names(objects, links):
        index.setdefault(name, set()).add(path)
    return {name: tuple(sorted(paths)) for name, paths in index.items()}


def _names(objects: Mapping[str, ElfObject], links: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for path, elf in objects.items():
        yield from ((name, path) for name in _own_names(path, elf))
    for link, target in links.items():
        if target in objects:
            yield basename(link), target


def _own_names(path: str, elf: ElfObject) -> Iterable[str]:
    return filter(None, (basename(path), elf.soname))
