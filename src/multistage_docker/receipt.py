"""What a run of apt-install did, as data and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from multistage_docker.debian.dpkg import InstalledPackage

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, order=True)
class ReceiptPackage:
    """A package; ``installed_size`` is in kB, ``previous_version`` "" where it was not installed before."""

    name: str
    version: str
    architecture: str
    installed_size: int
    previous_version: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was asked for and what was done; sizes in bytes but for ``installed_size``; all sorted.

    ``asked`` are the specs as given; ``already_installed`` those packages of them that the run found there.
    """

    asked: tuple[str, ...]
    installed: tuple[ReceiptPackage, ...]
    already_installed: tuple[ReceiptPackage, ...]
    removed: tuple[str, ...]
    downloaded_bytes: int
    freed_bytes: int
    apt_version: str
    tool_version: str

    def as_json(self) -> str:
        """Return the receipt as JSON text, keys in the order of the schema."""
        return json.dumps({"schema_version": SCHEMA_VERSION, **asdict(self)}, indent=2) + "\n"


def changes(
    before: Iterable[InstalledPackage], after: Iterable[InstalledPackage]
) -> tuple[tuple[ReceiptPackage, ...], tuple[str, ...]]:
    """Return the packages that are new or have another version now, and the names of those that went."""
    versions = {(package.name, package.architecture): package.version for package in before}
    now = {(package.name, package.architecture): package for package in after}
    installed = (
        receipt_package(package, versions.get(key, ""))
        for key, package in now.items()
        if versions.get(key) != package.version
    )
    return tuple(sorted(installed)), tuple(sorted({name for name, _ in versions.keys() - now.keys()}))


def receipt_package(package: InstalledPackage, previous_version: str = "") -> ReceiptPackage:
    """Return a package as the receipt has it."""
    return ReceiptPackage(
        package.name, package.version, package.architecture, package.installed_size, previous_version
    )
