"""Running programs in turns, and what of their cost counts."""

from __future__ import annotations

import sys

import pytest

from benchmarks.layers import differing
from benchmarks.measure import Cost, RunFailedError, median, run, turns
from support.layers import Entry


def test_ways_take_turns() -> None:
    """Each name comes as often as it is to run, and none twice in a row while others wait."""
    assert list(turns({"ours": 3, "theirs": 2, "slow": 1, "left out": 0})) == [
        *("ours", "theirs", "slow"),
        *("ours", "theirs"),
        "ours",
    ]


def test_no_way_takes_no_turn() -> None:
    """Nothing to run is no error."""
    assert list(turns({})) == []


def test_median_of_the_times_and_the_largest_memory() -> None:
    """Wall and processor time are medians of their own; of the memory the largest counts."""
    runs = [Cost(3.0, 1.0, 500, 7), Cost(1.0, 9.0, 900, 7), Cost(2.0, 2.0, 100, 7)]
    assert median(runs) == Cost(2.0, 2.0, 900, 7)


def test_cost_of_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run takes time and memory, its lines are counted, and Python's variables do not reach it."""
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    program = "import os; print('one'); print('two' if 'PYTHONPATH' not in os.environ else '', end='')"
    cost = run((sys.executable, "-c", program))
    assert cost.lines == 2
    assert cost.wall > 0
    assert cost.memory > 1000


def test_memory_is_the_program_s_own() -> None:
    """A small program does not count the memory of the process that measures it."""
    ballast = bytearray(b"x" * 100_000_000)
    assert run(("true",)).memory < 60_000 < len(ballast) / 1000


def test_failed_program_has_no_cost() -> None:
    """A status that is not expected is an error; where none is expected, any will do."""
    failing = ("sh", "-c", "exit 3")
    with pytest.raises(RunFailedError, match="exit status 3"):
        run(failing)
    assert run(failing, expected=(0, 3)).lines == 0
    assert run(failing, expected=()).lines == 0


def test_entries_that_differ_in_two_layers() -> None:
    """What has other content, and what only one layer has, differs."""

    def entry(content: str) -> Entry:
        return Entry("file", 0o644, 0, 0, 1, content)

    first = {"/same": entry("a"), "/log": entry("b"), "/gone": entry("c")}
    second = {"/same": entry("a"), "/log": entry("x"), "/new": entry("c")}
    assert differing(first, second) == ("/gone", "/log", "/new")
