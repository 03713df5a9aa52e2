"""What is wrong with a case, by its record: one line each, nothing where all that was done is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from corpus.records import Record


def problems(record: Record) -> list[str]:
    """Return what a record says against find-libdeps and apt-install."""
    build = record.get("build", {})
    if not build.get("built"):
        return [f"does not build: {_last_line(build.get('complaint', ''))}"]
    failed = (
        f"{part} fails: {_last_line(result['failed'])}"
        for part, result in record.items()
        if isinstance(result, dict) and "failed" in result
    )
    return [*_listing(record.get("list", {})), *_final(record.get("final", {})), *failed, *_oracles(record)]


def _listing(listed: Record) -> Iterator[str]:
    if listed.get("returncode"):
        yield f"find-libdeps fails: {' '.join(listed['said'][-1:])}"
    if listed.get("needs_missing"):
        yield f"not listed: {', '.join(listed['needs_missing'])}"
    if listed.get("needs_exceeded"):
        yield f"listed without need: {', '.join(listed['needs_exceeded'])}"


def _final(final: Record) -> Iterator[str]:
    if final.get("runs") is False:
        yield f"does not run: {_last_line(final['complaint'])}"
    if final.get("check", {}).get("passes") is False:
        yield f"--check fails: {' '.join(final['check']['said'][:1])}"


def _oracles(record: Record) -> Iterator[str]:
    if differing := record.get("glibc", {}).get("differing"):
        yield f"{len(differing)} differences from glibc"
    shlibdeps = record.get("shlibdeps", {})
    for key, whose in (("only_ours", "find-libdeps"), ("only_theirs", "dpkg-shlibdeps")):
        if shlibdeps.get(key):
            yield f"only {whose} lists {', '.join(shlibdeps[key])}"
    if needless := record.get("needless", {}).get("needless"):
        yield f"needless: {', '.join(needless)}"


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]
