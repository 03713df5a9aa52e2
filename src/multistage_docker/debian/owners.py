"""A path -> the installed packages that own it, through merged /usr, links, alternatives and diversions."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from multistage_docker.debian.dpkg import InstalledPackage
    from multistage_docker.process import Runner

DIVERSIONS = "/var/lib/dpkg/diversions"

# dpkg-query(1): a search pattern with one of these is no literal path.
_PATTERN_CHARACTERS = frozenset("*?[\\")
_DIVERSION_PREFIXES = ("diversion by ", "local diversion ")
_MERGED_DIRECTORIES = ("/bin/", "/sbin/", "/lib")
_PATHS_A_QUERY = 2000


@dataclass(frozen=True, slots=True)
class Diversion:
    """A record of dpkg-divert(1): what others than ``package`` ship at ``path`` stands at ``target``.

    ``package`` is "" for a local diversion, which holds for every package.
    """

    path: str
    target: str
    package: str


def parse_diversions(text: str) -> tuple[Diversion, ...]:
    """Parse /var/lib/dpkg/diversions: three lines a record, the package being ``:`` for a local diversion."""
    lines = text.split("\n")
    return tuple(
        Diversion(path, target, "" if package == ":" else package)
        for path, target, package in zip(lines[::3], lines[1::3], lines[2::3], strict=False)
    )


def owners(
    runner: Runner,
    paths: Collection[str],
    packages: Iterable[InstalledPackage],
    diversions: tuple[Diversion, ...] = (),
) -> Mapping[str, tuple[InstalledPackage, ...]]:
    """Return the installed packages that own each path, sorted; a path without an owner is left out.

    A path is asked for under its own name first, in both spellings of merged /usr, and only then, since
    ldconfig's links and alternatives belong to no package, under the name of the file that it leads to.
    All paths together cost one run of dpkg-query.
    """
    installed: dict[str, list[InstalledPackage]] = {}
    for package in packages:
        for name in (package.name, f"{package.name}:{package.architecture}"):
            installed.setdefault(name, []).append(package)
    spellings = {path: tuple(_spellings(path)) for path in paths}
    diverted_from = {diversion.target: diversion.path for diversion in diversions}
    asked = {spelling for several in spellings.values() for spelling in several}
    asked |= {diverted_from[path] for path in asked if path in diverted_from}
    shipped_at = _search(runner, sorted(asked))
    result = {}
    for path, several in spellings.items():
        for spelling in several:
            names = _undiverted(spelling, shipped_at, diversions)
            found = {package for name in names for package in installed.get(name, ())}
            if found:
                result[path] = tuple(sorted(found))
                break
    return result


def _spellings(path: str) -> Iterator[str]:
    for spelling in dict.fromkeys((path, os.path.realpath(path))):
        yield spelling
        if spelling.startswith("/usr/") and spelling.startswith(_MERGED_DIRECTORIES, len("/usr")):
            yield spelling.removeprefix("/usr")
        elif spelling.startswith(_MERGED_DIRECTORIES):
            yield f"/usr{spelling}"


def _undiverted(
    path: str, shipped_at: Mapping[str, tuple[str, ...]], diversions: Iterable[Diversion]
) -> tuple[str, ...]:
    """Return the packages whose file really stands at a path, given what each package ships where."""
    names = shipped_at.get(path, ())
    for diversion in diversions:
        if diversion.path == path:
            names = tuple(name for name in names if _is_named(name, diversion.package))
        elif diversion.target == path:
            others = shipped_at.get(diversion.path, ())
            names = (*names, *(name for name in others if not _is_named(name, diversion.package)))
    return names


def _is_named(qualified: str, package: str) -> bool:
    return qualified.partition(":")[0] == package


def _search(runner: Runner, paths: list[str]) -> dict[str, tuple[str, ...]]:
    literal = [path for path in paths if not _PATTERN_CHARACTERS.intersection(path)]
    found: dict[str, tuple[str, ...]] = {}
    for start in range(0, len(literal), _PATHS_A_QUERY):
        batch = literal[start : start + _PATHS_A_QUERY]
        # Exit status 1 only says that some path has no owner.
        found.update(parse_search(runner.capture(("dpkg-query", "--search", *batch)).stdout))
    return found


def parse_search(output: str) -> dict[str, tuple[str, ...]]:
    """Parse dpkg-query's answer in the C locale: path -> owners as printed, ``name`` or ``name:arch``."""
    found = {}
    # Paths may hold what str.splitlines takes for the end of a line.
    for line in output.split("\n"):
        names, separator, path = line.partition(": /")
        if separator and not line.startswith(_DIVERSION_PREFIXES):
            found[f"/{path}"] = tuple(names.split(", "))
    return found
