"""Which packages apt holds for automatically installed, and marking those that were asked for as manual."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from multistage_docker.debian.dpkg import InstalledPackage
    from multistage_docker.process import Runner


def parse_extended_states(text: str) -> frozenset[tuple[str, str]]:
    """Return the (name, architecture) pairs that apt's extended_states marks as automatically installed."""
    marked = set()
    for paragraph in text.split("\n\n"):
        record = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line)
        if record.get("Auto-Installed") == "1":
            marked.add((record.get("Package", ""), record.get("Architecture", "")))
    return frozenset(marked)


def marked_automatic(
    packages: Collection[InstalledPackage], native_architecture: str, extended_states: str
) -> tuple[str, ...]:
    """Return those of some packages, as ``name:arch``, that apt's ``extended_states`` marks as automatic."""
    try:
        with open(extended_states, encoding="utf-8") as file:
            automatic = parse_extended_states(file.read())
    except FileNotFoundError:
        return ()
    return tuple(
        f"{package.name}:{architecture}"
        for package in packages
        for architecture in [native_architecture if package.architecture == "all" else package.architecture]
        if (package.name, architecture) in automatic
    )


def mark_manual(runner: Runner, names: tuple[str, ...], options: tuple[str, ...]) -> None:
    """Mark packages as manually installed, so that nothing removes them as no longer needed."""
    if names:
        runner.capture(("apt-mark", *options, "manual", *names)).require_success()
