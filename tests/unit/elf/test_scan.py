"""Scanning a tree: what counts as an ELF file, what is passed by and why, and trees made to do harm."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from multistage_docker import parallel
from multistage_docker.elf import scan as scan_module
from multistage_docker.elf.host import SystemHost
from multistage_docker.elf.objects import ElfObject
from multistage_docker.elf.scan import Skip, SkippedFile, read_file, scan
from multistage_docker.errors import MultistageDockerError
from support.elf_writer import EM_AARCH64, ET_REL, ElfFile

if TYPE_CHECKING:
    from support.elf_data import ElfData

LIBRARY = ElfFile(needed=("libz.so.1",)).content()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Give an empty directory whose path has no link in it."""
    path = Path(os.path.realpath(tmp_path)) / "tree"
    path.mkdir()
    return path


def put(path: Path, content: bytes = LIBRARY) -> str:
    """Write a file, its directories included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return str(path)


def reasons(root: Path) -> dict[str, Skip]:
    """Return why each file below a root is passed by."""
    return {os.path.relpath(item.path, root): item.reason for item in scan([str(root)]).skipped}


@pytest.mark.parametrize(
    "name",
    ["ext.cpython-311-x86_64-linux-gnu.so", "libfoo.so.1.2.3", "bin/uwsgi", "addon.node", "no-ending", ".so"],
)
def test_elf_files_are_told_by_their_content(tree: Path, name: str) -> None:
    """Whatever its name, a file that is a dynamic ELF file is one."""
    path = put(tree / name)
    assert scan([str(tree)]).objects[path].needed == ("libz.so.1",)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        pytest.param("x.so", b"not ELF", Skip.NOT_ELF, id="text"),
        pytest.param("libx.so.1", b"", Skip.NOT_ELF, id="empty"),
        pytest.param("x.so", LIBRARY[:100], Skip.MALFORMED, id="truncated"),
        pytest.param("x", b"\x7fELF", Skip.MALFORMED, id="magic only"),
        pytest.param("x.o", ElfFile(kind=ET_REL, dynamic=False).content(), Skip.RELOCATABLE, id="object"),
        pytest.param("x", ElfFile(kind=2, dynamic=False).content(), Skip.STATIC, id="static"),
        pytest.param(
            "x.so", ElfFile(needed=("libc.musl-x86_64.so.1",)).content(), Skip.MUSL, id="musl library"
        ),
        pytest.param(
            "x", ElfFile(interpreter="/lib/ld-musl-x86_64.so.1").content(), Skip.MUSL, id="musl program"
        ),
    ],
)
def test_what_is_passed_by(tree: Path, name: str, content: bytes, reason: Skip) -> None:
    """A file whose needs ld.so never looks at is passed by, with the reason."""
    put(tree / name, content)
    put(tree / "good.so")
    assert reasons(tree) == {name: reason}
    assert len(scan([str(tree)]).objects) == 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("relocatable.o", Skip.RELOCATABLE),
        ("static-program", Skip.STATIC),
        ("musl-program", Skip.MUSL),
        ("musl.so", Skip.MUSL),
        ("separate.debug", Skip.DEBUG),
    ],
)
def test_linked_files_that_are_passed_by(tree: Path, elf_data: ElfData, name: str, reason: Skip) -> None:
    """Real files of each kind are passed by."""
    put(tree / name, elf_data.read(name))
    assert reasons(tree) == {name: reason}


@pytest.mark.parametrize("name", ["x.py", "x.txt", "so", "x.sophisticated", "x.so.bak"])
def test_other_files_are_no_news(tree: Path, name: str) -> None:
    """A file that neither is ELF nor has a library's name is only counted."""
    put(tree / name, b"text")
    found = scan([str(tree)])
    assert (found.skipped, found.files) == ((), (str(tree / name),))


def test_which_reasons_are_alarming() -> None:
    """Only what may hide needs is worth a warning."""
    assert {reason for reason in Skip if reason.is_alarming} == {
        Skip.NOT_ELF,
        Skip.MALFORMED,
        Skip.UNREADABLE,
    }


def test_links_are_not_followed(tree: Path) -> None:
    """Links to files count as names of libraries, links to directories not at all; loops do no harm."""
    target = put(tree / "libs/liba.so.1")
    (tree / "libs/liba.so").symlink_to("liba.so.1")
    (tree / "dangling.so").symlink_to("/no/such/file")
    (tree / "loop").symlink_to(".")
    (tree / "self.so").symlink_to("self.so")
    (tree / "lib64").symlink_to("libs")
    found = scan([str(tree)])
    assert list(found.objects) == [target]
    assert found.links[str(tree / "libs/liba.so")] == target
    assert str(tree / "lib64") not in found.links


