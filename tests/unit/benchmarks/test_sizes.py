"""The sizes of images, and the table that the README shows of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from benchmarks.documents import read
from benchmarks.page import sizes_table
from benchmarks.sizes import APPLICATIONS, WAYS, dockerfile
from benchmarks.sizes_picture import draw

if TYPE_CHECKING:
    from benchmarks.documents import Sizes

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def sizes() -> Sizes:
    """Return the committed numbers."""
    found: Sizes = read("sizes")
    return found


def test_picture_shows_the_numbers(sizes: Sizes) -> None:
    """The picture is well-formed and has a bar for each image and each entry of the legend."""
    # What is drawn here is no hostile XML.
    bars = ET.fromstring(draw(sizes, "Sizes")).findall("{http://www.w3.org/2000/svg}rect")  # noqa: S314 - a picture of our own
    assert len(bars) == len(WAYS) * (1 + len(sizes["applications"]))


def test_readme_shows_the_numbers(sizes: Sizes) -> None:
    """The README's table is the one made from the committed numbers."""
    assert sizes_table(sizes) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_smallest_that_works(sizes: Sizes) -> None:
    """For each application the image made with these commands works, and is the smallest of those that do."""
    assert len(sizes["applications"]) == 3
    for application in sizes["applications"]:
        working = {image["way"]: image["size"] for image in application["images"] if image["works"]}
        assert min(working, key=lambda way: working[way]) == "ours"


def test_dockerfile_holds_the_scripts() -> None:
    """The script that lists packages reaches the shell of a RUN in one line, its quotes kept."""
    text = dockerfile(APPLICATIONS[0])
    (line,) = [line for line in text.splitlines() if "-exec ldd" in line]
    assert line.startswith('RUN sh -c \'find "$1" ')
    assert line.endswith(" sh /app > /app/pkgdeps.txt")
