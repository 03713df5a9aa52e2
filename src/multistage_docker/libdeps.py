"""From a tree to the packages that it needs: ELF files, their needs, the owners of what meets them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from multistage_docker.debian.dpkg import installed_packages, native_architecture
from multistage_docker.debian.essential import essential_closure
from multistage_docker.debian.owners import DIVERSIONS, Diversion, owners, parse_diversions
from multistage_docker.elf.host import SystemHost
from multistage_docker.elf.loader import Loader, Program
from multistage_docker.elf.platforms import Platform, platform_of
from multistage_docker.elf.scan import Progress, Scan, Skip, SkippedFile, scan
from multistage_docker.elf.tree import Need, Provision, Tree
from multistage_docker.errors import UsageError
from multistage_docker.process import Runner, SystemRunner
from multistage_docker.python.distributions import distributions_of
from multistage_docker.python.interpreter import Interpreter, interpreter_of, is_libpython
from multistage_docker.report import ListedPackage, Report, Requirement

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from multistage_docker.debian.dpkg import InstalledPackage
    from multistage_docker.elf.host import Host
    from multistage_docker.elf.objects import ElfObject

_PLUGIN_DIRECTORIES = frozenset(("plugins", "qml"))


@dataclass(frozen=True, slots=True)
class Choices:
    """What to search and what to list; the defaults are the command's."""

    include_essential: bool = False
    exclude: tuple[str, ...] = ()
    plugins: bool = True
    jobs: int | None = None


def find_libdeps(
    paths: Sequence[str],
    choices: Choices = Choices(),
    *,
    runner: Runner | None = None,
    progress: Progress | None = None,
) -> Report:
    """Return what the ELF files below ``paths`` need from this system's packages.

    No program below the paths is run. Raises UsageError where a path does not exist, and
    ProgramNotFoundError where this is no Debian system.
    """
    for path in paths:
        if not os.path.exists(path):
            raise UsageError(f"{path}: no such file or directory")
    roots = tuple(paths)
    scanned = scan(roots, exclude=choices.exclude, jobs=choices.jobs, progress=progress)
    forest = Forest(scanned, [found for root in roots if (found := interpreter_of(root))])
    return _Ownership(runner or SystemRunner()).report(roots, forest, choices)


class Forest:
    """The scanned trees, parted by the platforms that this system can run."""

    def __init__(self, scanned: Scan, interpreters: Iterable[Interpreter]) -> None:
        self.interpreters = tuple(dict.fromkeys(interpreters))
        self.scanned = scanned
        host = SystemHost(scanned.objects)
        objects, foreign = _by_platform(scanned.objects, host)
        self.skipped = tuple(sorted((*scanned.skipped, *foreign)))
        library_path = tuple(filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(":")))
        self._trees = []
        for platform, own in objects.items():
            loader = Loader(host, platform, library_path=library_path)
            program = _program(self.interpreters, host, loader)
            self._trees.append(Tree(own, scanned.links, loader, program))
        self.objects = {path: elf for own in objects.values() for path, elf in own.items()}

    def needs(self, follow: Collection[str]) -> tuple[Need, ...]:
        """Return every need of every tree, and of the paths outside that are to be followed."""
        return tuple(need for tree in self._trees for need in tree.needs(follow))

    def plugins(self, roots: Iterable[str]) -> frozenset[str]:
        """Return the shared objects below a plugin directory of their root that nothing else needs."""
        needed = frozenset[str]().union(*(tree.needed_by_others() for tree in self._trees))
        real_roots = [os.path.realpath(root) for root in roots]
        return frozenset(
            path
            for path, elf in self.objects.items()
            if not elf.is_executable and path not in needed and _is_in_plugin_directory(path, real_roots)
        )


def _by_platform(
    objects: Mapping[str, ElfObject], host: Host
) -> tuple[dict[Platform, dict[str, ElfObject]], list[SkippedFile]]:
    parted: dict[Platform, dict[str, ElfObject]] = {}
    foreign = []
    for path, elf in objects.items():
        platform = platform_of(elf)
        if platform is None or host.read(platform.loader) is None:
            foreign.append(SkippedFile(path, Skip.FOREIGN, elf.machine.removeprefix("EM_").lower()))
        else:
            parted.setdefault(platform, {})[path] = elf
    return parted, foreign


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


class _Ownership:
    """Needs -> the packages that own what meets them."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._native = native_architecture(runner)
        self._installed = installed_packages(runner)
        self._diversions = _diversions()
        self._owners: dict[str, tuple[InstalledPackage, ...]] = {}

    def report(self, roots: tuple[str, ...], forest: Forest, choices: Choices) -> Report:
        needs = self._followed(forest)
        plugins = forest.plugins(roots)
        if not choices.plugins:
            needs = tuple(need for need in needs if need.requester not in plugins)
        distributions = distributions_of({need.requester for need in needs}, forest.scanned.files)
        by_provision: dict[Provision, list[Requirement]] = {provision: [] for provision in Provision}
        for need in needs:
            requirement = Requirement(
                soname=need.name,
                path=need.path,
                file=need.requester,
                distribution=distributions.get(need.requester),
                is_plugin=need.requester in plugins,
            )
            by_provision[need.provision].append(requirement)
        outside = by_provision[Provision.SYSTEM]
        unowned = [requirement for requirement in outside if requirement.path not in self._owners]
        interpreters = forest.interpreters
        own = [item for item in unowned if any(one.owns(item.path) for one in interpreters)]
        return Report(
            roots=roots,
            packages=self._packages(outside, include_essential=choices.include_essential),
            missing=tuple(sorted(by_provision[Provision.MISSING])),
            unpackaged=tuple(sorted(set(unowned).difference(own))),
            preloaded=tuple(sorted(by_provision[Provision.PRELOAD])),
            interpreter=tuple(sorted(own)),
            skipped=forest.skipped,
            files=len(forest.scanned.files),
            objects=len(forest.objects),
        )

    def _followed(self, forest: Forest) -> tuple[Need, ...]:
        """Return all needs, also those of unpackaged libraries outside: apt brings no others'."""
        asked: set[str] = set()
        follow: frozenset[str] = frozenset()
        while True:
            needs = forest.needs(follow)
            outside = {need.path for need in needs if need.provision is Provision.SYSTEM}
            new = outside - asked
            if new:
                asked |= new
                self._owners.update(owners(self._runner, new, self._installed, self._diversions))
            unowned = frozenset(
                path
                for path in outside.difference(self._owners)
                if not any(interpreter.owns(path) for interpreter in forest.interpreters)
            )
            if unowned <= follow:
                return needs
            follow |= unowned

    def _packages(
        self, requirements: Iterable[Requirement], *, include_essential: bool
    ) -> tuple[ListedPackage, ...]:
        left_out = frozenset() if include_essential else essential_closure(self._installed, self._native)
        wanted: dict[InstalledPackage, list[Requirement]] = {}
        for requirement in requirements:
            for package in self._owners.get(requirement.path, ()):
                if package not in left_out:
                    wanted.setdefault(package, []).append(requirement)
        return tuple(
            sorted(
                ListedPackage(
                    package.qualified_name(self._native), package.version, package, tuple(sorted(needed_by))
                )
                for package, needed_by in wanted.items()
            )
        )


def _diversions() -> tuple[Diversion, ...]:
    try:
        return parse_diversions(Path(DIVERSIONS).read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        return ()
