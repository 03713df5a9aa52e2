"""Use case: specs -> plan -> apt-get's phases -> proof -> cleaning -> receipt."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING

from multistage_docker.debian.aptconfig import AptConfig, read_config
from multistage_docker.debian.mounts import mount_point
from multistage_docker.debian.plan import Plan
from multistage_docker.debian.timestamps import clamp_times, source_date_epoch
from multistage_docker.debian.workspace import open_workspace
from multistage_docker.errors import OutputError, ProgramNotFoundError, RefusedError, UsageError
from multistage_docker.installation import Run, automatic, nothing_to_do, read_installed, receipt_of
from multistage_docker.process import uninterrupted

if TYPE_CHECKING:
    from multistage_docker.debian.spec import Spec
    from multistage_docker.installation import Request, System, Voice
    from multistage_docker.process import StreamingRunner
    from multistage_docker.receipt import Receipt


def plan_install(request: Request, system: System, voice: Voice) -> Plan:
    """Return what apt_install would do, and change nothing: indexes are fetched to a place of their own."""
    config = _require_apt(system.runner)
    before = read_installed(system.runner)
    specs = _named(request.specs, system.runner)
    if nothing_to_do(request, specs, before):
        return Plan()
    with open_workspace(config, (), private=True, parent=tempfile.gettempdir()) as workspace:
        run = Run(request, specs, before, config, workspace, system, voice)
        run.gate().check_pins()
        replace(run.phases(), show=False).update()
        archive = run.open_archive()
        run.gate().check_names(archive)
        return run.checked_plan(archive)


def apt_install(request: Request, system: System, voice: Voice) -> Receipt:
    """Install the packages, prove it, remove what the run left behind, and return what was done.

    Raises RefusedError where nothing has been changed, ProgramFailedError where apt-get failed.
    """
    config = _require_apt(system.runner)
    epoch = source_date_epoch(system.environment)
    _require_writable(request.receipt)
    specs = _named(request.specs, system.runner)
    if not system.is_root:
        raise RefusedError("only root can install packages")
    _warn_of_mounts(config, system.mounts, voice)
    before = read_installed(system.runner)
    if nothing_to_do(request, specs, before):
        voice.say("nothing to do: all packages are installed" if specs else "nothing to do")
        if not automatic(specs, before, config):
            receipt = receipt_of(specs, before, before.packages)
            _write(request.receipt, receipt)
            return receipt
    with open_workspace(config, system.mounts, private=request.clean) as workspace:
        run = Run(request, specs, before, config, workspace, system, voice)
        cleaned = run.cleaned()
        receipt = run.receipt(cleaned.freed)
        started = workspace.started
    _write(request.receipt, receipt)
    if epoch is not None:
        with uninterrupted():
            changed = clamp_times(config.root, epoch, started, system.mounts)
        voice.detail(f"times clamped: {changed}")
    return receipt


def _warn_of_mounts(config: AptConfig, mounts: tuple[str, ...], voice: Voice) -> None:
    states = config.path("Dir::State::extended_states")
    if mount_point(states, mounts) != "/":
        voice.say(
            f"warning: {os.path.dirname(states)} is a mount: apt's marks of automatic packages get lost in "
            "the image; mount its lists directory instead"
        )


def _require_writable(path: str) -> None:
    """Raise UsageError where a file cannot be written; none is left behind where there was none."""
    if not path:
        return
    is_new = not os.path.lexists(path)
    try:
        with open(path, "ab"):
            pass
        if is_new:
            os.unlink(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


def _write(path: str, receipt: Receipt) -> None:
    if not path:
        return
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(receipt.as_json())
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None


def _require_apt(runner: StreamingRunner) -> AptConfig:
    try:
        return read_config(runner)
    except ProgramNotFoundError:
        hint = "apt-install works on Debian and its derivatives"
        raise ProgramNotFoundError("apt-get", hint=hint) from None


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
