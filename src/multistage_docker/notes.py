"""What find-libdeps says besides its result: one line for each thing that a person should know."""

from __future__ import annotations

import shlex
from itertools import groupby
from posixpath import basename
from typing import TYPE_CHECKING

from multistage_docker.debian.contents import candidate_names
from multistage_docker.rendering import place, relative
from multistage_docker.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from multistage_docker.elf.scan import SkippedFile
    from multistage_docker.report import Gap, Report, Requirement, Verdict

_NAMED_AT_MOST = 8


def warnings(report: Report) -> Iterator[str]:
    """Yield what makes the result incomplete: missing libraries, unpackaged ones, unreadable files."""
    if report.lookup_error:
        yield report.lookup_error
    for soname, several in _grouped(report.missing_required, lambda one: one.soname):
        yield (
            f"{soname} is missing on this system: needed by {_files(several, report)}; "
            f"{_way_out(report)}{_or_exclude(several)}"
        )
    for path, several in _grouped(report.unpackaged, lambda one: one.path):
        yield (
            f"{path} belongs to no package: needed by {_files(several, report)}; copy it into the final image"
        )
    for path in report.unsafe_search:
        yield (
            f"{relative(path, report.roots)} has an empty or relative entry in its library search path: "
            "ignored, since it means wherever the program happens to run"
        )
    yield from doubts(report.skipped)


def doubts(skipped: Iterable[SkippedFile]) -> Iterator[str]:
    """Yield the files that could not be read and may need something."""
    for item in skipped:
        if item.reason.is_alarming:
            detail = f": {item.detail}" if item.detail else ""
            yield f"{item.path}: {item.reason.value}{detail}"


def remarks(report: Report) -> Iterator[str]:
    """Yield what is good to know and needs no action."""
    plugins = dict.fromkeys(item.soname for item in report.missing if item.is_plugin)
    required = {item.soname for item in report.missing_required}
    optional = [soname for soname in plugins if soname not in required]
    if optional:
        yield f"{counted(len(optional), 'missing library')} only for plugins: {_some(optional)}"
    if report.opened_packages:
        names = [package.name for package in report.opened_packages]
        yield f"code here opens libraries of {_some(names)} by name: --dlopen lists them as well"


def details(report: Report) -> Iterator[str]:
    """Yield what only those want to read who ask how the result came about."""
    yield f"{counted(report.objects, 'ELF file')} among {counted(report.files, 'file')}"
    for need in report.preloaded:
        yield (
            f"{need.soname} for {relative(need.file, report.roots)} is met by "
            f"{relative(need.path, report.roots)}, if that has been loaded before"
        )
    for path in sorted({need.path for need in report.interpreter}):
        yield f"{path} belongs to the Python interpreter"
    for item in report.skipped:
        if not item.reason.is_alarming:
            detail = f" ({item.detail})" if item.detail else ""
            yield f"{relative(item.path, report.roots)} is left out: {item.reason.value}{detail}"


def problems(verdict: Verdict) -> Iterator[str]:
    """Yield what a check found wrong, a line for each missing library, symbol version and interpreter."""
    for misfit in verdict.misfits:
        if misfit.version:
            yield (
                f"{misfit.directory} was made for Python {misfit.version}, but its interpreter here is "
                f"{misfit.interpreter}: use the Python version of the builder in this image"
            )
        else:
            yield (
                f"{misfit.directory} needs the interpreter {misfit.interpreter}, which does not exist here: "
                "use the same Python in builder and final image"
            )
    if verdict.unrunnable:
        yield "the files are built for another machine than this one: build for the platform of this image"
    yield from _gaps(verdict.gaps, verdict)


def optional_problems(verdict: Verdict) -> Iterator[str]:
    """Yield what plugins and the like lack."""
    return _gaps(verdict.optional_gaps, verdict)


def _gaps(gaps: Iterable[Gap], verdict: Verdict) -> Iterator[str]:
    def what(gap: Gap) -> tuple[str, str, str]:
        return gap.requirement.soname, gap.requirement.path, gap.version

    for (soname, path, version), several in groupby(sorted(gaps, key=what), key=what):
        requirements = [gap.requirement for gap in several]
        files = _files(requirements, verdict)
        if version:
            yield (
                f"{version} is not defined by {path}: needed by {files}; it was built against a newer "
                f"{soname}: build on the suite of this image"
            )
        else:
            names = " or ".join(requirements[0].names)
            verb = "opened by name in" if requirements[0].is_opened else "needed by"
            yield (
                f"{names} is missing: {verb} {files}; install the package that ships it"
                f"{_likely_package(requirements[0].names, time64=verdict.time64)}{_or_exclude(requirements)}"
            )


def _grouped(
    requirements: Iterable[Requirement], key: Callable[[Requirement], str]
) -> Iterator[tuple[str, list[Requirement]]]:
    for value, several in groupby(sorted(requirements, key=key), key=key):
        yield value, list(several)


def _files(requirements: list[Requirement], report: Report | Verdict) -> str:
    first = requirements[0]
    origin = f" ({first.distribution})" if first.distribution else ""
    text = f"{place(first, report.roots)}{origin}"
    others = len({requirement.file for requirement in requirements}) - 1
    return f"{text} and {counted(others, 'more file')}" if others else text


def _way_out(report: Report) -> str:
    if report.lookup_error:
        return "install its package here, since the archive could not be searched for it"
    if report.archive_asked:
        return "no package of the archive was found for it: copy it from where it comes"
    return "--resolve-missing finds its package in the archive"


def _likely_package(sonames: Iterable[str], *, time64: bool) -> str:
    name = next((name for soname in sonames for name in candidate_names(soname)), "")
    if not name:
        return ""
    if not time64:
        return f", perhaps {name}"
    return f", perhaps {name} or {name}t64 (a list made on an older suite has names without t64)"


def _or_exclude(requirements: list[Requirement]) -> str:
    return f", or if the file is optional: --exclude {shlex.quote(basename(requirements[0].file))}"


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMED_AT_MOST])
    return f"{shown}, …" if len(names) > _NAMED_AT_MOST else shown
