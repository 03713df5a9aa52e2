"""Time over the number of ELF files in SVG, readable on a light and on a dark page."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

from benchmarks.libdeps import GROWTH, TREE
from benchmarks.wording import seconds
from corpus.peers import CLASSIC
from support import svg
from support.svg import Colour

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.documents import Libdeps

TITLE = "Seconds that it takes to list the packages, over the number of ELF files"
WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 44, 24, 44
MOST_LINES = 6
OURS = "find-libdeps"

COLOURS = (Colour("ours", "#2563eb", "#4c8dff"), Colour("classic", "#d97706", "#e3972d"))
# The grey has enough contrast on white and on black, where it is not to stand out.
STROKES = """\
.grid { stroke: #6e7681; stroke-opacity: .35; fill: none }
.line { stroke: #2563eb; stroke-width: 2; fill: none }
@media (prefers-color-scheme: dark) { .line { stroke: #4c8dff } }"""

Point = tuple[int, float]


def draw(document: Libdeps) -> str:
    """Return the picture, the same for the same numbers; "" where there is nothing to draw.

    Both axes are linear and begin at zero: what is straight grows as the number of files does.
    """
    ours, classic = points(document, GROWTH), points(document, TREE, CLASSIC.title)
    if not ours:
        return ""
    most_files = max(files for files, _ in (*ours, *classic))
    top = ticks(max(time for _, time in (*ours, *classic)))
    parts = list(_grid(top, most_files, [files for files, _ in ours]))
    places = [_place(point, most_files, top[-1]) for point in ours]
    parts.append(svg.line("line", (_place((0, 0), most_files, top[-1]), *places)))
    for (files, time), (left, down) in zip(ours, places, strict=True):
        parts.append(svg.dot("ours", left, down, f"{OURS}: {files:,} ELF files, {seconds(time)} s"))
        parts.append(svg.text(left, round(down - 10, 1), f"{seconds(time)} s", anchor="middle"))
    parts.append(svg.text(places[-1][0], round(places[-1][1] - 28, 1), OURS, "name", "end"))
    for files, time in classic:
        left, down = _place((files, time), most_files, top[-1])
        label = f"{CLASSIC.title}: {files:,} ELF files, {seconds(time)} s"
        parts.append(svg.dot("classic", left, down, label))
        parts.append(svg.text(left + 12, down + 4, f"{CLASSIC.title}: {seconds(time)} s", "name"))
    return svg.page(WIDTH, HEIGHT, TITLE, COLOURS, parts, style=STROKES)


def points(document: Libdeps, group: str, name: str = "") -> list[Point]:
    """Return numbers of ELF files, with medians of seconds: of a group, or of its command with a name."""
    return sorted(
        (one["elf_files"], statistics.median(run["wall"] for run in one["runs"]))
        for one in document["measured"]
        if one["group"] == group and name in ("", one["name"]) and one["elf_files"] is not None
    )


def ticks(largest: float) -> list[float]:
    """Return the round numbers from 0 that an axis shows, the last one not below the largest value."""
    magnitude = 10.0 ** math.floor(math.log10(largest))
    # Rounded, so that a tenth stays one.
    for width in (round(magnitude * share, 9) for share in (0.1, 0.2, 0.5, 1, 2, 5)):
        number = math.ceil(largest / width)
        if number <= MOST_LINES:
            return [round(width * line, 9) for line in range(number + 1)]
    raise AssertionError("five times its magnitude holds any number twice")


def _grid(times: list[float], most_files: int, marks: list[int]) -> Iterator[str]:
    for time in times:
        (left, down), end = _place((0, time), most_files, times[-1]), WIDTH - RIGHT
        yield svg.line("grid", ((left, down), (end, down)))
        yield svg.text(left - 8, down + 4, f"{time:g} s", anchor="end")
    for files in marks:
        left, down = _place((files, 0), most_files, times[-1])
        yield svg.text(left, down + 18, f"{files:,}", anchor="middle")
    yield svg.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "ELF files", anchor="middle")


def _place(point: Point, most_files: int, longest: float) -> tuple[float, float]:
    files, time = point
    left = LEFT + (WIDTH - LEFT - RIGHT) * files / most_files
    down = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * time / longest
    return round(left, 1), round(down, 1)
