"""From a tree to the packages that it needs: ELF files, their needs, the owners of what meets them."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from multistage_docker.debian.dpkg import installed_packages, native_architecture
from multistage_docker.debian.essential import essential_closure
from multistage_docker.debian.lookup import Lookup
from multistage_docker.debian.owners import DIVERSIONS, Diversion, owners, parse_diversions
from multistage_docker.elf.dlopen import Priority
from multistage_docker.elf.tree import Need, Provision
from multistage_docker.errors import ArchiveError
from multistage_docker.forest import DEFAULT_CHOICES, Choices, Forest, Opened
from multistage_docker.process import Runner, SystemRunner, stopping_by_error
from multistage_docker.report import ListedPackage, Report

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from multistage_docker.debian.dpkg import InstalledPackage
    from multistage_docker.parallel import Progress
    from multistage_docker.report import Requirement


def find_libdeps(
    paths: Sequence[str],
    choices: Choices = DEFAULT_CHOICES,
    *,
    runner: Runner | None = None,
    progress: Progress | None = None,
) -> Report:
    """Return what the ELF files below ``paths`` need from this system's packages.

    No program below the paths is run. Raises UsageError where a path does not exist, and
    ProgramNotFoundError where this is no Debian system.
    """
    forest = Forest.grow(paths, choices, progress=progress)
    return _Ownership(runner or SystemRunner()).report(forest, choices)


class _Ownership:
    """Needs -> the packages that own what meets them."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._native = native_architecture(runner)
        # A library is its package's as soon as it is there, whether a trigger waits or a script failed.
        self._installed = installed_packages(runner, unpacked=True)
        self._diversions = _diversions()
        self._owners: dict[str, tuple[InstalledPackage, ...]] = {}

    def report(self, forest: Forest, choices: Choices) -> Report:
        openings = forest.openings(choices)
        # Other processes read sources meanwhile.
        direct = forest.needs(())
        opened = forest.opened(openings, choices)
        provided = forest.requirements((*self._followed(forest, direct, opened), *opened), choices)
        by_provision = {key: _such(several, opened=False) for key, several in provided.items()}
        opened_by_provision = {key: _such(several, opened=True) for key, several in provided.items()}
        outside = by_provision[Provision.SYSTEM]
        by_name = opened_by_provision[Provision.SYSTEM]
        if choices.opened is Opened.LIST:
            outside = (*outside, *by_name)
        unowned = [
            requirement
            for requirement in outside
            if requirement.path not in self._owners and not forest.left_out(requirement.path)
        ]
        interpreters = forest.interpreters
        own = [item for item in unowned if any(one.owns(item.path) for one in interpreters)]
        packages = self._packages(outside, include_essential=choices.include_essential)
        listed = {package.name for package in packages}
        more = self._packages(by_name, include_essential=choices.include_essential)
        missing = (*by_provision[Provision.MISSING], *opened_by_provision[Provision.MISSING])
        trouble: ArchiveError | None = None
        if choices.resolve_missing:
            try:
                packages, missing, trouble = self._found_in_archive(packages, missing, forest, choices)
            except ArchiveError as error:
                trouble = error
        return Report(
            roots=forest.roots,
            packages=packages,
            missing=tuple(requirement for requirement in missing if not requirement.is_opened),
            opened_packages=tuple(package for package in more if package.name not in listed),
            opened_missing=tuple(requirement for requirement in missing if requirement.is_opened),
            archive_asked=choices.resolve_missing and not trouble,
            lookup_error=": ".join(filter(None, (str(trouble), trouble.hint))) if trouble else "",
            unpackaged=tuple(sorted(set(unowned).difference(own))),
            preloaded=by_provision[Provision.PRELOAD],
            interpreter=tuple(sorted(own)),
            skipped=forest.skipped,
            unsafe_search=tuple(
                path for path, elf in forest.objects.items() if elf.searches_current_directory
            ),
            files=len(forest.scanned.files),
            objects=len(forest.objects),
        )

    def _followed(self, forest: Forest, needs: tuple[Need, ...], opened: Iterable[Need]) -> tuple[Need, ...]:
        """Return needs and also those of unpackaged libraries outside: apt brings no others'.

        The owners of what is ``opened`` are asked for on the way.
        """
        by_name = {need.path for need in opened if need.provision is Provision.SYSTEM}
        asked: set[str] = set()
        follow: frozenset[str] = frozenset()
        while True:
            outside = {need.path for need in needs if need.provision is Provision.SYSTEM}
            new = (outside | by_name) - asked
            if new:
                asked |= new
                self._owners.update(owners(self._runner, new, self._installed, self._diversions))
            unowned = frozenset(
                path
                for path in outside.difference(self._owners)
                if not forest.left_out(path)
                and not any(interpreter.owns(path) for interpreter in forest.interpreters)
            )
            if unowned <= follow:
                return needs
            follow |= unowned
            needs = forest.needs(follow)

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
                    package.qualified_name(self._native),
                    package.version,
                    package.architecture,
                    tuple(sorted(needed_by)),
                )
                for package, needed_by in wanted.items()
            )
        )

    def _found_in_archive(
        self,
        packages: tuple[ListedPackage, ...],
        missing: tuple[Requirement, ...],
        forest: Forest,
        choices: Choices,
    ) -> tuple[tuple[ListedPackage, ...], tuple[Requirement, ...], ArchiveError | None]:
        """Move what a package of the archive ships from the missing libraries to the packages.

        The archive is searched for the native architecture only; what files of others lack stays missing.
        """
        left = [one for one in missing if forest.architecture_of(one.file) not in ("", self._native)]
        native = sorted(set(missing).difference(left))
        wanted = [requirement for requirement in native if _is_looked_up(requirement, choices)]
        names = {name for requirement in wanted for name in requirement.names}
        if not names:
            return packages, missing, None
        with stopping_by_error(), _directory(choices.cache_directory) as directory:
            lookup = Lookup(self._runner, directory, forest.library_directories, self._native)
            found = lookup.find(sorted(names), [package.name for package in packages])
        by_name = {package.name: package for package in packages}
        for requirement in native:
            name = next((name for name in requirement.names if name in found), "")
            if not name:
                left.append(requirement)
                continue
            one = found[name]
            listed = by_name.get(one.package) or ListedPackage(
                one.package, one.version, self._native, (), found=one
            )
            met = tuple(sorted((*listed.requirements, replace(requirement, soname=name))))
            by_name[one.package] = replace(listed, requirements=met)
        return tuple(sorted(by_name.values())), tuple(sorted(left)), lookup.trouble


def _is_looked_up(requirement: Requirement, choices: Choices) -> bool:
    if requirement.is_opened:
        return choices.opened is Opened.LIST and requirement.priority != Priority.SUGGESTED.value
    return not requirement.is_plugin


def _such(requirements: Iterable[Requirement], *, opened: bool) -> tuple[Requirement, ...]:
    return tuple(requirement for requirement in requirements if requirement.is_opened is opened)


def _directory(kept: str) -> AbstractContextManager[str]:
    if kept:
        return nullcontext(kept)
    try:
        return TemporaryDirectory(prefix="find-libdeps-")
    except OSError as error:
        message = f"the archive cannot be searched: {error.strerror}"
        raise ArchiveError(message, hint="name a directory that can be written with --cache-dir") from None


def _diversions() -> tuple[Diversion, ...]:
    try:
        return parse_diversions(Path(DIVERSIONS).read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        return ()
