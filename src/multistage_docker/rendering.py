"""A Report as text: plain for apt-install, a tree for people, JSON for programs."""

from __future__ import annotations

import json
import os
from itertools import groupby
from typing import TYPE_CHECKING, Any

from multistage_docker.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from multistage_docker.report import ListedPackage, Report, Requirement

SCHEMA_VERSION = 1

_BOLD, _DIM, _RED, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[0m"


def plain(report: Report, *, pin: bool = False) -> str:
    """Return one package a line, fit for ``xargs -a``; ``pin`` adds the version installed here."""
    return "".join(f"{_name(package, pin=pin)}\n" for package in report.packages)


def tree(report: Report, *, pin: bool = False, colour: bool = False) -> str:
    """Return package <- soname <- file <- distribution, then what no package was found for."""

    def paint(code: str, text: str) -> str:
        return f"{code}{text}{_RESET}" if colour else text

    lines: list[str] = []
    for package in report.packages:
        head = paint(_BOLD, _name(package, pin=pin))
        about = [] if pin else [package.version]
        if package.found:
            others = [name for name in package.found.candidates if name != package.name]
            over = f" rather than {', '.join(others)}" if others else ""
            about.append(f"(not installed here; {package.found.reason}{over})")
        lines.append(" ".join((head, *(paint(_DIM, part) for part in about))))
        lines.extend(_branches(report, package.requirements, paint))
    sections = (
        ("missing", report.missing),
        ("outside the package system", report.unpackaged),
        ("in the tree, but off the loader's path", report.preloaded),
        ("opened by a name that is not here, maybe optional", report.opened_missing),
    )
    for title, requirements in sections:
        if requirements:
            lines.append(paint(_RED, f"[{title}]"))
            lines.extend(_branches(report, requirements, paint))
    return "".join(f"{line}\n" for line in lines)


def _branches(
    report: Report, requirements: Iterable[Requirement], paint: Callable[[str, str], str]
) -> Iterator[str]:
    groups = [(soname, list(group)) for soname, group in groupby(requirements, key=lambda one: one.soname)]
    for soname, group in groups:
        last = soname == groups[-1][0]
        yield f"{'└── ' if last else '├── '}{printable(soname)}"
        for requirement in group:
            corner = "└── " if requirement is group[-1] else "├── "
            origin = _origin(requirement)
            file = printable(place(requirement, report.roots))
            yield f"{'    ' if last else '│   '}{corner}{file}{paint(_DIM, origin)}"


def _origin(requirement: Requirement) -> str:
    parts = [str(requirement.distribution)] if requirement.distribution else []
    if requirement.is_plugin:
        parts.append("plugin")
    if requirement.is_opened:
        parts.append(f"opened by name, {requirement.priority}" if requirement.priority else "opened by name")
    return printable(f" ({', '.join(parts)})") if parts else ""


def _name(package: ListedPackage, *, pin: bool) -> str:
    return f"{package.name}={package.version}" if pin else package.name


def place(requirement: Requirement, roots: Iterable[str]) -> str:
    """Return where a library is needed: the file, and in source the line."""
    file = relative(requirement.file, roots)
    return f"{file}:{requirement.line}" if requirement.line else file


def relative(path: str, roots: Iterable[str]) -> str:
    """Return a path as seen from the root that it stands below; a path outside stays as it is."""
    for root in roots:
        real = os.path.realpath(root).rstrip("/")
        if path.startswith(f"{real}/"):
            return path[len(real) + 1 :]
    return path


def as_json(report: Report) -> str:
    """Return all that the report knows, in the schema that the README documents (``schema_version``)."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "paths": report.roots,
        "files": report.files,
        "elf_files": report.objects,
        "packages": _packages(report.packages),
        "opened_packages": _packages(report.opened_packages),
        "missing": _requirements(report.missing),
        "unpackaged": _requirements(report.unpackaged),
        "preloaded": _requirements(report.preloaded),
        "opened_missing": _requirements(report.opened_missing),
        "interpreter": _requirements(report.interpreter),
        "skipped": [
            {"file": item.path, "reason": item.reason.name.lower(), "detail": item.detail}
            for item in report.skipped
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _packages(packages: Iterable[ListedPackage]) -> list[dict[str, Any]]:
    return [
        {
            "name": package.name.partition(":")[0],
            "architecture": package.architecture,
            "version": package.version,
            "installed": package.found is None,
            "found": package.found
            and {"reason": package.found.reason, "candidates": package.found.candidates},
            "plugins_only": package.is_for_plugins,
            "required_by": _requirements(package.requirements),
        }
        for package in packages
    ]


def _requirements(requirements: Iterable[Requirement]) -> list[dict[str, Any]]:
    return [
        {
            "soname": requirement.soname,
            "path": requirement.path or None,
            "file": requirement.file,
            "distribution": requirement.distribution
            and {"name": requirement.distribution.name, "version": requirement.distribution.version},
            "plugin": requirement.is_plugin,
            "kind": "opened" if requirement.is_opened else "needed",
            "line": requirement.line or None,
            "alternatives": requirement.alternatives,
            "priority": requirement.priority or None,
        }
        for requirement in requirements
    ]
