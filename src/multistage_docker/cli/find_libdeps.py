"""find-libdeps: the command line."""

from __future__ import annotations

import os
import sys
import time
from enum import Enum
from typing import Annotated

import typer

from multistage_docker import notes, rendering
from multistage_docker.check import check_libdeps
from multistage_docker.cli import boundary
from multistage_docker.cli.options import new_app, version_option
from multistage_docker.errors import UnresolvedError, UsageError
from multistage_docker.forest import Choices, Opened
from multistage_docker.libdeps import find_libdeps
from multistage_docker.report import Report
from multistage_docker.text import counted

NAME = "find-libdeps"

app = new_app()


class Format(str, Enum):
    """How the result is written."""

    PLAIN = "plain"
    TREE = "tree"
    JSON = "json"


@app.command(no_args_is_help=False)
def command(  # noqa: PLR0913 - one parameter an option
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...", help="Virtualenvs, other directories, or single ELF files.", show_default=False
        ),
    ],
    *,
    output: Annotated[
        Format,
        typer.Option(
            "--format",
            help="plain: one package a line; tree: package <- soname <- file <- distribution; json: all.",
        ),
    ] = Format.PLAIN,
    pin: Annotated[
        bool, typer.Option("--pin", help="Write name=version, the version installed here.")
    ] = False,
    include_essential: Annotated[
        bool, typer.Option("--include-essential", help="List also the packages that every Debian system has.")
    ] = False,
    dlopen: Annotated[
        bool,
        typer.Option("--dlopen", help="List also the packages of libraries that code opens by name."),
    ] = False,
    resolve_missing: Annotated[
        bool,
        typer.Option(
            "--resolve-missing", help="Find the packages of libraries that are not here in the archive."
        ),
    ] = False,
    cache_dir: Annotated[
        str,
        typer.Option(
            metavar="DIR",
            help="Keep what --resolve-missing fetches there, for another run.",
            show_default=False,
        ),
    ] = "",
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB",
            help="Leave out files and directories with this name, or this path below PATH. Repeatable.",
            show_default=False,
        ),
    ] = None,
    no_plugins: Annotated[
        bool,
        typer.Option("--no-plugins", help="Leave out what only plugins need: objects below plugins or qml."),
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="For the final image: list nothing, exit with 1 unless all that is needed is here.",
        ),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 when a required library is missing.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Worker processes; by default what fits tree and machine.",
            show_default=False,
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Write no warnings and notes.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more on stderr.")] = False,
    version: Annotated[  # noqa: ARG001 - handled by its callback
        bool, version_option(NAME)
    ] = False,
) -> None:
    """Print the Debian packages whose shared libraries the ELF files below PATH need.

    Run it in the builder image, on a virtualenv, and feed apt-install with the result in the final image:

        find-libdeps /usr/share/python3/app > pkgdeps.txt

        xargs -ra pkgdeps.txt apt-install
    """
    if cache_dir and not resolve_missing:
        raise UsageError("--cache-dir has no meaning without --resolve-missing")
    choices = Choices(
        opened=_opened(output, listed=dlopen, quiet=quiet, check=check),
        include_essential=include_essential,
        exclude=tuple(exclude or ()),
        plugins=not no_plugins,
        jobs=jobs,
        resolve_missing=resolve_missing,
        cache_directory=cache_dir,
    )
    if check:
        _refuse_beside_check(
            {
                "--format": output is not Format.PLAIN,
                "--pin": pin,
                "--include-essential": include_essential,
                "--resolve-missing": resolve_missing,
                "--cache-dir": bool(cache_dir),
            }
        )
        _check(paths, choices, quiet=quiet, verbose=verbose)
        return
    progress = None if quiet or not sys.stderr.isatty() else _Progress()
    report = find_libdeps(paths, choices, progress=progress)
    if progress:
        progress.clear()
    _comment(report, quiet=quiet, verbose=verbose)
    match output:
        case Format.PLAIN:
            boundary.write_result(rendering.plain(report, pin=pin))
        case Format.TREE:
            colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
            boundary.write_result(rendering.tree(report, pin=pin, colour=colour))
        case Format.JSON:
            boundary.write_result(rendering.as_json(report))
    missing = {requirement.soname for requirement in report.missing_required}
    if strict and missing:
        raise UnresolvedError(
            f"{counted(len(missing), 'required library')} missing: {', '.join(sorted(missing))}"
        )


def _opened(output: Format, *, listed: bool, quiet: bool, check: bool) -> Opened:
    if listed:
        return Opened.LIST
    # Only what is going to be shown is worth reading every source for.
    return Opened.IGNORE if check or (quiet and output is not Format.JSON) else Opened.MENTION


def _refuse_beside_check(given: dict[str, bool]) -> None:
    for option, is_given in given.items():
        if is_given:
            raise UsageError(
                f"{option} has no meaning beside --check, which lists nothing: leave one of them out"
            )


def _check(paths: list[str], choices: Choices, *, quiet: bool, verbose: bool) -> None:
    verdict = check_libdeps(paths, choices)
    problems = list(notes.problems(verdict))
    for text in problems:
        boundary.say(NAME, text)
    if not quiet:
        for text in notes.doubts(verdict.skipped):
            boundary.say(NAME, f"warning: {text}")
    if verbose:
        for text in notes.optional_problems(verdict):
            boundary.say(NAME, f"note: optional: {text}")
    if not verdict.is_sound:
        raise UnresolvedError(
            f"{counted(len(problems), 'problem')} found: the tree does not work on this system"
        )


def _comment(report: Report, *, quiet: bool, verbose: bool) -> None:
    if not quiet:
        for text in notes.warnings(report):
            boundary.say(NAME, f"warning: {text}")
        for text in notes.remarks(report):
            boundary.say(NAME, f"note: {text}")
    if verbose:
        for text in notes.details(report):
            boundary.say(NAME, text)


class _Progress:
    """A line on the terminal that counts files, once the scan has taken a second."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._shown = False

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() - self._start > 1:
            print(f"\r{NAME}: {done:,} of {total:,} files", end="", file=sys.stderr, flush=True)
            self._shown = True

    def clear(self) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def main() -> None:
    """Run the command and leave the process."""
    boundary.run(app, NAME)