def test_roots(tree: Path) -> None:
    """A root may be a file, a link, or lie in another root; each file is read once."""
    one, two = put(tree / "a/one.so"), put(tree / "b/two.so")
    link = tree.parent / "link"
    link.symlink_to(tree)
    found = scan([str(link), str(tree / "a"), f"{tree}/b/two.so", f"{tree}/a/../a"])
    assert list(found.objects) == [one, two]
    assert len(found.files) == 2
    assert list(scan([one]).objects) == [one]


def test_a_root_that_begins_like_another(tree: Path) -> None:
    """A sibling whose name goes on is a tree of its own."""
    one, two = put(tree / "app/one.so"), put(tree / "app2/two.so")
    assert list(scan([str(tree / "app"), str(tree / "app2")]).objects) == [one, two]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        pytest.param("*.so", ["b/two.so.1"], id="name"),
        pytest.param("a", ["b/two.so.1", "three.so"], id="directory"),
        pytest.param("a/", ["b/two.so.1", "three.so"], id="slash behind"),
        pytest.param("a/*.so", ["b/two.so.1", "three.so"], id="path"),
        pytest.param("*/one.so", ["b/two.so.1", "three.so"], id="path with a star"),
        pytest.param("/three.so", ["a/one.so", "b/two.so.1"], id="from the root"),
        pytest.param("./a/one.so", ["b/two.so.1", "three.so"], id="from here"),
        pytest.param("[", ["a/one.so", "b/two.so.1", "three.so"], id="no pattern at all"),
    ],
)
def test_exclude(tree: Path, pattern: str, left: list[str]) -> None:
    """A pattern is matched against names, or with a slash against paths below the root."""
    for name in ("a/one.so", "b/two.so.1", "three.so"):
        put(tree / name)
    found = scan([str(tree)], exclude=(pattern,))
    assert [os.path.relpath(path, tree) for path in found.objects] == left


def test_a_slash_behind_a_name_means_directories_at_any_depth(tree: Path) -> None:
    """As in a shell's completion, the slash only says what kind of thing is meant."""
    put(tree / "a/tests/one.so")
    assert scan([str(tree)], exclude=("tests/",)).objects == {}


@pytest.mark.parametrize(
    ("name", "said"), [("x.txt", [Skip.NOT_ELF]), ("x.py", []), ("x.so", [Skip.NOT_ELF])]
)
def test_a_named_file_that_is_no_elf_file(tree: Path, name: str, said: list[Skip]) -> None:
    """What the caller names himself is meant to be an ELF file, whatever its name; source has its own use."""
    path = put(tree / name, b"text")
    assert [item.reason for item in scan([path]).skipped] == said


