"""Use case: specs -> apt-get's phases -> cleaning, with nothing left behind."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from multistage_docker.debian import aptget, leftovers
from multistage_docker.debian.aptconfig import AptConfig, read_config
from multistage_docker.debian.dpkg import InstalledPackage, installed_packages
from multistage_docker.debian.mounts import read_mounts
from multistage_docker.debian.owners import owners
from multistage_docker.errors import ProgramFailedError, ProgramNotFoundError, RefusedError
from multistage_docker.process import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from multistage_docker.debian.spec import Spec
    from multistage_docker.process import Completed, StreamingRunner


@dataclass(frozen=True, slots=True)
class Request:
    """What apt-install is asked to do; ``apt_options`` are for apt-get as they are."""

    specs: tuple[Spec, ...]
    recommends: bool = False
    upgrade: bool = False
    target_release: str = ""
    clean: bool = True
    quiet: bool = False
    verbose: bool = False
    apt_options: tuple[str, ...] = ()


def apt_install(request: Request, runner: StreamingRunner, say: Callable[[str], None]) -> None:
    """Install the packages and remove what the run left behind.

    Raises RefusedError where nothing has been changed, ProgramFailedError where apt-get failed.
    """
    if not shutil.which("apt-get"):
        raise ProgramNotFoundError("apt-get", hint="apt-install works on Debian and its derivatives")
    if os.geteuid():
        raise RefusedError("only root can install packages")
    if not request.specs:
        say("nothing to do")
        return
    config = read_config(runner)
    apt = aptget.AptGet(
        recommends=request.recommends,
        upgrade=request.upgrade,
        target_release=request.target_release,
        quiet=request.quiet,
        extra=request.apt_options,
    )
    specs = tuple(map(str, request.specs))
    with _cleaning(request, config, runner, say), _private_directory(config) as private:
        apt = apt.with_settings(f"Dir::Cache::pkgcache={private}/pkgcache.bin")
        for phase, argv, environment in (
            ("apt-get update", apt.update(), aptget.UPDATE_ENVIRONMENT),
            ("the download", apt.download(specs), aptget.UPDATE_ENVIRONMENT),
            ("apt-get install", apt.install(specs), aptget.INSTALL_ENVIRONMENT),
        ):
            if request.verbose:
                say(shlex.join(argv))
            _require(runner.stream(argv, environment, show=not request.quiet), phase)


def _require(done: Completed, phase: str) -> None:
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith(("E: ", "dpkg: error"))]
        reason = said[0].removeprefix("E: ") if said else f"exit status {done.returncode}"
        raise ProgramFailedError(f"{phase} failed: {reason}", returncode=done.returncode)


@contextmanager
def _private_directory(config: AptConfig) -> Iterator[str]:
    """Give a directory for what apt computes along the way, out of reach of the images' own hooks."""
    cache = config.path("Dir::Cache")
    try:
        os.makedirs(cache, exist_ok=True)
        directory = tempfile.mkdtemp(prefix="apt-install-", dir=cache)
    except OSError as error:
        raise RefusedError(f"cannot write below {cache}: {error.strerror}") from None
    try:
        yield directory
    finally:
        with uninterrupted():
            shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _cleaning(
    request: Request, config: AptConfig, runner: StreamingRunner, say: Callable[[str], None]
) -> Iterator[None]:
    if not request.clean:
        yield
        return
    snapshot = leftovers.take_snapshot(leftovers.watched_places(config))
    try:
        yield
    finally:
        with uninterrupted():
            packages = installed_packages(runner)
            cleaned = leftovers.clean(snapshot, read_mounts(), lambda paths: _owned(runner, paths, packages))
            if not request.quiet:
                say(f"cleaned {len(cleaned.removed)} files, {cleaned.freed:,} bytes")


def _owned(
    runner: StreamingRunner, paths: Collection[str], packages: tuple[InstalledPackage, ...]
) -> Collection[str]:
    return owners(runner, paths, packages)
