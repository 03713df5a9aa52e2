"""The pictures of the corpus: made from its results alone, each way in its own colour."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

from corpus.peers import TITLES
from corpus.picture import pictures

_SVG = "{http://www.w3.org/2000/svg}"


def _record(*, runs: bool, kilobytes: int) -> dict[str, Any]:
    outcome = {"runs": runs, "kilobytes": kilobytes}
    none = {"runs": False, "kilobytes": 7}
    return {"final": outcome, "peers": dict.fromkeys(TITLES, none)}


def _document(**cases: dict[str, Any]) -> dict[str, Any]:
    return {"suite": "bookworm", "date": "2026-01-01", "cases": cases}


def test_nothing_to_compare_gives_no_picture() -> None:
    """A case that no other way was tried on is in no picture."""
    assert pictures(_document(one={"final": {"runs": True, "kilobytes": 1}, "peers": {}})) == {}


def test_what_runs_is_counted_for_each_way() -> None:
    """A bar for each way says how many cases run, with how much."""
    document = _document(one=_record(runs=True, kilobytes=3000), two=_record(runs=True, kilobytes=1000))
    # What comes from the lines above is no hostile XML.
    root = ET.fromstring(pictures(document)["bookworm-runs.svg"][1])  # noqa: S314
    texts = [element.text for element in root.iter(f"{_SVG}text")]
    assert texts.count("2 of 2 run, 4 MB") == 1
    assert texts.count("0 of 2 run, 0 MB") == len(TITLES)
    assert len(list(root.iter(f"{_SVG}rect"))) == 1 + len(TITLES)


def test_what_does_not_run_has_no_size() -> None:
    """A dot stands for a case that runs; more kB stand further to the right."""
    document = _document(one=_record(runs=True, kilobytes=3000), two=_record(runs=True, kilobytes=100))
    root = ET.fromstring(pictures(document)["bookworm-sizes.svg"][1])  # noqa: S314
    said = {str(one.findtext(f"{_SVG}title")): float(one.get("cx", "")) for one in root.iter(f"{_SVG}circle")}
    of_cases = {text: place for text, place in said.items() if text.endswith(" kB")}
    assert list(of_cases) == ["one, find-libdeps: 3,000 kB", "two, find-libdeps: 100 kB"]
    assert of_cases["one, find-libdeps: 3,000 kB"] > of_cases["two, find-libdeps: 100 kB"]


def test_the_colours_are_as_many_as_the_ways() -> None:
    """Each way has a colour on a light and on a dark page."""
    picture = pictures(_document(one=_record(runs=True, kilobytes=1)))["bookworm-runs.svg"][1]
    for number in range(1 + len(TITLES)):
        assert picture.count(f".way{number} {{ fill: #") == 2
