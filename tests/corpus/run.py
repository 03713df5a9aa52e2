"""One case from its builder image to its verdict, part by part; what has a result is not done again."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from corpus.bench import StepFailedError
from corpus.steps import Work
from corpus.verdict import problems

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from corpus.bench import Bench
    from corpus.cases import Case
    from corpus.records import Record, Records

PARTS = ("final", "glibc", "shlibdeps", "needless", "peers")


@dataclass(frozen=True, slots=True)
class Choices:
    """Which parts to do, whether ``again`` where there is a result, and to ``keep`` the builder images."""

    parts: tuple[str, ...] = PARTS
    again: bool = False
    keep: bool = False


def run_case(case: Case, bench: Bench, records: Records, choices: Choices) -> Record:
    """Do the parts of a case that have no result yet, keep each result, and return the record."""
    record = dict(records.record(case.name) or {})
    if choices.again:
        # Only what is asked for: a part that is not done again keeps its result and its place in the sums.
        record = {part: done for part, done in record.items() if part not in (*choices.parts, "build")}
    missing = [part for part in PARTS if part in choices.parts and part not in record]
    if not missing or record.get("build", {}).get("built") is False:
        return record
    work = Work(case, bench)
    try:
        _say(case, "build")
        record["build"] = work.build()
        if record["build"]["built"]:
            _judge(work, record, missing, lambda: records.put(case.name, record))
    finally:
        records.put(case.name, record)
        work.clean(keep_builder=choices.keep)
    return record


def _judge(work: Work, record: Record, parts: Collection[str], kept: Callable[[], None]) -> None:
    _say(work.case, "list")
    listed = work.list()
    known = listed.pop("_known", {})
    record["list"] = listed
    kept()
    if not known:
        return
    steps: dict[str, Callable[[], Record]] = {
        "final": lambda: work.run_final(tuple(listed["packages"])),
        "glibc": lambda: work.compare_with_glibc(known),
        "shlibdeps": lambda: work.compare_with_shlibdeps(known),
        "needless": lambda: work.prove_needs(known),
        "peers": lambda: work.try_peers(record.get("shlibdeps")),
    }
    for part in parts:
        if part == "needless" and not record.get("final", {}).get("installed") and listed["packages"]:
            continue
        _say(work.case, part)
        try:
            record[part] = steps[part]()
        except StepFailedError as error:
            record[part] = {"failed": str(error)}
        kept()


def _say(case: Case, step: str) -> None:
    print(f"{case.name}: {step}", file=sys.stderr, flush=True)


def summary(case: Case, record: Record) -> bool:
    """Print a case's verdict; return whether it is right, or wrong for the reason that it gives."""
    wrong = problems(record)
    listed = record.get("list", {})
    kilobytes = record.get("final", {}).get("kilobytes")
    size = "" if kilobytes is None else f", {kilobytes:,} kB"
    print(
        f"{case.name}: {'; '.join(wrong) or 'right'} ({len(listed.get('packages', []))} packages{size})",
        flush=True,
    )
    return not wrong or bool(case.reason)
