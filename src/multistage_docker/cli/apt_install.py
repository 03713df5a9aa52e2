"""apt-install: the command line."""

from __future__ import annotations

import os
import shlex
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from multistage_docker import process
from multistage_docker.cli import boundary
from multistage_docker.cli.options import new_app, version_option
from multistage_docker.debian.gate import Allowed, PlanRefusedError
from multistage_docker.debian.spec import parse_requirements, parse_specs
from multistage_docker.errors import UsageError
from multistage_docker.install import apt_install, plan_install
from multistage_docker.installation import Request, System, Voice

NAME = "apt-install"

app = new_app()

# Options of apt-get that would make the run another one than this command promises.
_OTHER_RUNS = frozenset(
    (
        *("-s", "--simulate", "--just-print", "--dry-run", "--recon", "--no-act", "--print-uris"),
        *("-d", "--download-only", "-b", "--build", "--compile", "--purge", "--reinstall"),
        *("-h", "--help", "-v", "--version"),
    )
)
_TAKING_A_VALUE = (
    *("-o", "--option", "-c", "--config-file", "-a", "--host-architecture", "-P", "--build-profiles"),
)


class _Command(TyperCommand):
    """Keeps what stands behind ``--`` out of the package names: those are options for apt-get."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's own class has no public name
        if "--" in args:
            end = args.index("--")
            ctx.obj = tuple(args[end + 1 :])
            args = args[:end]
        return super().parse_args(ctx, args)


_ALREADY_SO = typer.Option(hidden=True)


@app.command(
    cls=_Command,
    no_args_is_help=False,
    options_metavar="[OPTIONS]",
    epilog="Behind -- stand options for apt-get.",
)
def command(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    packages: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PACKAGE...",
            help="name, name:arch, name=version, name/suite or ./file.deb.",
            show_default=False,
        ),
    ] = None,
    *,
    requirements: Annotated[
        list[str] | None,
        typer.Option(
            "--requirement",
            "-r",
            metavar="FILE",
            help="Take packages from a file, one a line, # comments; - is stdin. Repeatable.",
            show_default=False,
        ),
    ] = None,
    recommends: Annotated[
        bool,
        typer.Option(
            "--install-recommends/--no-install-recommends", help="Install recommended packages as well."
        ),
    ] = False,
    upgrade: Annotated[
        bool,
        typer.Option("--upgrade/--no-upgrade", help="Upgrade named packages that are already installed."),
    ] = False,
    target_release: Annotated[
        str,
        typer.Option(
            "--target-release",
            "--default-release",
            "-t",
            metavar="RELEASE",
            help="Prefer the packages of this release.",
            show_default=False,
        ),
    ] = "",
    allow_removals: Annotated[
        bool, typer.Option("--allow-removals", help="Carry out a plan that removes packages.")
    ] = False,
    allow_downgrades: Annotated[
        bool, typer.Option("--allow-downgrades", help="Carry out a plan that installs older versions.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", "--simulate", "-s", help="Print the plan and change nothing."),
    ] = False,
    receipt: Annotated[
        str,
        typer.Option(metavar="FILE", help="Write what was done to FILE, as JSON.", show_default=False),
    ] = "",
    no_clean: Annotated[bool, typer.Option("--no-clean", help="Leave apt's files where they are.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show apt's output only on failure.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more on stderr.")] = False,
    version: Annotated[  # noqa: ARG001 - handled by its callback
        bool, version_option(NAME)
    ] = False,
    yes: Annotated[  # noqa: ARG001 - always so
        bool, typer.Option("--yes", "-y", "--assume-yes", help="Accepted, and always so.")
    ] = True,
    auto_remove: Annotated[  # noqa: ARG001 - always so
        bool, typer.Option("--auto-remove", "--autoremove", hidden=True)
    ] = True,
    no_suggests: Annotated[  # noqa: ARG001 - always so
        bool, typer.Option("--no-install-suggests", hidden=True)
    ] = True,
    fix_broken: Annotated[bool, typer.Option("--fix-broken", "-f", hidden=True)] = False,
    fix_missing: Annotated[bool, typer.Option("--fix-missing", "-m", hidden=True)] = False,
    settings: Annotated[list[str] | None, typer.Option("--option", "-o", hidden=True)] = None,
) -> None:
    """Install Debian packages the way an image needs it: nothing recommended, nothing left behind.

    Runs apt-get update and apt-get install -y --no-upgrade --auto-remove --no-install-recommends, then
    removes the files that the run left: indexes, caches, logs, backups. In a Dockerfile:

        RUN xargs -ra pkgdeps.txt apt-install
    """
    if settings:
        # Never taken from here: with xargs, a line of a list could be one, and run what it likes.
        raise UsageError(
            f"options for apt-get stand after --: {NAME} PACKAGE -- -o {shlex.quote(settings[0])}"
        )
    if dry_run and receipt:
        raise UsageError("--receipt has no meaning beside --dry-run, which does nothing")
    if not packages and not requirements:
        raise UsageError("no package given", hint=f"try {NAME} --help")
    lines = tuple(line for path in requirements or () for line in parse_requirements(_read(path)))
    passed_on = _checked(context.obj or ())
    apt_options = (*(["-f"] if fix_broken else []), *(["-m"] if fix_missing else []), *passed_on)
    request = Request(
        specs=parse_specs((*(packages or ()), *lines)),
        recommends=recommends,
        allowed=Allowed(upgrade=upgrade, removals=allow_removals, downgrades=allow_downgrades),
        target_release=target_release,
        clean=not no_clean,
        quiet=quiet,
        receipt=receipt,
        apt_options=apt_options,
    )
    voice = Voice(say=_say if not quiet else _ignore, detail=_say if verbose else _ignore)
    system = System.here(process.SystemRunner())
    try:
        with process.stopping_by_error():
            if dry_run:
                plan = plan_install(request, system, voice)
                boundary.write_result("".join(f"{line}\n" for line in plan.lines()))
            else:
                apt_install(request, system, voice)
    except PlanRefusedError as error:
        for line in error.shown:
            boundary.say(NAME, f"| {line}")
        raise


def _say(message: str) -> None:
    boundary.say(NAME, message)


def _ignore(_message: str) -> None:
    pass


def _read(path: str) -> str:
    try:
        if path == "-":
            if sys.stdin is None:
                raise UsageError("cannot read stdin: it is closed")
            return os.fsdecode(sys.stdin.buffer.read())
        with open(path, "rb") as file:
            return os.fsdecode(file.read())
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None


def _checked(options: tuple[str, ...]) -> tuple[str, ...]:
    """Return the options for apt-get, or raise UsageError for one that makes another run."""
    value_follows = False
    for option in options:
        if value_follows:
            value_follows = False
        elif not option.startswith("-") or option in ("-", "--"):
            raise UsageError(f"{option!r} stands behind --, where only options for apt-get may stand")
        elif not _OTHER_RUNS.isdisjoint(_spelled_out(option)):
            raise UsageError(f"{option} is not for apt-install to pass on", hint="see --dry-run and --help")
        else:
            value_follows = option in _TAKING_A_VALUE
    if value_follows:
        raise UsageError(f"{options[-1]} stands behind -- without its value")
    return options


def _spelled_out(option: str) -> set[str]:
    """Return what an option may mean: itself without its value, and each letter of ``-yd``."""
    letters = option[1:] if option[1:].isalpha() and not option.startswith(_TAKING_A_VALUE) else ""
    return {option.partition("=")[0], *(f"-{letter}" for letter in letters)}


def main() -> None:
    """Run the command and leave the process."""
    boundary.run(app, NAME)
