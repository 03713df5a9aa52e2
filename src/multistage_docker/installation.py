"""One run of apt-install: the plan, apt-get's phases, the proof, the cleaning, and the receipt's content."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from multistage_docker import __version__
from multistage_docker.debian import dpkg, gate, leftovers, marks
from multistage_docker.debian.aptget import AptGet
from multistage_docker.debian.archive import PlanError, open_archive
from multistage_docker.debian.locks import APT_FAILED
from multistage_docker.debian.mounts import read_mounts
from multistage_docker.debian.owners import owners
from multistage_docker.debian.phases import AptGetFailedError, Phases
from multistage_docker.errors import ProgramFailedError
from multistage_docker.process import uninterrupted
from multistage_docker.receipt import Receipt, changes, receipt_package

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from multistage_docker.debian.aptconfig import AptConfig
    from multistage_docker.debian.archive import Archive
    from multistage_docker.debian.dpkg import InstalledPackage
    from multistage_docker.debian.plan import Plan
    from multistage_docker.debian.spec import Spec
    from multistage_docker.debian.workspace import Workspace
    from multistage_docker.process import Runner, StreamingRunner


@dataclass(frozen=True, slots=True)
class Request:
    """What apt-install is asked to do; ``apt_options`` are for apt-get as they are."""

    specs: tuple[Spec, ...]
    recommends: bool = False
    allowed: gate.Allowed = field(default_factory=gate.Allowed)
    target_release: str = ""
    clean: bool = True
    quiet: bool = False
    receipt: str = ""
    apt_options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Voice:
    """Where messages go: ``say`` what people must know, ``detail`` what they may want to."""

    say: Callable[[str], None]
    detail: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class System:
    """What a run works on: how programs are run, mount points, who is asking, the view of the archive."""

    runner: StreamingRunner
    mounts: tuple[str, ...]
    is_root: bool
    environment: Mapping[str, str]
    open_archive: Callable[[Runner, AptGet], Archive] = open_archive

    @classmethod
    def here(cls, runner: StreamingRunner) -> System:
        """Return the system that this process runs on."""
        return cls(runner, read_mounts(), not os.geteuid(), os.environ)


@dataclass(frozen=True, slots=True)
class Run:
    """One run: what was asked for, what was there before, and where and with what it works."""

    request: Request
    specs: tuple[Spec, ...]
    before: gate.Installed
    config: AptConfig
    workspace: Workspace
    system: System
    voice: Voice

    def cleaned(self) -> leftovers.Cleaned:
        """Install, and clean whatever comes of it."""
        if not self.request.clean:
            self.install()
            return leftovers.Cleaned()
        snapshot = leftovers.take_snapshot(leftovers.watched_places(self.config, self.workspace.directory))
        cleaned = leftovers.Cleaned()
        try:
            self.install()
        finally:
            with uninterrupted():
                cleaned = leftovers.clean(snapshot, self.system.mounts, self._owned)
                self.voice.detail(
                    f"removed {len(cleaned.removed)} files, put {len(cleaned.restored)} back as they were"
                )
        return cleaned

    def install(self) -> None:
        """Go through the phases, from nothing to do to the proof."""
        if nothing_to_do(self.request, self.specs, self.before):
            marked = automatic(self.specs, self.before, self.config)
            marks.mark_manual(self.system.runner, marked, self.apt_get().settings_as_options())
            return
        self.gate().check_pins()
        phases = self.phases()
        phases.update()
        archive = self.open_archive()
        self.gate().check_names(archive)
        try:
            phases.install()
        except AptGetFailedError as error:
            if not self.workspace.has_begun and error.diagnosis.cause in gate.ABOUT_PACKAGES:
                # apt-get refused its own plan, or found none: the gate says why, and shows it.
                self.checked_plan(archive)
            raise
        self._prove()

    def open_archive(self) -> Archive:
        """Return the archive as the fetched indexes have it."""
        archive = self.system.open_archive(self.system.runner, self.apt_get())
        self.voice.detail(f"planning with {archive.label}")
        return archive

    def apt_get(self) -> AptGet:
        """Return how apt-get is called in this run."""
        return AptGet(
            recommends=self.request.recommends,
            upgrade=self.request.allowed.upgrade,
            allow_removals=self.request.allowed.removals,
            allow_downgrades=self.request.allowed.downgrades,
            target_release=self.request.target_release,
            archives=self.workspace.archives,
            settings=self.workspace.settings,
            config_file=self.workspace.config_file,
            extra=self.request.apt_options,
        )

    def phases(self) -> Phases:
        """Return this run's phases."""
        names = ("Dir::State::lists", "Dir::Cache::archives")
        return Phases(
            runner=self.system.runner,
            apt=self.apt_get(),
            specs=tuple(map(str, self.specs)),
            locks=tuple(os.path.join(self.config.path(name), "lock") for name in names),
            has_begun=lambda: self.workspace.has_begun,
            say=self.voice.say,
            detail=self.voice.detail,
            show=not self.request.quiet,
        )

    def checked_plan(self, archive: Archive) -> Plan:
        """Return the plan, or raise PlanRefusedError with the reason why it is not to be carried out."""
        try:
            plan = archive.plan(self.specs)
        except PlanError as error:
            self.gate().explain(error, archive)
            raise
        self.gate().check_plan(plan, archive)
        return plan

    def gate(self) -> gate.Gate:
        """Return the gate that this run's plan has to pass."""
        return gate.Gate(self.specs, self.before, self.request.allowed, self._is_older)

    def receipt(self, freed: int) -> Receipt:
        """Return what the run did, by what dpkg says before and after."""
        after = dpkg.installed_packages(self.system.runner)
        freed += self.workspace.size()
        return receipt_of(self.specs, self.before, after, self.workspace.fetched_bytes(), freed)

    def _prove(self) -> None:
        after = read_installed(self.system.runner)
        for spec in self.specs:
            package = after.find(spec)
            if package is None or spec.version not in ("", package.version):
                now = f"at {package.version}" if package else "not installed"
                message = f"apt-get reported success, but dpkg says that {spec} is {now}"
                raise ProgramFailedError(message, returncode=APT_FAILED)

    def _is_older(self, version: str, other: str) -> bool:
        compared = self.system.runner.capture(("dpkg", "--compare-versions", version, "lt", other))
        return compared.returncode == 0

    def _owned(self, paths: Collection[str]) -> Collection[str]:
        packages = dpkg.installed_packages(self.system.runner, unpacked=True)
        return owners(self.system.runner, paths, packages)


