"""The page and the pictures of the benchmark: made from its results alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from benchmarks import growth_picture, wording
from benchmarks.documents import RESULTS, read
from benchmarks.libdeps import GROWTH, TREE
from benchmarks.page import cost, pictures, render
from corpus.peers import CLASSIC

if TYPE_CHECKING:
    from benchmarks.documents import Apt, Facts, Libdeps, Measured, Run

ROOT = Path(__file__).parents[3]
_SVG = "{http://www.w3.org/2000/svg}"
FACTS: Facts = {
    "date": "2026-01-01",
    "tool": "1.0",
    "debian": "12.11",
    "python": "3.11.2",
    "processors": 1,
}


def _measured(group: str, name: str, elf_files: int, *walls: float) -> Measured:
    runs: list[Run] = [{"wall": wall, "processor": wall / 2, "memory": 30_000} for wall in walls]
    return {
        "group": group,
        "name": name,
        "elf_files": elf_files,
        "packages": 12,
        "runs": runs,
    }


def _libdeps() -> Libdeps:
    return {
        "facts": FACTS,
        "measured": [
            _measured(TREE, "find-libdeps", 1000, 4.0, 5.0, 6.0),
            _measured(TREE, CLASSIC.title, 1000, 50.0),
            _measured(GROWTH, "1 x", 1000, 5.0, 4.0, 60.0),
            _measured(GROWTH, "4 x", 4000, 20.0, 20.0, 20.0),
        ],
    }


def _apt() -> Apt:
    return {
        "facts": FACTS,
        "base": "debian",
        "package": "tcpdump",
        "seconds": {
            "first": {"apt-install": [2.0, 1.0, 30.0], "classic": [4.0, 4.0, 4.0], "documented": [3.0] * 3},
            "cached": {"apt-install": [1.0] * 3, "documented": [0.5] * 3},
        },
        "layers": [{"base": "debian", "way": "classic", "size": 78_000_000, "entries": 90, "differing": 4}],
    }


def test_no_results_give_a_page_without_sections() -> None:
    """What was not measured is not shown."""
    assert "##" not in render(None, None, None)
    assert pictures(None, None) == {}


def test_ratio_is_to_the_first_row() -> None:
    """A row has the median of its runs, and how many times the first row's that is."""
    page = render(_libdeps(), None, None)
    row = r"| ldd \| dpkg-query -S | 1,000 | 12 | 50.0 | 25.0 | 30 | 10 x | 1 |"
    assert row in page.splitlines()
    assert "2026-01-01: multistage-docker 1.0, Debian 12.11, Python 3.11.2, 1 processor." in page


def test_setting_without_a_way_stays_empty() -> None:
    """The classic line knows of no cache; the others' ratio is to apt-install."""
    page = render(None, _apt(), None).splitlines()
    assert "| first | 2.00 | 4.00 (2.0 x) | 3.00 (1.5 x) |" in page
    assert "| cached | 1.00 |  | 0.500 (0.50 x) |" in page
    assert "| debian | the classic line | 78.00 | 90 | 4 |" in page


def test_few_runs_are_marked() -> None:
    """Results of fewer than three runs say that they prove nothing; those of three do not."""
    few = _apt()
    few["seconds"]["first"]["apt-install"] = [2.0]
    assert "**Interim:**" in render(None, few, None)
    assert "**Interim:**" not in render(_libdeps(), _apt(), None)


def test_cost_is_the_median() -> None:
    """One slow run of three does not count."""
    assert cost(_measured(GROWTH, "1 x", 1, 5.0, 4.0, 60.0)).wall == 5.0


def test_growth_shows_each_number_of_files() -> None:
    """A dot for each number of copies and one for the classic pipeline, the larger ones further away."""
    # What comes from the lines above is no hostile XML.
    root = ET.fromstring(growth_picture.draw(_libdeps()))  # noqa: S314 - a picture of our own
    places = {
        str(one.findtext(f"{_SVG}title")): (float(one.get("cx", "")), float(one.get("cy", "")))
        for one in root.iter(f"{_SVG}circle")
    }
    assert list(places) == [
        "find-libdeps: 1,000 ELF files, 5.00 s",
        "find-libdeps: 4,000 ELF files, 20.0 s",
        "ldd | dpkg-query -S: 1,000 ELF files, 50.0 s",
    ]
    (one, five), (four, twenty), (classic, fifty) = places.values()
    assert one == classic < four
    assert five > twenty > fifty


def test_growth_of_a_straight_line() -> None:
    """Both axes begin at zero and are linear, so equal growth makes a straight line."""
    root = ET.fromstring(growth_picture.draw(_libdeps()))  # noqa: S314 - a picture of our own
    (line,) = [one.get("points", "") for one in root.iter(f"{_SVG}polyline") if one.get("class") == "line"]
    (x0, y0), (x1, y1), (x2, y2) = (tuple(map(float, point.split(","))) for point in line.split())
    assert (y0 - y1) / (x1 - x0) == pytest.approx((y0 - y2) / (x2 - x0), rel=0.01)


def test_growth_in_light_and_dark() -> None:
    """Each dot and the line have a colour on a light and on a dark page."""
    picture = growth_picture.draw(_libdeps())
    for rule in (".ours { fill: #", ".classic { fill: #", ".line { stroke: #"):
        assert picture.count(rule) == 2, rule


def test_nothing_grows_without_copies() -> None:
    """There is no picture where no copies were searched."""
    assert growth_picture.draw({"facts": FACTS, "measured": []}) == ""


@pytest.mark.parametrize(
    ("largest", "last", "width"),
    [
        pytest.param(47.2, 50, 10, id="tens"),
        pytest.param(50.0, 50, 10, id="just on a line"),
        pytest.param(12.6, 15, 5, id="halves"),
        pytest.param(0.31, 0.4, 0.1, id="below one"),
        pytest.param(1.0, 1, 0.2, id="a power of ten"),
        pytest.param(620.0, 800, 200, id="hundreds"),
    ],
)
def test_ticks_are_round_numbers(largest: float, last: float, width: float) -> None:
    """An axis has at most six steps of 1, 2 or 5 times a power of ten, and ends above the largest value."""
    ticks = growth_picture.ticks(largest)
    assert (ticks[0], ticks[1], ticks[-1]) == (0, width, last)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0651, "0.065"), (1.234, "1.23"), (46.94, "46.9"), (234.4, "234"), (9.996, "10.0"), (1234.5, "1,234")],
)
def test_seconds_have_three_digits(value: float, text: str) -> None:
    """No digit is shown that a run's noise makes up."""
    assert wording.seconds(value) == text


def test_committed_page_is_that_of_the_committed_results() -> None:
    """The page and the pictures are those made from the JSON files, whichever of these there are."""
    libdeps, apt, sizes = (read(part) for part in ("libdeps", "apt", "sizes"))
    if libdeps or apt or sizes:
        assert (RESULTS / "README.md").read_text(encoding="utf-8") == render(libdeps, apt, sizes)
    drawn = pictures(libdeps, sizes)
    assert {path.name: path.read_text(encoding="utf-8") for path in RESULTS.glob("*.svg")} == drawn


def test_pictures_of_the_readme_are_there() -> None:
    """What the README shows of the results is among them."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = {name for name in ("growth.svg", "sizes.svg") if f"tests/benchmarks/results/{name}" in readme}
    assert {name for name in shown if not (RESULTS / name).exists()} == set()
