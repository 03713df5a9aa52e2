"""The trees below the given paths, and what they need, on the system that runs them."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from multistage_docker.elf.host import SystemHost
from multistage_docker.elf.loader import Loader, Program
from multistage_docker.elf.platforms import Platform, platform_of
from multistage_docker.elf.scan import Scan, Skip, SkippedFile, scan
from multistage_docker.elf.tree import Need, Provision, Tree
from multistage_docker.errors import UsageError
from multistage_docker.opening import openings, with_optional
from multistage_docker.python.distributions import distributions_of
from multistage_docker.python.interpreter import Interpreter, interpreter_of, is_libpython
from multistage_docker.python.source import home
from multistage_docker.report import Requirement

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from multistage_docker.elf.host import Host
    from multistage_docker.elf.objects import ElfObject
    from multistage_docker.opening import Opening
    from multistage_docker.parallel import Progress

_PLUGIN_DIRECTORIES = frozenset(("plugins", "qml"))


class Opened(Enum):
    """What to do about libraries that code opens by name."""

    IGNORE = "do not look for them"
    MENTION = "say which packages they would add"
    LIST = "list their packages as well"


@dataclass(frozen=True, slots=True)
class Choices:
    """What to search and what to list; the defaults are the command's."""

    opened: Opened = Opened.MENTION

    include_essential: bool = False
    exclude: tuple[str, ...] = ()
    plugins: bool = True
    jobs: int | None = None
    resolve_missing: bool = False
    cache_directory: str = ""


DEFAULT_CHOICES = Choices()


class Forest:
    """The scanned trees, parted by the platforms that this system can run.

    ``skipped`` are the files that were passed by, those for other platforms included.
    """

    def __init__(self, roots: tuple[str, ...], scanned: Scan, host: Host) -> None:
        self.roots = roots
        self.scanned = scanned
        self.interpreters = tuple(dict.fromkeys(found for root in roots if (found := interpreter_of(root))))
        self._host = host
        self._real_roots = tuple(os.path.realpath(root) for root in roots)
        objects, foreign = _by_platform(scanned.objects, host)
        self.skipped = tuple(sorted((*scanned.skipped, *foreign)))
        library_path = tuple(filter(None, re.split("[:;]", os.environ.get("LD_LIBRARY_PATH", ""))))
        self._trees: dict[Platform, Tree] = {}
        for platform in _platforms(self.interpreters, host, objects):
            own = objects.get(platform, {})
            loader = Loader(host, platform, library_path=library_path)
            program = _program(self.interpreters, host, loader)
            self._trees[platform] = Tree(own, scanned.links, loader, program)
        self.objects = {path: elf for own in objects.values() for path, elf in own.items()}

    @classmethod
    def grow(
        cls,
        paths: Sequence[str],
        choices: Choices,
        *,
        versions: bool = False,
        progress: Progress | None = None,
    ) -> Forest:
        """Scan the paths on the running system; UsageError where one does not exist."""
        for path in paths:
            if not os.path.exists(path):
                raise UsageError(f"{path}: no such file or directory")
        scanned = scan(
            paths, exclude=choices.exclude, jobs=choices.jobs, versions=versions, progress=progress
        )
        return cls(tuple(paths), scanned, SystemHost(scanned.objects, versions=versions))

    def needs(self, follow: Collection[str]) -> tuple[Need, ...]:
        """Return every need of every tree, and of the paths outside that are to be followed."""
        return tuple(need for tree in self._trees.values() for need in tree.needs(follow))

    def openings(self, choices: Choices) -> Iterator[Opening]:
        """Begin to look for the libraries that files of the trees open by name."""
        if choices.opened is Opened.IGNORE:
            return iter(())
        return openings(self.scanned.files, self.objects, jobs=choices.jobs)

    def opened(self, found: Iterable[Opening], choices: Choices) -> tuple[Need, ...]:
        """Return what meets the libraries that files of the trees open by name."""
        tree = next(iter(self._trees.values()), None)
        if tree is None:
            return ()
        needs = tuple(
            tree.opened(one.file, one.names, one.line, one.priority, home=home(one.file))
            for one in sorted(found)
        )
        if choices.opened is not Opened.LIST:
            return needs
        return with_optional(needs, self.scanned.files, jobs=choices.jobs)

    def needs_beyond(self, needs: Iterable[Need]) -> tuple[Need, ...]:
        """Return the needs of what the given needs found outside the trees, and so on."""
        paths = {need.path for need in needs}
        return tuple(
            need
            for platform, tree in self._trees.items()
            for need in tree.needs_beyond(path for path in paths if self._is_for(platform, path))
        )

    @property
    def library_directories(self) -> tuple[str, ...]:
        """The directories in which the system's loaders look for any program's libraries."""
        directories = [*self._host.configured_directories]
        for platform in self._trees:
            directories.extend(platform.default_directories)
        return tuple(dict.fromkeys(directories))

    def read(self, path: str) -> ElfObject | None:
        """Return the object that a path leads to, in the trees or outside; None where there is none."""
        return self._host.read(path) if path else None

    def left_out(self, path: str) -> bool:
        """Whether a path that is no object of the trees stands in one: then the caller excluded it."""
        return any(path.startswith(f"{root.rstrip('/')}/") for root in self._real_roots)

    def architecture_of(self, path: str) -> str:
        """Return Debian's name of the architecture that an ELF file is built for; "" for any other file."""
        elf = self.read(path)
        platform = _platform_on(self._host, elf) if elf else None
        return platform.architecture if platform else ""

    def _is_for(self, platform: Platform, path: str) -> bool:
        elf = self.read(path)
        return elf is not None and platform.runs(elf)

    def requirements(
        self, needs: Iterable[Need], choices: Choices
    ) -> dict[Provision, tuple[Requirement, ...]]:
        """Return needs with all that is known of the files that have them, by what meets them, sorted."""
        plugins = self.plugins()
        if not choices.plugins:
            needs = [need for need in needs if need.requester not in plugins]
        distributions = distributions_of({need.requester for need in needs}, self.scanned.files)
        found: dict[Provision, list[Requirement]] = {provision: [] for provision in Provision}
        for need in needs:
            requirement = Requirement(
                soname=need.name,
                path=need.path,
                file=need.requester,
                distribution=distributions.get(need.requester),
                is_plugin=need.requester in plugins,
                line=need.line,
                alternatives=need.alternatives,
                priority=need.priority,
            )
            found[need.provision].append(requirement)
        return {provision: tuple(sorted(several)) for provision, several in found.items()}

    def plugins(self) -> frozenset[str]:
        """Return the shared objects below a plugin directory of their root that nothing else needs."""
        needed = frozenset[str]().union(*(tree.needed_by_others for tree in self._trees.values()))
        return frozenset(
            path
            for path, elf in self.objects.items()
            if not elf.is_executable
            and path not in needed
            and _is_in_plugin_directory(path, self._real_roots)
        )


