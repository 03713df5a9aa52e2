"""How long find-libdeps takes, beside what people use today.

    python tests/benchmarks [--tree VIRTUALENV]

Run on a Debian builder that has find-libdeps beside the running Python (installed, not editable: an
editable one compiles itself each time), on an idle machine. Without --tree a large virtualenv is made
first. All in one run, so that the ratios hold on any machine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

# Run as a program, the folder has only itself on the path.
sys.path.insert(0, str(Path(__file__).parents[1]))

from typing import TYPE_CHECKING

from benchmarks import inputs
from benchmarks.measure import Cost, median, run

if TYPE_CHECKING:
    from collections.abc import Sequence

FIND_LIBDEPS = str(Path(sys.executable).with_name("find-libdeps"))
CLASSIC = """
find "$1" -name '*.so' | xargs ldd 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\\// { print $3 }' | sort -u |
    xargs -r dpkg-query -S 2>/dev/null | cut -d: -f1 | sort -u
"""
LDD_A_FILE = """
find "$1" -type f \\( -executable -o -name '*.so*' \\) -exec ldd '{}' ';' 2>/dev/null |
    awk '/=>/ { sub(/^.*\\//, "*/", $3); print $3 }' | sort -u |
    xargs -r dpkg-query --search 2>/dev/null | cut -d: -f1 | sort -u
"""
SHLIBDEPS = """
mkdir -p debian && printf 'Source: a\\n\\nPackage: a\\nArchitecture: any\\n' > debian/control
find "$1" -type d -name '*.libs' -printf '-l%p\\n' > directories
find "$1" -type f -name '*.so*' -printf '-e%p\\n' |
    xargs dpkg-shlibdeps -O --ignore-missing-info $(cat directories)
"""


def shell(script: str, *arguments: str) -> tuple[str, ...]:
    """Return the argument list of a shell script."""
    return ("sh", "-c", script, "sh", *arguments)


def several(argv: Sequence[str], times: int, directory: str = "/") -> Cost:
    """Return the median cost of so many runs."""
    return median([run(argv, directory=directory) for _ in range(times)])


def show(name: str, cost: Cost, beside: Cost | None = None) -> None:
    """Print a line of a table."""
    ratio = f"{cost.wall / beside.wall:8.1f} x" if beside else ""
    print(
        f"{name:42}{cost.wall:8.2f} s{cost.processor:8.2f} s{cost.memory / 1000:8.0f} MB{ratio}", flush=True
    )


def headline(text: str) -> None:
    """Print the head of a table."""
    print(f"\n{text:42}{'wall':>10}{'processor':>10}{'memory':>11}{'ratio':>10}")


def large_virtualenv(tree: Path, repeat: int, others: int) -> None:
    """Compare on the large virtualenv."""
    run(("find", str(tree), "-type", "f", "-exec", "head", "-c4096", "{}", "+"))  # warm the cache
    headline("large virtualenv")
    ours = several((FIND_LIBDEPS, str(tree)), repeat)
    show("find-libdeps", ours)
    # Without its notes it need not look for libraries that Python code opens by name.
    show("find-libdeps --quiet", several((FIND_LIBDEPS, "--quiet", str(tree)), repeat), ours)
    show("find-libdeps --jobs 1", several((FIND_LIBDEPS, "--jobs", "1", str(tree)), repeat), ours)
    if shutil.which("libtree"):
        script = "find \"$1\" -name '*.so*' -type f | xargs libtree"
        show("libtree (no packages)", several(shell(script, str(tree)), repeat), ours)
    show("find | xargs ldd | dpkg-query", several(shell(CLASSIC, str(tree)), others), ours)
    show("ldd for each file | dpkg-query", several(shell(LDD_A_FILE, str(tree)), others), ours)


def scipy_stack(tree: Path, place: Path, repeat: int, others: int) -> None:
    """Compare with dpkg-shlibdeps where that one can do it."""
    stack = inputs.scipy_stack(tree, place)
    headline("scipy stack")
    ours = several((FIND_LIBDEPS, str(stack)), repeat)
    show("find-libdeps", ours)
    with tempfile.TemporaryDirectory() as source:
        show("dpkg-shlibdeps", several(shell(SHLIBDEPS, str(stack)), others, source), ours)


def growth(tree: Path, place: Path, repeat: int) -> None:
    """Show that time grows with the number of files, and no faster."""
    headline("copies of the large virtualenv")
    first: Cost | None = None
    for number in (1, 2, 4):
        target = inputs.copies(tree, place, number)
        cost = several((FIND_LIBDEPS, str(target)), repeat)
        show(f"{number} x", cost, first)
        first = first or cost
        shutil.rmtree(target)


def stress(place: Path, repeat: int) -> None:
    """Files made to be slow."""
    headline("files made to be slow")
    show("10 MB of noise behind an ELF header", several((FIND_LIBDEPS, str(inputs.noise(place))), repeat))
    show("10,000 tiny ELF files", several((FIND_LIBDEPS, str(inputs.tiny_files(place, 10_000))), repeat))
    show("nothing at all", several((FIND_LIBDEPS, os.devnull), repeat))


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tree", type=Path, help="a virtualenv to search; one is made where none is given")
    parser.add_argument(
        "--repeat", type=int, default=5, help="runs of find-libdeps, of which the median counts"
    )
    parser.add_argument("--others", type=int, default=1, help="runs of what it is compared with")
    options = parser.parse_args()
    # Hard links need the file system of the tree.
    beside = options.tree.resolve().parent if options.tree else None
    with tempfile.TemporaryDirectory(dir=beside) as top:
        place = Path(top)
        tree: Path = options.tree or place / "virtualenv"
        if not options.tree:
            inputs.virtualenv(tree)
        large_virtualenv(tree, options.repeat, options.others)
        scipy_stack(tree, place, options.repeat, options.others)
        growth(tree, place, options.repeat)
        stress(place, options.repeat)


if __name__ == "__main__":
    main()
