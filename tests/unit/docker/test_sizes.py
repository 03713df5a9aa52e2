"""The measured sizes of images, and the table and the picture that the README shows of them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.picture import Sizes, draw
from benchmarks.sizes import PICTURE, RESULT, WAYS, table

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def sizes() -> Sizes:
    """Return the committed numbers."""
    found: Sizes = json.loads(RESULT.read_text(encoding="utf-8"))
    return found


def test_picture_shows_the_numbers(sizes: Sizes) -> None:
    """The committed picture is the one drawn from the committed numbers, and is well-formed."""
    text = PICTURE.read_text(encoding="utf-8")
    assert text == draw(sizes)
    bars = ET.fromstring(text).findall("{http://www.w3.org/2000/svg}rect")  # noqa: S314 - the repository's own
    assert len(bars) == len(WAYS) * (1 + len(sizes["applications"]))


def test_readme_shows_the_numbers(sizes: Sizes) -> None:
    """The README's table is the one made from the committed numbers."""
    assert table(sizes) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_smallest_that_works(sizes: Sizes) -> None:
    """For each application the image made with these commands works, and is the smallest of those that do."""
    assert len(sizes["applications"]) == 3
    for application in sizes["applications"]:
        working = {image["way"]: image["size"] for image in application["images"] if image["works"]}
        assert min(working, key=lambda way: working[way]) == "ours"
