"""The results of a suite as two pictures: how many cases run with each way, and kB added for each case."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from corpus.peers import TITLES
from support.svg import Colour, bar, dot, page, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from corpus.records import Record

OURS = "find-libdeps"
WAYS = {OURS: OURS, **TITLES}
# On a light and on a dark page, with enough contrast on both.
_COLOURS = (
    ("#2563eb", "#4c8dff"),
    ("#9ca3af", "#6e7681"),
    ("#d97706", "#e3972d"),
    ("#059669", "#34d399"),
    ("#db2777", "#f472b6"),
)
_WIDTH, _LEFT, _ROW, _CASE = 760, 350, 26, 20
_AXIS = 160
_LARGEST_KB = 1_000_000


RUNS = "Cases that run with each way to list packages"
SIZES = "kB of packages that each way adds to a case that runs with it"


def pictures(document: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return a suite's pictures, each with what it shows, by their file names.

    There is none where no case was tried in every way.
    """
    if not _comparable(document):
        return {}
    suite = document["suite"]
    return {
        f"{suite}-runs.svg": (RUNS, runs_picture(document)),
        f"{suite}-sizes.svg": (SIZES, sizes_picture(document)),
    }


def runs_picture(document: Mapping[str, Any]) -> str:
    """Return bars: of the cases that every way was tried on, how many run with each."""
    cases = _comparable(document)
    parts = []
    for row, (way, title) in enumerate(WAYS.items()):
        running = [kilobytes for _, kilobytes in _outcomes(cases, way) if kilobytes is not None]
        top = 8 + row * _ROW
        width = (_WIDTH - _LEFT - 190) * len(running) / len(cases)
        parts.append(text(_LEFT - 10, top + 14, title, anchor="end"))
        parts.append(bar(f"way{row}", _LEFT, top, width, _ROW - 6))
        label = f"{len(running)} of {len(cases)} run, {sum(running) / 1000:,.0f} MB"
        parts.append(text(_LEFT + round(width) + 8, top + 14, label))
    height = 12 + len(WAYS) * _ROW
    return page(_WIDTH, height, RUNS, _palette(), parts)


def sizes_picture(document: Mapping[str, Any]) -> str:
    """Return a row of dots for each case: kB of packages that each way adds, where the case runs."""
    cases = _comparable(document)
    parts = list(_legend())
    top = 12 + _ROW * len(WAYS)
    for exponent in range(2, 7):
        place = _place(10**exponent)
        parts.append(text(place, top + 8, f"{10**exponent:,} kB", anchor="middle"))
    rows = {name: top + 28 + _CASE * row for row, name in enumerate(cases)}
    for name, middle in rows.items():
        parts.append(text(_AXIS - 20, middle + 4, name, anchor="end"))
    # Ours is drawn last and smallest, so that all are seen where they add as much.
    for number, (way, title) in reversed(list(enumerate(WAYS.items()))):
        for name, kilobytes in _outcomes(cases, way):
            if kilobytes is not None:
                label = f"{name}, {title}: {kilobytes:,} kB"
                parts.append(dot(f"way{number}", _place(kilobytes), rows[name], label, 3.5 + 1.2 * number))
    height = top + 36 + _CASE * len(cases)
    return page(_WIDTH, height, SIZES, _palette(), parts)


def _comparable(document: Mapping[str, Any]) -> dict[str, Record]:
    """Return the cases that every way was tried on."""
    return {
        name: record
        for name, record in document["cases"].items()
        if "runs" in record.get("final", {}) and all(way in record.get("peers", {}) for way in TITLES)
    }


def _outcomes(cases: Mapping[str, Record], way: str) -> Iterator[tuple[str, int | None]]:
    """Yield each case with the kB that a way adds, None where the case does not run."""
    for name, record in cases.items():
        found = record["final"] if way == OURS else record["peers"][way]
        yield name, found["kilobytes"] if found["runs"] else None


def _place(kilobytes: int) -> float:
    """Return where an amount stands on the logarithmic axis; nothing stands at its beginning."""
    share = math.log10(max(kilobytes, 30) / 30) / math.log10(_LARGEST_KB / 30)
    return round(_AXIS + share * (_WIDTH - _AXIS - 50), 1)


def _legend() -> Iterator[str]:
    for number, title in enumerate(WAYS.values()):
        yield dot(f"way{number}", 20, 14 + number * _ROW, title)
        yield text(34, 18 + number * _ROW, title)


def _palette() -> Iterator[Colour]:
    for number, (light, dark) in enumerate(_COLOURS):
        yield Colour(f"way{number}", light, dark)
