"""Use case: specs -> plan -> apt-get's phases -> proof -> cleaning -> receipt."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from multistage_docker import __version__
from multistage_docker.debian import dpkg, gate, leftovers, marks
from multistage_docker.debian.aptconfig import AptConfig, read_config
from multistage_docker.debian.aptget import AptGet
from multistage_docker.debian.archive import PlanError, open_archive
from multistage_docker.debian.locks import APT_FAILED
from multistage_docker.debian.mounts import mount_point, read_mounts
from multistage_docker.debian.owners import owners
from multistage_docker.debian.phases import Phases
from multistage_docker.debian.plan import Plan
from multistage_docker.debian.timestamps import clamp_times, source_date_epoch
from multistage_docker.debian.workspace import Workspace, open_workspace
from multistage_docker.errors import (
    OutputError,
    ProgramFailedError,
    ProgramNotFoundError,
    RefusedError,
    UsageError,
)
from multistage_docker.process import uninterrupted
from multistage_docker.receipt import Receipt, changes, receipt_package

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from multistage_docker.debian.spec import Spec
    from multistage_docker.process import StreamingRunner


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


def plan_install(request: Request, runner: StreamingRunner, voice: Voice) -> Plan:
    """Return what apt_install would do, and change nothing: indexes are fetched to a place of their own."""
    config = _require_apt(runner)
    before = _installed(runner)
    specs = _named(request.specs, runner)
    if _nothing_to_do(request, specs, before):
        return Plan()
    with open_workspace(config, (), private=True, parent=tempfile.gettempdir()) as workspace:
        run = _Run(request, specs, before, config, workspace, runner, voice)
        run.gate().check_pins()
        replace(run.phases(), show=False).update()
        return run.checked_plan()


def apt_install(request: Request, runner: StreamingRunner, voice: Voice) -> Receipt:
    """Install the packages, prove it, remove what the run left behind, and return what was done.

    Raises RefusedError where nothing has been changed, ProgramFailedError where apt-get failed.
    """
    config = _require_apt(runner)
    epoch = source_date_epoch(os.environ)
    if request.receipt and not os.path.isdir(os.path.dirname(os.path.abspath(request.receipt))):
        raise UsageError(f"cannot write {request.receipt}: no such directory")
    specs = _named(request.specs, runner)
    if os.geteuid():
        raise RefusedError("only root can install packages")
    mounts = read_mounts()
    _warn_of_mounts(config, mounts, voice)
    before = _installed(runner)
    with open_workspace(config, mounts, private=request.clean) as workspace:
        run = _Run(request, specs, before, config, workspace, runner, voice)
        plan, cleaned = run.cleaned(mounts)
        receipt = run.receipt(plan, cleaned.freed)
        started = workspace.started
    if request.receipt:
        _write(request.receipt, receipt.as_json())
    if epoch is not None:
        with uninterrupted():
            voice.detail(f"times clamped: {clamp_times('/', epoch, started, mounts)}")
    return receipt


@dataclass(frozen=True, slots=True)
class _Run:
    """One run: what was asked for, what was there before, and where and with what it works."""

    request: Request
    specs: tuple[Spec, ...]
    before: gate.Installed
    config: AptConfig
    workspace: Workspace
    runner: StreamingRunner
    voice: Voice

    def cleaned(self, mounts: tuple[str, ...]) -> tuple[Plan, leftovers.Cleaned]:
        """Install, and clean whatever comes of it."""
        if not self.request.clean:
            return self.install(), leftovers.Cleaned()
        snapshot = leftovers.take_snapshot(leftovers.watched_places(self.config, self.workspace.directory))
        cleaned = leftovers.Cleaned()
        try:
            plan = self.install()
        finally:
            with uninterrupted():
                cleaned = leftovers.clean(snapshot, mounts, self._owned)
                self.voice.detail(
                    f"removed {len(cleaned.removed)} files, put {len(cleaned.restored)} back as they were"
                )
        return plan, cleaned

    def install(self) -> Plan:
        """Go through the phases, from nothing to do to the proof."""
        if _nothing_to_do(self.request, self.specs, self.before):
            self.voice.say("nothing to do: all packages are installed" if self.specs else "nothing to do")
            self._mark_manual()
            return Plan()
        self.gate().check_pins()
        phases = self.phases()
        phases.update()
        plan = self.checked_plan()
        phases.download()
        phases.install()
        self._prove(plan)
        return plan

    def apt_get(self) -> AptGet:
        """Return how apt-get is called in this run."""
        return AptGet(
            recommends=self.request.recommends,
            upgrade=self.request.allowed.upgrade,
            allow_downgrades=self.request.allowed.downgrades,
            target_release=self.request.target_release,
            quiet=self.request.quiet,
            archives=self.workspace.archives,
            settings=self.workspace.settings,
            config_file=self.workspace.config_file,
            extra=self.request.apt_options,
        )

    def phases(self) -> Phases:
        """Return this run's phases."""
        names = ("Dir::State::lists", "Dir::Cache::archives")
        return Phases(
            runner=self.runner,
            apt=self.apt_get(),
            specs=tuple(map(str, self.specs)),
            locks=tuple(os.path.join(self.config.path(name), "lock") for name in names),
            say=self.voice.say,
            detail=self.voice.detail,
            show=not self.request.quiet,
        )

    def checked_plan(self) -> Plan:
        """Return the plan, or raise PlanRefusedError with the reason why it is not to be carried out."""
        archive = open_archive(self.runner, self.apt_get())
        self.voice.detail(f"planning with {archive.label}")
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

    def receipt(self, plan: Plan, freed: int) -> Receipt:
        """Return what the run did, by what dpkg says before and after."""
        after = dpkg.installed_packages(self.runner)
        installed, removed = changes(self.before.packages, after)
        already = {
            package
            for package in map(self.before.find, self.specs)
            if package is not None and package in after
        }
        return Receipt(
            asked=tuple(map(str, self.specs)),
            installed=installed,
            already_installed=tuple(receipt_package(package) for package in sorted(already)),
            removed=removed,
            downloaded_bytes=plan.download_size,
            freed_bytes=freed + self.workspace.size(),
            apt_version=next((package.version for package in after if package.name == "apt"), ""),
            tool_version=__version__,
        )

    def _mark_manual(self) -> None:
        here = [package for package in map(self.before.find, self.specs) if package]
        states = self.config.path("Dir::State::extended_states")
        options = self.apt_get().settings_as_options()
        marks.mark_manual(self.runner, here, self.before.native_architecture, states, options)

    def _prove(self, plan: Plan) -> None:
        after = _installed(self.runner)
        planned = {package.name: package.version for package in plan.install}
        for spec in self.specs:
            package = after.find(spec)
            version = spec.version or planned.get(spec.name, "")
            if package is None or version not in ("", package.version):
                now = f"at {package.version}" if package else "not installed"
                message = f"apt-get reported success, but dpkg says that {spec} is {now}"
                raise ProgramFailedError(message, returncode=APT_FAILED)

    def _is_older(self, version: str, other: str) -> bool:
        return self.runner.capture(("dpkg", "--compare-versions", version, "lt", other)).returncode == 0

    def _owned(self, paths: Collection[str]) -> Collection[str]:
        return owners(self.runner, paths, dpkg.installed_packages(self.runner))


