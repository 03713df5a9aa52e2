"""What can be installed: one protocol, and the choice between python-apt and apt's own commands."""

from __future__ import annotations

import contextlib
import difflib
from typing import TYPE_CHECKING, Protocol

from multistage_docker.errors import ProgramFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from multistage_docker.debian.aptget import AptGet
    from multistage_docker.debian.plan import Plan
    from multistage_docker.debian.spec import Spec
    from multistage_docker.process import Runner

_MOST_SIMILAR = 3


class Archive(Protocol):
    """The package archive as apt's indexes on this system describe it; nothing is fetched.

    A name is a package name, with ``:arch`` for another architecture than dpkg's own.
    """

    @property
    def label(self) -> str:
        """Which implementation this is, for people."""
        ...

    def candidate(self, name: str) -> str:
        """Return the version that apt would install; "" for an unknown or virtual name."""
        ...

    def versions(self, name: str) -> tuple[str, ...]:
        """Return all versions that can be installed or are, newest first."""
        ...

    def all_versions(self, names: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """Return what ``versions`` says of several names, by name, for the price of one question.

        Raises PlanError where the indexes cannot be read.
        """
        ...

    def priority(self, name: str) -> str:
        """Return the candidate's priority (Debian Policy 2.5), such as ``optional``; "" for none."""
        ...

    def providers(self, name: str) -> tuple[str, ...]:
        """Return the packages that provide a name, sorted; a real package does not provide itself."""
        ...

    def similar_names(self, name: str) -> tuple[str, ...]:
        """Return up to three real package names that a mistyped name may have meant, best first."""
        ...

    def plan(self, specs: Sequence[Spec]) -> Plan:
        """Return what installing would do.

        Raises PlanError where apt cannot make a plan; the system is not changed.
        """
        ...


class PlanError(ProgramFailedError):
    """apt cannot make a plan, or not even read its indexes; ``output`` is what it wrote."""

    def __init__(self, message: str, *, returncode: int, output: str) -> None:
        super().__init__(message, returncode=returncode)
        self.output = output


def open_archive(runner: Runner, apt: AptGet) -> Archive:
    """Return python-apt's view of the archive where it can be imported, that of apt's commands where not.

    What python-apt cannot open is left to apt's commands as well: they say why.
    """
    with contextlib.suppress(ImportError):
        from multistage_docker.debian.archive_bindings import BindingsArchive, Error  # noqa: PLC0415 - may be missing

        with contextlib.suppress(Error):
            return BindingsArchive(runner, apt)
    from multistage_docker.debian.archive_commands import CommandsArchive  # noqa: PLC0415 - not both

    return CommandsArchive(runner, apt)


def most_similar(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the real names closest to a mistyped one, best first; ties in alphabetical order."""
    near = sorted(
        known for known in names if known[:1] == name[:1] and abs(len(known) - len(name)) <= _MOST_SIMILAR
    )
    return tuple(difflib.get_close_matches(name, near, _MOST_SIMILAR, cutoff=0.75))
