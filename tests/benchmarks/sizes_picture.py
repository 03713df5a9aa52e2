"""The sizes of images as a bar chart in SVG, readable on a light and on a dark page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support import svg
from support.svg import Colour

if TYPE_CHECKING:
    from benchmarks.documents import Image, Sizes

WIDTH, LEFT, RIGHT = 760, 16, 190
BAR, GAP, HEADING, SPACE = 20, 6, 22, 18
LEGEND = 30
NAMES = {"builder": "one stage", "classic": "slim, classic scripts", "ours": "slim, multistage-docker"}

# The greys and colours have enough contrast on white and on black, for viewers that know of no colour scheme.
COLOURS = (
    Colour("builder", "#9ca3af", "#6e7681"),
    Colour("classic", "#d97706", "#e3972d"),
    Colour("ours", "#2563eb", "#4c8dff"),
)
FAILING = """\
.fails { fill-opacity: .25; stroke-width: 1.5; stroke-dasharray: 4 3 }
.classic.fails { stroke: #d97706 } .builder.fails { stroke: #9ca3af } .ours.fails { stroke: #2563eb }"""


def draw(sizes: Sizes, title: str) -> str:
    """Return the picture with a title, the same for the same numbers."""
    largest = max(image["size"] for application in sizes["applications"] for image in application["images"])
    scale = (WIDTH - LEFT - RIGHT) / largest
    parts = _legend()
    top = LEGEND + SPACE
    for application in sizes["applications"]:
        parts.append(svg.text(LEFT, top + 12, application["name"], "name"))
        top += HEADING
        for image in application["images"]:
            parts += _bar(image, top, round(image["size"] * scale, 1))
            top += BAR + GAP
        top += SPACE
    return svg.page(WIDTH, top, title, COLOURS, parts, style=FAILING)


def _legend() -> list[str]:
    parts, left = [], LEFT
    for way, name in NAMES.items():
        parts.append(svg.bar(way, left, 10, 14, 14))
        parts.append(svg.text(left + 20, 22, name))
        left += 50 + 7 * len(name)
    return parts


def _bar(image: Image, top: int, width: float) -> list[str]:
    kind = image["way"] if image["works"] else f"{image['way']} fails"
    label = f"{image['size'] / 1e6:.0f} MB" + ("" if image["works"] else ", does not run")
    return [
        svg.bar(kind, LEFT, top, width, BAR),
        svg.text(round(LEFT + width + 8, 1), top + 15, label),
    ]
