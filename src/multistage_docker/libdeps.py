"""From a tree to the packages that it needs: ELF files, their needs, the owners of what meets them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from multistage_docker.debian.dpkg import installed_packages, native_architecture
from multistage_docker.debian.essential import essential_closure
from multistage_docker.debian.owners import DIVERSIONS, Diversion, owners, parse_diversions
from multistage_docker.elf.tree import Need, Provision
from multistage_docker.forest import DEFAULT_CHOICES, Choices, Forest
from multistage_docker.process import Runner, SystemRunner
from multistage_docker.report import ListedPackage, Report

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from multistage_docker.debian.dpkg import InstalledPackage
    from multistage_docker.elf.scan import Progress
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
        self._installed = installed_packages(runner)
        self._diversions = _diversions()
        self._owners: dict[str, tuple[InstalledPackage, ...]] = {}

    def report(self, forest: Forest, choices: Choices) -> Report:
        by_provision = forest.requirements(self._followed(forest), choices)
        outside = by_provision[Provision.SYSTEM]
        unowned = [requirement for requirement in outside if requirement.path not in self._owners]
        interpreters = forest.interpreters
        own = [item for item in unowned if any(one.owns(item.path) for one in interpreters)]
        return Report(
            roots=forest.roots,
            packages=self._packages(outside, include_essential=choices.include_essential),
            missing=by_provision[Provision.MISSING],
            unpackaged=tuple(sorted(set(unowned).difference(own))),
            preloaded=by_provision[Provision.PRELOAD],
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
