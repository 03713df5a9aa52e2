"""The phases of a run: update and installation, each tried again where that can help."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from multistage_docker.debian import aptget
from multistage_docker.debian.doctor import TRANSIENT, Cause, Diagnosis, diagnose
from multistage_docker.debian.locks import wait_until_free
from multistage_docker.errors import ProgramFailedError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from multistage_docker.process import Completed, StreamingRunner

# What apt-get says where it sees packages that --auto-remove would take along.
_UNNEEDED = "no longer required:"


class AptGetFailedError(ProgramFailedError):
    """apt-get failed; the message is the diagnosis and the exit status apt-get's own."""

    def __init__(self, phase: str, done: Completed) -> None:
        diagnosis = diagnose(f"{done.stdout}\n{done.stderr}")
        if done.returncode < 0:
            ended_by = signal.Signals(-done.returncode).name
            diagnosis = Diagnosis(Cause.KILLED, f"apt-get was ended by {ended_by}", "the memory may be short")
        super().__init__(f"{phase} failed: {diagnosis}", returncode=done.returncode)
        self.diagnosis = diagnosis


@dataclass(frozen=True, slots=True)
class Phases:
    """Runs apt-get for one set of specs.

    ``locks`` are those that apt-get does not wait for; ``has_begun`` tells whether dpkg has been started, so
    that the system may have changed.
    """

    runner: StreamingRunner
    apt: aptget.AptGet
    specs: Sequence[str]
    locks: tuple[str, ...]
    has_begun: Callable[[], bool]
    say: Callable[[str], None]
    detail: Callable[[str], None]
    show: bool = True

    def update(self) -> None:
        """Fetch every index; once more where what came was not what the Release file says."""
        try:
            self._fetch_indexes()
        except AptGetFailedError as error:
            if error.diagnosis.cause is not Cause.HASH:
                raise
            self.say("the indexes do not match each other: fetching them again")
            self._fetch_indexes()

    def install(self) -> None:
        """Fetch the packages, all of them, and install them.

        What is fetched comes once more with fresh indexes where it no longer fits the mirror; an installation
        that has begun is never tried again. When asked to stop, no package is left half configured.
        """
        try:
            self._install()
        except AptGetFailedError as error:
            if self.has_begun() or error.diagnosis.cause not in TRANSIENT:
                raise
            self.say("the mirror and its indexes do not match: fetching them again")
            self.update()
            self._install()

    def _fetch_indexes(self) -> None:
        self._run("apt-get update", self.apt.update(), aptget.UPDATE_ENVIRONMENT)

    def _install(self) -> None:
        try:
            done = self._run("", self.apt.install(self.specs), aptget.INSTALL_ENVIRONMENT)
            if _UNNEEDED in done.stdout and self.apt.leaves_unneeded:
                self._run(
                    "the removal of what nothing needs",
                    self.apt.remove_unneeded(),
                    aptget.INSTALL_ENVIRONMENT,
                )
        except StoppedError:
            if self.has_begun():
                self.detail("stopped: configuring what has been unpacked")
                configure = ("dpkg", "--force-confdef", "--force-confold", "--configure", "--pending")
                self.runner.stream(configure, aptget.INSTALL_ENVIRONMENT, show=self.show, forward=False)
            raise

    def _run(self, phase: str, argv: tuple[str, ...], environment: Mapping[str, str]) -> Completed:
        wait_until_free(self.locks, aptget.LOCK_TIMEOUT, self.say)
        self.detail(" ".join(argv))
        done = self.runner.stream(argv, environment, show=self.show)
        if done.returncode:
            raise AptGetFailedError(
                phase or ("the installation" if self.has_begun() else "the download"), done
            )
        return done