def test_where_processes_cannot_wait_for_each_other(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without shared memory the work is done in one process."""

    def refuse(*_: object, **__: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(parallel, "ProcessPoolExecutor", refuse)
    paths = [put(tree / f"lib{number}.so") for number in range(500)]
    assert sorted(scan([str(tree)], jobs=2).objects) == sorted(paths)


HOSTILE_NAMES = [
    pytest.param(b"new\nline.so", id="newline"),
    pytest.param(b"quote\"'`$(x).so", id="quotes"),
    pytest.param(b"\x1b[31mred.so", id="escape sequence"),
    pytest.param(b"not-utf8-\xff\xfe.so", id="not UTF-8"),
    pytest.param(b"..so", id="dots"),
    pytest.param(b"-rf.so", id="option"),
    pytest.param(b" .so ", id="blanks"),
    pytest.param(b"x" * 252 + b".so", id="255 bytes"),
    pytest.param("\N{RIGHT-TO-LEFT OVERRIDE}os.so".encode(), id="direction"),
]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("jobs", [1, 2])
def test_hostile_names(tree: Path, name: bytes, jobs: int) -> None:
    """Any name that the kernel takes is read, in this process or another."""
    path = put(tree / os.fsdecode(name))
    for number in range(500):
        (tree / str(number)).touch()
    assert list(scan([str(tree)], jobs=jobs).objects) == [path]


def test_a_path_longer_than_the_kernel_takes(tree: Path) -> None:
    """A directory too deep for one path is reported, and the rest is read."""
    good = put(tree / "good.so")
    here = os.getcwd()
    try:
        os.chdir(tree)
        for _ in range(25):
            os.mkdir("x" * 200)
            os.chdir("x" * 200)
        Path("deep.so").write_bytes(LIBRARY)
    finally:
        os.chdir(here)
    found = scan([str(tree)])
    assert list(found.objects) == [good]
    assert [item.reason for item in found.skipped] == [Skip.UNREADABLE]
    subprocess.run(("rm", "-rf", str(tree)), check=True)


def test_special_files_are_not_opened(tree: Path) -> None:
    """FIFOs, sockets and devices in the tree neither block the scan nor count."""
    os.mkfifo(tree / "fifo.so")
    here = os.getcwd()
    os.chdir(tree)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("socket.so")
    finally:
        os.chdir(here)
    if os.geteuid() == 0:
        os.mknod(tree / "null.so", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    good = put(tree / "good.so")
    found = scan([str(tree)])
    assert (list(found.objects), found.skipped, found.files) == ([good], (), (good,))


def test_what_takes_a_files_place_is_not_followed(tree: Path) -> None:
    """A FIFO, link, directory or nothing where a file was a moment ago does not mislead the scan."""
    os.mkfifo(tree / "fifo.so")
    (tree / "link.so").symlink_to(put(tree / "good.so"))
    (tree / "directory.so").mkdir()
    for name in ("fifo.so", "directory.so"):
        assert read_file(str(tree / name)) is None
    for name in ("link.so", "gone.so"):
        found = read_file(str(tree / name))
        assert isinstance(found, SkippedFile)
        assert found.reason is Skip.UNREADABLE
        assert found.detail


def test_files_that_vanish_during_the_scan(tree: Path) -> None:
    """A file that is gone when it is its turn is reported, and the scan goes on."""
    for number in range(1000):
        put(tree / f"{number:04}.so")

    def remove_the_last(_done: int, _total: int) -> None:
        shutil.rmtree(tree, ignore_errors=True)

    found = scan([str(tree)], jobs=1, progress=remove_the_last)
    assert found.objects
    assert {item.reason for item in found.skipped} == {Skip.UNREADABLE}
    assert len(found.objects) + len(found.skipped) == 1000


def test_unreadable_places() -> None:
    """Directories and files that may not be read are reported, and the rest is read."""
    code = (
        "import os, sys\n"
        "from multistage_docker.elf.scan import scan\n"
        "if os.geteuid() == 0:\n"
        "    os.setgid(65534)\n"
        "    os.setuid(65534)\n"
        "found = scan([sys.argv[1]])\n"
        "print(len(found.objects))\n"
        "for item in found.skipped:\n"
        "    print(os.path.basename(item.path), item.reason.name, item.detail, sep=':')\n"
    )
    with tempfile.TemporaryDirectory() as top:
        tree = Path(top)
        tree.chmod(0o755)
        put(tree / "closed/x.so")
        put(tree / "secret.so")
        put(tree / "good.so")
        (tree / "closed").chmod(0)
        (tree / "secret.so").chmod(0)
        command = (sys.executable, "-c", code, top)
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        (tree / "closed").chmod(0o700)
    assert done.stdout.splitlines() == [
        "1",
        "closed:UNREADABLE:Permission denied",
        "secret.so:UNREADABLE:Permission denied",
    ]


def test_several_processes_find_the_same(tree: Path) -> None:
    """The result does not depend on the number of processes, and progress counts up to all files."""
    for number in range(1500):
        put(tree / f"d{number % 7}/lib{number}.so", LIBRARY if number % 3 else b"text")
    steps: list[tuple[int, int]] = []
    one = scan([str(tree)], jobs=1)
    three = scan([str(tree)], jobs=3, progress=lambda done, total: steps.append((done, total)))
    assert one == three
    assert len(one.objects) == 1000
    assert steps[-1] == (1500, 1500)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)


def test_an_interrupt_ends_the_worker_processes(tree: Path) -> None:
    """What stops the scan comes through, and no process is left behind."""
    for number in range(1500):
        put(tree / f"{number}.so")

    def interrupt(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scan([str(tree)], jobs=2, progress=interrupt)


def test_a_worker_process_that_dies(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that the system kills, for want of memory, ends the scan with a named error."""
    for number in range(1500):
        put(tree / f"{number}.so")
    monkeypatch.setattr(scan_module, "read_file", lambda _path, **_options: os._exit(1))
    with pytest.raises(MultistageDockerError, match="worker process") as caught:
        scan([str(tree)], jobs=2)
    assert "--jobs 1" in caught.value.hint


def test_the_host_reads_only_regular_elf_files(tree: Path) -> None:
    """The loader's view of the system takes no FIFO, text or directory for a library, and reads once."""
    os.mkfifo(tree / "fifo.so")
    good = put(tree / "good.so")
    put(tree / "text.so", b"text")
    host = SystemHost()
    assert isinstance(host.read(good), ElfObject)
    assert host.read(good) is host.read(good)
    for name in ("fifo.so", "text.so", "gone.so", "nul\0.so", "."):
        assert host.read(f"{tree}/{name}") is None
    assert host.listing(str(tree)) == {"fifo.so", "good.so", "text.so"}
    assert host.listing(f"{tree}/none") == frozenset()
    assert host.listing("nul\0") == frozenset()


def test_known_objects_are_not_read_again() -> None:
    """What the scan has read already is taken as it is."""
    known = ElfObject(64, True, "EM_X86_64", "ET_DYN")  # noqa: FBT003
    assert SystemHost({"/no/such/file": known}).read("/no/such/file") is known


def test_foreign_machines_are_read(tree: Path) -> None:
    """The scan reads objects for any machine; which ones run here is decided elsewhere."""
    path = put(tree / "arm.so", ElfFile(machine=EM_AARCH64).content())
    assert scan([str(tree)]).objects[path].machine == "EM_AARCH64"
