"""The packages that every Debian system has: those marked Essential, and all that they depend on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from multistage_docker.debian.dpkg import InstalledPackage

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*")
_PRIORITIES = ("required", "important", "standard", "optional", "extra")


def essential_closure(
    packages: Iterable[InstalledPackage], native_architecture: str
) -> frozenset[InstalledPackage]:
    """Return the Essential packages (Debian Policy 3.8) and what they need, as far as every system has it.

    Of alternatives the first installed one counts; of several packages that provide a name, the one with
    the highest priority: another system may lack the others.
    """
    here = [package for package in packages if package.architecture in (native_architecture, "all")]
    by_name = {package.name: package for package in here}
    providers = _providers(here)
    closure: set[InstalledPackage] = set()
    pending = [package for package in here if package.essential]
    while pending:
        package = pending.pop()
        if package in closure:
            continue
        closure.add(package)
        for group in package.depends.split(","):
            needed = _first_installed(group, by_name, providers)
            if needed:
                pending.append(needed)
    return frozenset(closure)


def _first_installed(
    group: str,
    by_name: Mapping[str, InstalledPackage],
    providers: Mapping[str, list[InstalledPackage]],
) -> InstalledPackage | None:
    names = _names(group, "|")
    for name in names:
        if name in by_name:
            return by_name[name]
    candidates = [package for name in names for package in providers.get(name, ())]
    return min(candidates, key=_rank, default=None)


def _rank(package: InstalledPackage) -> tuple[int, str]:
    known = package.priority in _PRIORITIES
    return (_PRIORITIES.index(package.priority) if known else len(_PRIORITIES), package.name)


def _providers(packages: Iterable[InstalledPackage]) -> dict[str, list[InstalledPackage]]:
    providers: dict[str, list[InstalledPackage]] = {}
    for package in packages:
        for name in _names(package.provides, ","):
            providers.setdefault(name, []).append(package)
    return providers


def _names(relation: str, separator: str) -> list[str]:
    """Return the package names of a relation field (Debian Policy 7.1), versions and qualifiers left out."""
    found = (_NAME.match(part.strip()) for part in relation.split(separator))
    return [match.group() for match in found if match]
