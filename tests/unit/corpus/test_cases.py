"""The cases of the corpus as they are written."""

from __future__ import annotations

import pytest

from corpus.bench import CORPUS
from corpus.cases import SUITES, UnknownCaseError, choose, parse_cases

ONE = '{"one": {"kind": "wheel", "pip": "one", "check": "import one", "needs": ["libone1"]}}'


def test_absent_and_empty_needs_differ() -> None:
    """A case without "needs" says nothing, one with an empty list says that nothing is needed."""
    cases = parse_cases(
        '{"any": {"kind": "k", "pip": "p", "check": "c"},'
        ' "none": {"kind": "k", "pip": "p", "check": "c", "needs": []}}',
        "bookworm",
    )
    assert cases["any"].needs is None
    assert cases["any"].exceeded_needs(["libone1"]) == ()
    assert cases["none"].needs == ()
    assert cases["none"].exceeded_needs(["libone1"]) == ("libone1",)


def test_a_suite_overrides() -> None:
    """What stands below a suite's name holds for that suite alone."""
    text = '{"one": {"kind": "k", "pip": "one", "check": "c", "apt": "a", "trixie": {"apt": "b"}}}'
    assert parse_cases(text, "bookworm")["one"].apt == "a"
    assert parse_cases(text, "trixie")["one"].apt == "b"


@pytest.mark.parametrize(
    ("listed", "missing"),
    [
        pytest.param(["libone1"], (), id="listed"),
        pytest.param(["libone1t64"], (), id="renamed for 64-bit time"),
        pytest.param(["libone1-dev"], ("libone1",), id="another package"),
        pytest.param([], ("libone1",), id="nothing"),
    ],
)
def test_missing_needs(listed: list[str], missing: tuple[str, ...]) -> None:
    """A needed package counts as listed under its name, or its name with t64 behind it."""
    assert parse_cases(ONE, "trixie")["one"].missing_needs(listed) == missing


def test_a_misspelt_key_is_refused() -> None:
    """A key that no case has is an error, not silently nothing."""
    with pytest.raises(ValueError, match="one: unknown key chekc"):
        parse_cases('{"one": {"kind": "k", "pip": "p", "chekc": "c"}}', "bookworm")


def test_choosing_by_name_keeps_the_order_of_the_corpus() -> None:
    """Names choose cases; their order on the command line does not matter, and no name means all."""
    text = '{"b": {"kind": "k", "pip": "p", "check": "c"}, "a": {"kind": "k", "pip": "p", "check": "c"}}'
    cases = parse_cases(text, "bookworm")
    assert [case.name for case in choose(cases, ["a", "b"])] == ["b", "a"]
    assert [case.name for case in choose(cases, ["a"])] == ["a"]
    assert [case.name for case in choose(cases, [])] == ["b", "a"]
    with pytest.raises(UnknownCaseError, match="no such case: c"):
        choose(cases, ["c"])


@pytest.mark.parametrize("suite", SUITES)
def test_the_corpus_is_well_formed(suite: str) -> None:
    """Every case of cases.json can be read, says what it installs, and has a check that compiles."""
    cases = parse_cases((CORPUS / "cases.json").read_text(encoding="utf-8"), suite)
    assert len(cases) >= 40
    for case in cases.values():
        assert case.kind
        assert case.pip
        assert len(case.name) < 20
        compile(case.check, case.name, "exec")
