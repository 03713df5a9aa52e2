"""Does everything that a tree needs resolve on this system? For the final image: asks no package manager."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from multistage_docker.debian.release import has_time64_names
from multistage_docker.elf.tree import Provision
from multistage_docker.forest import DEFAULT_CHOICES, Choices, Forest, Opened
from multistage_docker.python.interpreter import misfits
from multistage_docker.report import Gap, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from multistage_docker.parallel import Progress
    from multistage_docker.report import Requirement


def check_libdeps(
    paths: Sequence[str], choices: Choices = DEFAULT_CHOICES, *, progress: Progress | None = None
) -> Verdict:
    """Return what of the needs of the ELF files below ``paths`` this system cannot meet.

    A version counts as met where the library has no table of versions, as for ld.so. Raises UsageError
    where a path does not exist.
    """
    forest = Forest.grow(paths, choices, versions=True, progress=progress)
    openings = forest.openings(choices) if choices.opened is Opened.LIST else ()
    needs = forest.needs(())
    opened = forest.opened(openings, choices)
    beyond = forest.needs_beyond(
        need
        for need in (*needs, *opened)
        if need.provision is Provision.SYSTEM and not forest.left_out(need.path)
    )
    provided = forest.requirements((*needs, *beyond, *opened), choices)
    gaps = tuple(sorted(_gaps(forest, provided)))
    foreign = [item for item in forest.skipped if item.reason.is_foreign]
    return Verdict(
        roots=forest.roots,
        gaps=tuple(gap for gap in gaps if not gap.requirement.is_optional),
        optional_gaps=tuple(gap for gap in gaps if gap.requirement.is_optional),
        misfits=misfits(forest.scanned.files),
        skipped=forest.skipped,
        unrunnable=bool(foreign) and not forest.objects,
        time64=has_time64_names(_os_release()),
    )


def _os_release() -> str:
    try:
        return Path("/etc/os-release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _gaps(forest: Forest, provided: dict[Provision, tuple[Requirement, ...]]) -> Iterator[Gap]:
    for provision, requirements in provided.items():
        for requirement in requirements:
            if provision is Provision.MISSING:
                yield Gap(requirement)
            else:
                yield from (Gap(requirement, version) for version in _missing_versions(forest, requirement))


def _missing_versions(forest: Forest, requirement: Requirement) -> Iterable[str]:
    requester, provider = forest.read(requirement.file), forest.read(requirement.path)
    if requester is None or provider is None or provider.versions.defined is None:
        return ()
    required = {version for name, version in requester.versions.required if name == requirement.soname}
    return required - provider.versions.defined
