"""What dpkg knows: installed packages, the essential closure, and the owner of a path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from multistage_docker.process import Runner

_FIELDS = (
    "Package",
    "Architecture",
    "Version",
    "db:Status-Want",
    "db:Status-Status",
    "Essential",
    "Priority",
    "Installed-Size",
    "Pre-Depends",
    "Depends",
    "Provides",
)
_INSTALLED = "installed"
_UNPACKED = ("unpacked", "half-configured", "triggers-awaited", "triggers-pending")
# Fields may be folded over lines, so neither a tab nor a newline can part them.
_FIELD_END, _RECORD_END = "\x1f", "\x1e"


@dataclass(frozen=True, slots=True, order=True)
class InstalledPackage:
    """A package in dpkg's ``installed`` state, or unpacked at least (dpkg-query(1), db:Status-Status).

    ``depends`` is Pre-Depends and Depends together, in the syntax of Debian Policy 7.1; ``installed_size``
    is in kB, 0 where the package does not say.
    """

    name: str
    architecture: str
    version: str
    held: bool = False
    essential: bool = False
    priority: str = "optional"
    installed_size: int = 0
    depends: str = ""
    provides: str = ""

    def qualified_name(self, native_architecture: str) -> str:
        """Return the name as apt-get takes it: ``name``, or ``name:arch`` for a foreign architecture."""
        if self.architecture in (native_architecture, "all"):
            return self.name
        return f"{self.name}:{self.architecture}"


def native_architecture(runner: Runner) -> str:
    """Return the architecture that dpkg itself is built for, such as ``amd64``."""
    return runner.capture(("dpkg", "--print-architecture")).require_success().stdout.strip()


def installed_packages(runner: Runner, *, unpacked: bool = False) -> tuple[InstalledPackage, ...]:
    """Return every installed package, sorted; config-files, half-installed and the like are left out.

    With ``unpacked``, packages whose files are all there but whose configuration is not done count as well
    (dpkg(1), Package states).
    """
    form = _FIELD_END.join(f"${{{field}}}" for field in _FIELDS) + _RECORD_END
    output = runner.capture(("dpkg-query", "--show", f"--showformat={form}")).require_success().stdout
    states = (_INSTALLED, *_UNPACKED) if unpacked else (_INSTALLED,)
    return tuple(sorted(_parse_records(output.split(_RECORD_END), states)))


def _parse_records(records: Iterable[str], states: Collection[str]) -> Iterable[InstalledPackage]:
    for record in records:
        if not record:
            continue
        values = dict(zip(_FIELDS, record.split(_FIELD_END), strict=True))
        if values["db:Status-Status"] not in states:
            continue
        yield InstalledPackage(
            name=values["Package"],
            architecture=values["Architecture"],
            version=values["Version"],
            held=values["db:Status-Want"] == "hold",
            essential=values["Essential"] == "yes",
            priority=values["Priority"],
            installed_size=int(values["Installed-Size"] or 0),
            depends=", ".join(filter(None, (values["Pre-Depends"], values["Depends"]))),
            provides=values["Provides"],
        )
