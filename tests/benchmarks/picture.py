"""The sizes of images as a bar chart in SVG, readable on a light and on a dark page."""

from __future__ import annotations

from html import escape
from typing import TypedDict

WIDTH, LEFT, RIGHT = 760, 16, 190
BAR, GAP, HEADING, SPACE = 20, 6, 22, 18
LEGEND = 30
NAMES = {"builder": "one stage", "classic": "slim, classic scripts", "ours": "slim, multistage-docker"}

# The greys and colours have enough contrast on white and on black, for viewers that know of no colour scheme.
STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #6b7280 }
.name { font-weight: 600 }
.builder { fill: #9ca3af } .classic { fill: #d97706 } .ours { fill: #2563eb }
.fails { fill-opacity: .25; stroke-width: 1.5; stroke-dasharray: 4 3 }
.classic.fails { stroke: #d97706 } .builder.fails { stroke: #9ca3af } .ours.fails { stroke: #2563eb }
@media (prefers-color-scheme: dark) {
  text { fill: #c9d1d9 } .builder { fill: #6e7681 } .classic { fill: #e3972d } .ours { fill: #4c8dff }
}"""


class Image(TypedDict):
    """An image as sizes.json has it; the size is in bytes."""

    way: str
    size: int
    works: bool
    packages: int | None


class Application(TypedDict):
    """An application as sizes.json has it."""

    name: str
    requirements: str
    images: list[Image]


class Sizes(TypedDict):
    """The content of sizes.json."""

    python: str
    suite: str
    bases: dict[str, int]
    applications: list[Application]


def draw(sizes: Sizes) -> str:
    """Return the picture, the same for the same numbers."""
    largest = max(image["size"] for application in sizes["applications"] for image in application["images"])
    scale = (WIDTH - LEFT - RIGHT) / largest
    parts = _legend()
    top = LEGEND + SPACE
    for application in sizes["applications"]:
        parts.append(f'<text class="name" x="{LEFT}" y="{top + 12}">{escape(application["name"])}</text>')
        top += HEADING
        for image in application["images"]:
            parts += _bar(image, top, round(image["size"] * scale, 1))
            top += BAR + GAP
        top += SPACE
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}"'
        ' role="img" aria-label="Sizes of images made in three ways">'
    )
    return "\n".join((opening, f"<style>\n{STYLE}\n</style>", *parts, "</svg>\n"))


def _legend() -> list[str]:
    parts, left = [], LEFT
    for way, name in NAMES.items():
        parts.append(f'<rect class="{way}" x="{left}" y="10" width="14" height="14" rx="2"/>')
        parts.append(f'<text x="{left + 20}" y="22">{name}</text>')
        left += 50 + 7 * len(name)
    return parts


def _bar(image: Image, top: int, width: float) -> list[str]:
    kind = image["way"] if image["works"] else f"{image['way']} fails"
    label = f"{image['size'] / 1e6:.0f} MB" + ("" if image["works"] else ", does not run")
    return [
        f'<rect class="{kind}" x="{LEFT}" y="{top}" width="{width}" height="{BAR}" rx="2"/>',
        f'<text x="{round(LEFT + width + 8, 1)}" y="{top + 15}">{label}</text>',
    ]
