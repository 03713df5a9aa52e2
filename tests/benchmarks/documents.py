"""The results: what stands in each part's JSON document, and where the documents are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

RESULTS = Path(__file__).with_name("results")


class Facts(TypedDict):
    """What results were got with: day, versions, number of processors."""

    date: str
    tool: str
    debian: str
    python: str
    processors: int


class Run(TypedDict):
    """One run: seconds of wall time and of processor time, and kB of memory."""

    wall: float
    processor: float
    memory: int


class Measured(TypedDict):
    """The runs of one command; ``packages`` is how many it lists, None where it lists none."""

    group: str
    name: str
    elf_files: int | None
    packages: int | None
    runs: list[Run]


class Libdeps(TypedDict):
    """The content of libdeps.json; the first command of a group is the one that others are compared with."""

    facts: Facts
    measured: list[Measured]


class Layer(TypedDict):
    """The layer that a way to install adds to a base: its bytes and entries.

    ``differing`` is the number of entries that differ between two builds of it, their times left out.
    """

    base: str
    way: str
    size: int
    entries: int
    differing: int


class Apt(TypedDict):
    """The content of apt.json; ``seconds`` has the runs by setting and way."""

    facts: Facts
    base: str
    package: str
    seconds: dict[str, dict[str, list[float]]]
    layers: list[Layer]


class Image(TypedDict):
    """An image of an application; the size is in bytes, ``packages`` the number of those listed."""

    way: str
    size: int
    works: bool
    packages: int | None


class Application(TypedDict):
    """An application, and its images."""

    name: str
    requirements: str
    images: list[Image]


class Sizes(TypedDict):
    """The content of sizes.json; ``bases`` has the sizes of the base images in bytes."""

    facts: Facts
    bases: dict[str, int]
    applications: list[Application]


def read(part: str, results: Path = RESULTS) -> Any:  # noqa: ANN401 - each part's own document
    """Return a part's document, None where there is none."""
    path = results / f"{part}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def write(part: str, document: Mapping[str, Any], results: Path = RESULTS) -> None:
    """Write a part's document."""
    results.mkdir(exist_ok=True)
    (results / f"{part}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
