"""The results as a Markdown page: a section for each part that has results, each with its tables."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from benchmarks import growth_picture, sizes_picture
from benchmarks.libdeps import GROWTH, SLOW, STACK, START, TREE
from benchmarks.measure import Cost, median
from benchmarks.ways import CLASSIC, DOCUMENTED, WAYS
from benchmarks.wording import plural, ratio, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.documents import Apt, Facts, Image, Libdeps, Measured, Sizes

_ENOUGH_RUNS = 3
_HEAD = """\
# Speed and size

Made by `python tests/benchmarks` ([how](../../../CONTRIBUTING.md#benchmarks)); not to be edited. All that is
compared with each other was measured in one run, in which the ways took turns: the ratios hold on other
machines, the seconds do not. Times are medians; the JSON files beside this page have each run.
"""
_GROUPS = {
    TREE: "A large virtualenv",
    STACK: "The scipy stack, which dpkg-shlibdeps can do",
    GROWTH: "Copies of the large virtualenv",
    SLOW: "Files made to be slow",
    START: "Start-up",
}
_MEMORY = (
    "Memory is the largest resident set of any one process; none is shown below that of the bare Python "
    "that starts it. The ratio is of wall time, to the first row of a table."
)
SIZES_TITLE = "Sizes of images made in three ways"


def render(libdeps: Libdeps | None, apt: Apt | None, sizes: Sizes | None) -> str:
    """Return the page of the parts that have results."""
    lines = [_HEAD]
    if libdeps:
        lines += _libdeps(libdeps)
    if apt:
        lines += _apt(apt)
    if sizes:
        lines += ["## Images", "", _facts(sizes["facts"]), "", sizes_table(sizes)]
        lines += [f"![{SIZES_TITLE}](sizes.svg)", ""]
    return "\n".join(lines)


def pictures(libdeps: Libdeps | None, sizes: Sizes | None) -> dict[str, str]:
    """Return the pictures that the page shows, by their file names."""
    drawn = {
        "growth.svg": growth_picture.draw(libdeps) if libdeps else "",
        "sizes.svg": sizes_picture.draw(sizes, SIZES_TITLE) if sizes else "",
    }
    return {name: picture for name, picture in drawn.items() if picture}


def _facts(facts: Facts) -> str:
    return (
        f"{facts['date']}: multistage-docker {facts['tool']}, Debian {facts['debian']}, "
        f"Python {facts['python']}, {plural(facts['processors'], 'processor')}."
    )


def _interim(runs: Sequence[int]) -> Iterator[str]:
    if min(runs, default=0) < _ENOUGH_RUNS:
        yield f"**Interim:** made with fewer than {_ENOUGH_RUNS} runs, which prove nothing."
        yield ""


def _libdeps(document: Libdeps) -> Iterator[str]:
    yield "## find-libdeps"
    yield ""
    yield f"{_facts(document['facts'])} {_MEMORY}"
    yield ""
    # What it is compared with may be run once: it takes minutes.
    yield from _interim([len(one["runs"]) for one in document["measured"] if one["group"] == GROWTH])
    for group, title in _GROUPS.items():
        rows = [one for one in document["measured"] if one["group"] == group]
        if rows:
            yield f"### {title}"
            yield ""
            yield from _group(rows)
            yield ""
        if group == GROWTH and growth_picture.draw(document):
            yield f"![{growth_picture.TITLE}](growth.svg)"
            yield ""


def _group(rows: Sequence[Measured]) -> Iterator[str]:
    yield "| | ELF files | packages | wall, s | processor, s | memory, MB | ratio | runs |"
    yield f"|---|{'---:|' * 7}"
    first = cost(rows[0]).wall
    for one in rows:
        middle = cost(one)
        cells = (
            one["name"].replace("|", "\\|"),
            _count(one["elf_files"]),
            _count(one["packages"]),
            seconds(middle.wall),
            seconds(middle.processor),
            f"{middle.memory / 1000:.0f}",
            "" if one["group"] == SLOW else ratio(middle.wall / first),
            str(len(one["runs"])),
        )
        yield f"| {' | '.join(cells)} |"


def cost(measured: Measured) -> Cost:
    """Return what a command costs: the median of its runs."""
    return median([Cost(**one, lines=0) for one in measured["runs"]])


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _apt(document: Apt) -> Iterator[str]:
    found = document["seconds"]
    runs = [len(times) for several in found.values() for times in several.values()]
    yield "## apt-install"
    yield ""
    yield (
        f"{_facts(document['facts'])} `{document['package']}` in containers of {document['base']}; seconds, "
        f"medians of {plural(min(runs, default=0), 'run')}, with the ratio to apt-install."
    )
    yield ""
    yield from _interim(runs)
    yield f"| setting | {' | '.join(way.title for way in WAYS)} |"
    yield f"|---|{'---:|' * len(WAYS)}"
    for setting, several in found.items():
        yield f"| {setting} | {' | '.join(_times(several, way.name) for way in WAYS)} |"
    yield ""
    yield "*Nothing to do*: the image has the package. *Cached*: cache mounts, filled by an earlier run."
    yield ""
    yield from _layers(document)
    yield ""
    for way in (CLASSIC, DOCUMENTED):
        yield f"{way.title.capitalize()}: `{way.plain.format(package='…')}`" + (
            f"; cached, with mounts on {' and '.join(f'`{path}`' for path in way.caches)}: "
            f"`{way.cached.format(package='…')}`."
            if way.cached
            else ", which knows of no cache."
        )
        yield ""


def _times(several: dict[str, list[float]], way: str) -> str:
    if way not in several:
        return ""
    middle = statistics.median(several[way])
    if way == WAYS[0].name:
        return seconds(middle)
    return f"{seconds(middle)} ({ratio(middle / statistics.median(several[WAYS[0].name]))})"


def _layers(document: Apt) -> Iterator[str]:
    yield "### The layer"
    yield ""
    yield "| base | way | MB | entries | differ in a second build |"
    yield "|---|---|---:|---:|---:|"
    titles = {way.name: way.title for way in WAYS}
    for layer in document["layers"]:
        cells = (layer["base"], titles[layer["way"]], f"{layer['size'] / 1e6:.2f}")
        yield f"| {' | '.join(cells)} | {layer['entries']:,} | {layer['differing']:,} |"
    yield ""
    yield "An entry differs when its content, mode or owner does; times are not counted."


def sizes_table(sizes: Sizes) -> str:
    """Return the sizes of images as a table in Markdown, in MB."""
    lines = [
        "| application | one stage: the builder | slim, classic scripts | slim, multistage-docker |",
        "|---|---:|---:|---:|",
    ]
    for application in sizes["applications"]:
        cells = [_image(image) for image in application["images"]]
        lines.append(f"| {' | '.join((application['name'], *cells))} |")
    return "\n".join(lines) + "\n"


def _image(image: Image) -> str:
    text = f"{image['size'] / 1e6:.0f} MB"
    if image["packages"] is not None:
        text += f", {plural(image['packages'], 'package')}"
    return text if image["works"] else f"{text}, **does not run**"
