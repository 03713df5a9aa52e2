"""The phases of a run: update, download and install, each tried again where that can help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from multistage_docker.debian import aptget
from multistage_docker.debian.doctor import TRANSIENT, Cause, diagnose
from multistage_docker.debian.locks import wait_until_free
from multistage_docker.errors import ProgramFailedError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from multistage_docker.process import Completed, StreamingRunner


class AptGetFailedError(ProgramFailedError):
    """apt-get failed; the message is the diagnosis and the exit status apt-get's own."""

    def __init__(self, phase: str, done: Completed) -> None:
        diagnosis = diagnose(f"{done.stdout}\n{done.stderr}")
        super().__init__(f"{phase} failed: {diagnosis}", returncode=done.returncode)
        self.diagnosis = diagnosis


@dataclass(frozen=True, slots=True)
class Phases:
    """Runs apt-get for one set of specs; ``locks`` are those that apt-get does not wait for."""

    runner: StreamingRunner
    apt: aptget.AptGet
    specs: Sequence[str]
    locks: tuple[str, ...]
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

    def download(self) -> None:
        """Fetch the packages; once more with fresh indexes where they no longer fit the mirror."""
        try:
            self._fetch_packages()
        except AptGetFailedError as error:
            if error.diagnosis.cause not in TRANSIENT:
                raise
            self.say("the mirror and its indexes do not match: fetching them again")
            self.update()
            self._fetch_packages()

    def _fetch_indexes(self) -> None:
        self._run("apt-get update", self.apt.update(), aptget.UPDATE_ENVIRONMENT)

    def _fetch_packages(self) -> None:
        self._run("the download", self.apt.download(self.specs), aptget.UPDATE_ENVIRONMENT)

    def install(self) -> None:
        """Install what has been fetched, once; when asked to stop, leave no package half configured."""
        try:
            self._run("the installation", self.apt.install(self.specs), aptget.INSTALL_ENVIRONMENT)
        except StoppedError:
            self.detail("stopped: configuring what has been unpacked")
            configure = ("dpkg", "--force-confdef", "--force-confold", "--configure", "--pending")
            self.runner.stream(configure, aptget.INSTALL_ENVIRONMENT, show=self.show, forward=False)
            raise

    def _run(self, phase: str, argv: tuple[str, ...], environment: Mapping[str, str]) -> None:
        wait_until_free(self.locks, aptget.LOCK_TIMEOUT, self.say)
        self.detail(" ".join(argv))
        done = self.runner.stream(argv, environment, show=self.show)
        if done.returncode:
            raise AptGetFailedError(phase, done)