def _by_platform(
    objects: Mapping[str, ElfObject], host: Host
) -> tuple[dict[Platform, dict[str, ElfObject]], list[SkippedFile]]:
    parted: dict[Platform, dict[str, ElfObject]] = {}
    foreign = []
    for path, elf in objects.items():
        platform = _platform_on(host, elf)
        if platform is None:
            foreign.append(SkippedFile(path, Skip.FOREIGN, elf.machine.removeprefix("EM_").lower()))
        else:
            parted.setdefault(platform, {})[path] = elf
    return parted, foreign


def _platforms(
    interpreters: Iterable[Interpreter], host: Host, objects: Iterable[Platform]
) -> tuple[Platform, ...]:
    """Return the platforms that matter, the interpreters' first: a tree may be Python source alone.

    What is called python3 may be a script that starts another one; then this very process tells.
    """
    of_interpreters = _platforms_of((interpreter.executable for interpreter in interpreters), host)
    found = (*of_interpreters, *objects) or _platforms_of([os.path.realpath(sys.executable)], host)
    return tuple(dict.fromkeys(found))


def _platforms_of(programs: Iterable[str], host: Host) -> tuple[Platform, ...]:
    own = (_platform_on(host, elf) for elf in map(host.read, programs) if elf)
    return tuple(filter(None, own))


def _platform_on(host: Host, elf: ElfObject) -> Platform | None:
    return platform_of(elf, lambda loader: host.read(loader) is not None)


def _program(interpreters: Iterable[Interpreter], host: Host, loader: Loader) -> Program:
    inherited: list[str] = []
    loaded: dict[str, str] = {}
    for interpreter in interpreters:
        elf = host.read(interpreter.executable)
        if elf is None:
            continue
        inherited.extend(loader.rpath_directories(interpreter.executable, elf))
        for link in loader.load(interpreter.executable, elf, lambda _: False):
            if link.path and is_libpython(link.name):
                loaded[link.name] = link.path
    return Program(tuple(inherited), loaded)


def _is_in_plugin_directory(path: str, roots: Iterable[str]) -> bool:
    for root in roots:
        if path.startswith(f"{root.rstrip('/')}/"):
            below = path[len(root) :].split("/")[:-1]
            return not _PLUGIN_DIRECTORIES.isdisjoint(below)
    return False
