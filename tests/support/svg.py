"""Small pictures in SVG, readable on a light and on a dark page."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

TEXT = "text { font: 13px system-ui, sans-serif; fill: #6b7280 }\n.name { font-weight: 600 }"
DARK_TEXT = "text { fill: #c9d1d9 }"


@dataclass(frozen=True, slots=True)
class Colour:
    """What a class of shapes is filled with on a light and on a dark page."""

    name: str
    light: str
    dark: str


def page(  # noqa: PLR0913 - all that a picture has
    width: float,
    height: float,
    label: str,
    colours: Iterable[Colour],
    parts: Iterable[str],
    *,
    style: str = "",
) -> str:
    """Return a picture of that many pixels; ``label`` is for who cannot see it; ``style`` is more CSS."""
    palette = tuple(colours)
    light = " ".join(f".{one.name} {{ fill: {one.light} }}" for one in palette)
    dark = " ".join(f".{one.name} {{ fill: {one.dark} }}" for one in palette)
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(label)}">'
    scheme = f"@media (prefers-color-scheme: dark) {{\n  {DARK_TEXT}\n  {dark}\n}}"
    rules = "\n".join(filter(None, (TEXT, light, style, scheme)))
    return "\n".join((opening, f"<style>\n{rules}\n</style>", *parts, "</svg>\n"))


def text(left: float, base: float, content: str, kind: str = "", anchor: str = "start") -> str:
    """Return text whose line begins, or ends, at a place."""
    named = f' class="{kind}"' if kind else ""
    placed = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text{named} x="{left}" y="{base}"{placed}>{escape(content)}</text>'


def bar(kind: str, left: float, top: float, width: float, height: float) -> str:
    """Return a bar."""
    return f'<rect class="{kind}" x="{left}" y="{top}" width="{round(width, 1)}" height="{height}" rx="2"/>'


def dot(kind: str, left: float, middle: float, content: str, radius: float = 5) -> str:
    """Return a dot; ``content`` shows where the pointer rests on it."""
    title = f"<title>{escape(content)}</title>"
    return f'<circle class="{kind}" cx="{round(left, 1)}" cy="{middle}" r="{radius}">{title}</circle>'


def line(kind: str, points: Iterable[tuple[float, float]]) -> str:
    """Return a line from point to point; its class says with which ``stroke``."""
    places = " ".join(f"{round(left, 1)},{round(down, 1)}" for left, down in points)
    return f'<polyline class="{kind}" points="{places}"/>'
