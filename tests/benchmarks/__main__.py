"""Speed and size, beside what people use today.

Runs the parts that are named, all where none is, on an idle machine. Each writes its numbers into a JSON
file; the last part, which "table" asks for alone, makes the page and the pictures from these files.

    libdeps   find-libdeps, that of the Python which runs this: installed there, not in the editable way
    apt       apt-install, in containers: needs a Docker engine and the images of tests/image/base-images
    sizes     images of whole applications: needs the same
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

# Run as a program, the folder has only itself on the path.
sys.path.insert(0, str(Path(__file__).parents[1]))

from typing import TYPE_CHECKING

from benchmarks import apt, libdeps, page, sizes
from benchmarks.apt import CommandFailedError
from benchmarks.documents import RESULTS, read, write
from benchmarks.facts import NotInstalledError
from benchmarks.measure import RunFailedError
from support.engine import BuildFailedError, Engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.documents import Apt, Libdeps, Sizes

ROOT = Path(__file__).parents[2]
MEASURING = ("libdeps", "apt", "sizes")
TABLE, ALL = "table", "all"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts that the command line asks for, and make the page."""
    options = parser().parse_args(arguments)
    for part in MEASURING:
        if part in options.part or ALL in options.part:
            write(part, measured(part, options), options.results)
    write_page(options.results)


def measured(part: str, options: argparse.Namespace) -> Libdeps | Apt | Sizes:
    """Return what a part measures."""
    if part == "libdeps":
        return libdeps.measure(
            options.tree, libdeps.Repeats(options.repeat, options.others, options.per_file)
        )
    if part == "apt":
        return apt.measure(engine(), options.package, options.repeat)
    return sizes.measure(engine())


def write_page(results: Path) -> None:
    """Write the page and the pictures of the results that are there."""
    of_libdeps, of_apt, of_sizes = (read(part, results) for part in MEASURING)
    (results / "README.md").write_text(page.render(of_libdeps, of_apt, of_sizes), encoding="utf-8")
    for name, picture in page.pictures(of_libdeps, of_sizes).items():
        (results / name).write_text(picture, encoding="utf-8")


def engine() -> Engine:
    """Return a Docker engine that answers."""
    finder = ROOT / "tests" / "image" / "docker-engine"
    return Engine(subprocess.run([finder], stdout=subprocess.PIPE, text=True, check=True).stdout.strip())


def parser() -> argparse.ArgumentParser:
    """Return the reader of the command line."""
    made = argparse.ArgumentParser(
        prog="python tests/benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "part", nargs="*", choices=(*MEASURING, TABLE, ALL), default=ALL, help="what to run, by default all"
    )
    made.add_argument(
        "--repeat", type=int, default=5, help="runs of each command, of which the median counts"
    )
    made.add_argument("--results", type=Path, default=RESULTS, help="where results are kept")
    of_libdeps = made.add_argument_group("libdeps")
    of_libdeps.add_argument(
        "--tree", type=Path, help="a virtualenv to search; a large one is made where none is given"
    )
    of_libdeps.add_argument(
        "--others", type=int, default=1, help="runs of what find-libdeps is compared with; 0 leaves it out"
    )
    of_libdeps.add_argument(
        "--per-file",
        type=int,
        default=1,
        help="runs of those that start ldd for each file, which takes long; 0 leaves them out",
    )
    of_apt = made.add_argument_group("apt")
    of_apt.add_argument("--package", default="tcpdump", help="what is installed")
    return made


if __name__ == "__main__":
    try:
        main()
    except (NotInstalledError, RunFailedError, CommandFailedError, BuildFailedError) as error:
        sys.exit(f"benchmarks: {error}")
