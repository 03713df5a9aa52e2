"""How long find-libdeps takes, and how much memory, beside what people use today.

It is the one beside the running Python that is measured, so that has to be a virtualenv with the commands
installed, and not in the editable way: an editable one compiles itself each time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import facts, inputs
from benchmarks.measure import environment, run, turns
from corpus import peers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from benchmarks.documents import Libdeps, Measured
    from benchmarks.measure import Cost

FIND_LIBDEPS = str(Path(sys.executable).with_name("find-libdeps"))
APT_INSTALL = str(Path(sys.executable).with_name("apt-install"))
# The groups of commands that are compared with each other.
TREE, STACK, GROWTH, SLOW, START = "tree", "stack", "growth", "slow", "start"
COPIES = (1, 2, 4)


@dataclass(frozen=True, slots=True)
class Repeats:
    """How many runs there are of find-libdeps, of the peers, and of those that start ldd for each file."""

    ours: int
    others: int
    per_file: int


@dataclass(frozen=True, slots=True)
class Task:
    """A command of a group, how often it runs, and whether what it prints are packages.

    ``expected`` are the exit statuses that it may have, any where there are none.
    """

    group: str
    name: str
    argv: tuple[str, ...]
    times: int
    elf_files: int | None = None
    lists: bool = True
    directory: str = "/"
    expected: tuple[int, ...] = (0,)


def measure(tree: Path | None, repeats: Repeats) -> Libdeps:
    """Run the benchmark on a virtualenv; a large one is made where none is given."""
    known = facts.of_this_machine()
    # Hard links need the file system of the tree.
    with tempfile.TemporaryDirectory(dir=tree.resolve().parent if tree else None) as top:
        place = Path(top)
        if tree is None:
            tree = place / "virtualenv"
            inputs.virtualenv(tree)
        measured: list[Measured] = []
        for group in (large_tree, scipy_stack, growth, made_to_be_slow, start_up):
            with group(tree.resolve(), place, repeats) as tasks:
                measured += measured_in_turns(tasks)
    return {"facts": known, "measured": measured}


def measured_in_turns(tasks: Iterable[Task]) -> list[Measured]:
    """Run the commands of a group, and return what each run cost."""
    costs: dict[Task, list[Cost]] = {task: [] for task in tasks}
    for task in turns({task: task.times for task in costs}):
        cost = run(task.argv, directory=task.directory, expected=task.expected)
        print(f"{task.group:8}{task.name:50}{cost.wall:8.2f} s", flush=True)
        costs[task].append(cost)
    return [
        {
            "group": task.group,
            "name": task.name,
            "elf_files": task.elf_files,
            "packages": several[-1].lines if task.lists else None,
            "runs": [
                {"wall": round(one.wall, 3), "processor": round(one.processor, 3), "memory": one.memory}
                for one in several
            ],
        }
        for task, several in costs.items()
        if several
    ]


def elf_files(path: Path) -> int:
    """Return the number of ELF files below a path; the run also brings what is read into the cache."""
    argv = (FIND_LIBDEPS, "--quiet", "--format", "json", str(path))
    done = subprocess.run(argv, stdout=subprocess.PIPE, check=True, cwd="/", env=environment())
    return int(json.loads(done.stdout)["elf_files"])


@contextmanager
def large_tree(tree: Path, _: Path, repeats: Repeats) -> Iterator[list[Task]]:
    """Compare on the large virtualenv."""
    count = elf_files(tree)
    # So that none of them reads from the disk what the one before it has read.
    run(("sh", "-c", 'find "$1" -type f -exec cat {} + > /dev/null', "sh", str(tree)))
    run(("dpkg-query", "--search", "/bin/sh"))

    def ours(*options: str) -> Task:
        name = " ".join(("find-libdeps", *options))
        return Task(TREE, name, (FIND_LIBDEPS, *options, str(tree)), repeats.ours, count)

    def theirs(peer: peers.Peer, times: int) -> Task:
        return Task(TREE, peer.title, peer.command(str(tree)), times, count)

    check = (FIND_LIBDEPS, "--check", str(tree))
    tasks = [
        ours(),
        # Without its notes it need not look for libraries that Python code opens by name.
        ours("--quiet"),
        ours("--jobs", "1"),
        ours("--dlopen"),
        # A builder may lack what a wheel needs, and --check then says so.
        Task(TREE, "find-libdeps --check", check, repeats.ours, count, lists=False, expected=(0, 1)),
        theirs(peers.CLASSIC, repeats.others),
        theirs(peers.OFFICIAL, repeats.per_file),
        theirs(peers.CAREFUL, repeats.per_file),
    ]
    if inputs.has_program("libtree"):
        command = peers.LIBTREE.command(str(tree))
        tasks.append(
            Task(TREE, peers.LIBTREE.title, command, repeats.others, count, lists=False, expected=())
        )
    yield tasks


@contextmanager
def scipy_stack(tree: Path, place: Path, repeats: Repeats) -> Iterator[list[Task]]:
    """Compare with dpkg-shlibdeps, on a part of the virtualenv that it can do."""
    stack = inputs.scipy_stack(tree, place)
    count = elf_files(stack)
    peer = peers.SHLIBDEPS_AT_ONCE
    tasks = [Task(STACK, "find-libdeps", (FIND_LIBDEPS, str(stack)), repeats.ours, count)]
    with tempfile.TemporaryDirectory() as source:
        if inputs.has_program("dpkg-shlibdeps"):
            command = peer.command(str(stack))
            tasks.append(
                Task(STACK, peer.title, command, repeats.others, count, lists=False, directory=source)
            )
        yield tasks


@contextmanager
def growth(tree: Path, place: Path, repeats: Repeats) -> Iterator[list[Task]]:
    """Show how time grows with the number of files."""
    several = {number: inputs.copies(tree, place, number) for number in COPIES}
    yield [
        Task(GROWTH, f"{number} x", (FIND_LIBDEPS, str(path)), repeats.ours, elf_files(path))
        for number, path in several.items()
    ]
    for path in several.values():
        inputs.remove(path)


@contextmanager
def made_to_be_slow(_: Path, place: Path, repeats: Repeats) -> Iterator[list[Task]]:
    """Search files that a reader of ELF files could lose its time on."""
    noise, tiny = inputs.noise(place), inputs.tiny_files(place, 10_000)
    yield [
        Task(SLOW, "10 MB of noise behind an ELF header", (FIND_LIBDEPS, str(noise)), repeats.ours),
        Task(SLOW, "10,000 tiny ELF files", (FIND_LIBDEPS, str(tiny)), repeats.ours, elf_files(tiny)),
    ]


@contextmanager
def start_up(_: Path, place: Path, repeats: Repeats) -> Iterator[list[Task]]:
    """Do next to nothing: what remains is the start, and Python's own part of it."""
    empty = place / "empty"
    empty.mkdir()
    bare = (sys.executable, "-c", "")
    yield [
        Task(START, "Python alone", bare, repeats.ours, lists=False),
        Task(START, "find-libdeps on an empty directory", (FIND_LIBDEPS, str(empty)), repeats.ours),
        Task(START, "find-libdeps --help", (FIND_LIBDEPS, "--help"), repeats.ours, lists=False),
        Task(START, "apt-install --help", (APT_INSTALL, "--help"), repeats.ours, lists=False),
    ]
