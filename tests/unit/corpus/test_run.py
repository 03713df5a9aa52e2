"""What is done again, and what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.bench import Bench
from corpus.cases import Case
from corpus.engine import Engine
from corpus.records import Records
from corpus.run import Choices, run_case

if TYPE_CHECKING:
    from pathlib import Path

CASE = Case(name="one", kind="wheel", pip="one", check="import one")
DONE = {"build": {"built": True}, "list": {"packages": []}, "final": {"runs": True}, "peers": {"classic": {}}}


def bench(client: str) -> Bench:
    """Return a bench whose engine is the given program."""
    return Bench(Engine(client), "bookworm", "tools", "tools")


def test_what_has_a_result_is_not_done_again(tmp_path: Path) -> None:
    """With a result for every part asked for, no engine is needed."""
    records = Records(tmp_path / "results.json", "tool")
    records.put("one", DONE)
    record = run_case(CASE, bench("/nonexistent"), records, Choices(("final", "peers")))
    assert record == {**DONE, "tool": "tool"}


def test_doing_a_part_again_keeps_the_others(tmp_path: Path) -> None:
    """A part that is not asked for stays, so that no case silently leaves a comparison."""
    client = tmp_path / "docker"
    client.write_text('#!/bin/sh\n[ "$1" = build ] && exit 1\necho \'{"BuildCache": []}\'\n')
    client.chmod(0o755)
    records = Records(tmp_path / "results.json", "tool")
    records.put("one", DONE)
    record = run_case(CASE, bench(str(client)), records, Choices(("final",), again=True, keep=True))
    assert record["build"]["built"] is False
    assert record["peers"] == DONE["peers"]
    assert "final" not in record
