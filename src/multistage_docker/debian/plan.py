"""Plans: what an installation would do, as data, and reading one from ``apt-get --simulate``."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Inst libc6:i386 [2.36-8] (2.36-9 Debian:12/stable [i386]) []
_INSTALL = re.compile(
    r"^Inst (?P<name>[^\s:]+)\S*(?: \[(?P<old>[^\]]+)\])? \((?P<new>\S+) .*?\[(?P<architecture>[^\]]+)\]\)",
    re.MULTILINE,
)
_REMOVE = re.compile(
    r"^(?:Remv|Purg) (?P<name>[^\s:]+)(?::(?P<architecture>\S+))? \[(?P<version>[^\]]+)\]", re.MULTILINE
)


@dataclass(frozen=True, slots=True, order=True)
class PlannedPackage:
    """A package that would be installed; ``installed_version`` is "" for one that is new.

    ``download_size`` is in bytes, 0 for what has been fetched before; ``disk_change`` in kB.
    """

    name: str
    architecture: str
    version: str
    installed_version: str = ""
    download_size: int = 0
    disk_change: int = 0


@dataclass(frozen=True, slots=True, order=True)
class PlannedRemoval:
    """A package that would go; ``automatic`` where nothing needs it any more, rather than a conflict."""

    name: str
    version: str
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What an installation would do, sorted."""

    install: tuple[PlannedPackage, ...] = ()
    remove: tuple[PlannedRemoval, ...] = ()

    @property
    def download_size(self) -> int:
        """Bytes to fetch."""
        return sum(package.download_size for package in self.install)

    @property
    def disk_change(self) -> int:
        """The change of the installed packages' size, in kB (Debian Policy 5.6.20)."""
        return sum(package.disk_change for package in self.install)

    def lines(self) -> tuple[str, ...]:
        """Return the plan for people, a package a line and a summary."""
        packages = (
            f"install {p.name}:{p.architecture} {p.version}"
            + (f" (now {p.installed_version})" if p.installed_version else "")
            for p in self.install
        )
        removals = (
            f"remove {r.name} {r.version}" + (" (no longer needed)" if r.automatic else "")
            for r in self.remove
        )
        summary = f"{self.download_size:,} bytes to download, {self.disk_change:,} kB on disk"
        return (*packages, *removals, summary)


def parse_simulation(output: str) -> Plan:
    """Read a plan, sizes left out, from what ``apt-get --simulate install`` writes."""
    return Plan(
        install=tuple(
            sorted(
                PlannedPackage(match["name"], match["architecture"], match["new"], match["old"] or "")
                for match in _INSTALL.finditer(output)
            )
        ),
        remove=tuple(sorted(PlannedRemoval(m["name"], m["version"]) for m in _REMOVE.finditer(output))),
    )


def archive_file_name(name: str, version: str, architecture: str) -> str:
    """Return the name that apt gives a fetched package in its archives directory."""
    return f"{name}_{version.replace('_', '%5f').replace(':', '%3a')}_{architecture}.deb"