def _nothing_to_do(request: Request, specs: tuple[Spec, ...], before: gate.Installed) -> bool:
    return not specs or (not request.allowed.upgrade and all(map(before.satisfies, specs)))


def _warn_of_mounts(config: AptConfig, mounts: tuple[str, ...], voice: Voice) -> None:
    states = config.path("Dir::State::extended_states")
    if mount_point(states, mounts) != "/":
        voice.say(
            f"warning: {os.path.dirname(states)} is a mount: apt's marks of automatic packages get lost in "
            "the image; mount its lists directory instead"
        )


def _write(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None


def _require_apt(runner: StreamingRunner) -> AptConfig:
    if not shutil.which("apt-get"):
        raise ProgramNotFoundError("apt-get", hint="apt-install works on Debian and its derivatives")
    return read_config(runner)


def _installed(runner: StreamingRunner) -> gate.Installed:
    return gate.Installed(dpkg.installed_packages(runner), dpkg.native_architecture(runner))


def _named(specs: tuple[Spec, ...], runner: StreamingRunner) -> tuple[Spec, ...]:
    """Return the specs with name, architecture and version of each package file filled in."""
    return tuple(_named_file(spec, runner) if spec.path else spec for spec in specs)


def _named_file(spec: Spec, runner: StreamingRunner) -> Spec:
    if not os.path.isfile(spec.path):
        raise UsageError(f"there is no file {spec.path}")
    form = "${Package} ${Architecture} ${Version}"
    done = runner.capture(("dpkg-deb", "--show", f"--showformat={form}", spec.path))
    if done.returncode:
        raise UsageError(f"{spec.path} is not a Debian package")
    name, architecture, version = done.stdout.split()
    return replace(
        spec, name=name, architecture="" if architecture == "all" else architecture, version=version
    )
