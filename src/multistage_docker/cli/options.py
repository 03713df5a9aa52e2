"""What the command lines have in common."""

from __future__ import annotations

from typing import Any

import typer

from multistage_docker import __version__


def new_app() -> typer.Typer:
    """Return an app that shows plain help: no completion, no pretty tracebacks, nothing slow to import."""
    return typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def version_option(command: str) -> Any:  # noqa: ANN401 - what typer.Option is declared to return
    """Return the ``--version`` option of a command."""

    def show(wanted: bool) -> None:  # noqa: FBT001 - typer's callback protocol
        if wanted:
            typer.echo(f"{command} {__version__}")
            raise typer.Exit

    return typer.Option("--version", callback=show, is_eager=True, help="Show the version and exit.")