def nothing_to_do(request: Request, specs: tuple[Spec, ...], before: gate.Installed) -> bool:
    """Tell whether every spec holds already."""
    return not specs or (not request.allowed.upgrade and all(map(before.satisfies, specs)))


def automatic(specs: tuple[Spec, ...], installed: gate.Installed, config: AptConfig) -> tuple[str, ...]:
    """Return the installed packages that specs name and apt holds for automatically installed, sorted."""
    here = {package for package in map(installed.find, specs) if package}
    states = config.path("Dir::State::extended_states")
    return marks.marked_automatic(sorted(here), installed.native_architecture, states)


def receipt_of(
    specs: tuple[Spec, ...],
    before: gate.Installed,
    after: tuple[InstalledPackage, ...],
    downloaded: int = 0,
    freed: int = 0,
) -> Receipt:
    """Return what became of specs, by the packages before and after; sizes in bytes."""
    installed, removed = changes(before.packages, after)
    already = {package for package in map(before.find, specs) if package is not None and package in after}
    return Receipt(
        asked=tuple(map(str, specs)),
        installed=installed,
        already_installed=tuple(receipt_package(package) for package in sorted(already)),
        removed=removed,
        downloaded_bytes=downloaded,
        freed_bytes=freed,
        apt_version=next((package.version for package in after if package.name == "apt"), ""),
        tool_version=__version__,
    )


def read_installed(runner: StreamingRunner) -> gate.Installed:
    """Return what dpkg has installed now."""
    return gate.Installed(dpkg.installed_packages(runner), dpkg.native_architecture(runner))
