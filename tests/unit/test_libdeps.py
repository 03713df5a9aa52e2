"""The use case find-libdeps: owners, what is opened by name, and what only the archive has."""

from __future__ import annotations

import json
import os
import signal
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import multistage_docker
from multistage_docker.errors import StoppedError
from multistage_docker.forest import Choices, Opened
from multistage_docker.libdeps import find_libdeps
from multistage_docker.opening import openings
from multistage_docker.process import Completed
from support.elf_writer import ElfFile
from support.fake_archive import DIRECTORY, Archive

if TYPE_CHECKING:
    from multistage_docker.report import Report


@dataclass(slots=True)
class Machine:
    """A tree, a system with packages named by directory, and an archive; it runs its own programs."""

    top: Path
    archive: Archive = field(default_factory=lambda: Archive({}))
    architecture: str = "amd64"

    def capture(self, argv: tuple[str, ...]) -> Completed:
        """Answer as dpkg does, or have the archive answer."""
        match argv:
            case ("dpkg", *_):
                return Completed(argv, 0, f"{self.architecture}\n", "")
            case ("dpkg-query", "--show", *_):
                names = sorted(os.listdir(self.top / "system"))
                return Completed(argv, 0, "".join(map(_record, names)), "")
            case ("dpkg-query", "--search", *paths):
                place = f"{self.top}/system/"
                owned = [path for path in paths if path.startswith(place)]
                lines = (f"{path.removeprefix(place).partition('/')[0]}:amd64: {path}\n" for path in owned)
                return Completed(argv, 1, "".join(lines), "")
        return self.archive.capture(argv)

    def library(self, package: str, soname: str, *needed: str) -> None:
        """Put a library of a package into the system; the package "" is none."""
        place = f"system/{package}" if package else "local"
        ElfFile(soname=soname, needed=needed).write(self.top / place / soname)

    def extension(self, name: str, *needed: str, notes: bytes = b"") -> None:
        """Put an extension into the tree."""
        ElfFile(needed=needed, notes=notes).write(self.top / "tree" / name)

    def source(self, text: str, place: str = "opener.py") -> None:
        """Put a Python module into the tree."""
        path = self.top / "tree" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def report(self, choices: Choices | None = None) -> Report:
        """Return what the tree needs."""
        return find_libdeps([str(self.top / "tree")], choices or Choices(), runner=self)


def _record(name: str) -> str:
    values = (name, "amd64", "1", "install", "installed", "", "optional", "1", "", "", "")
    return "\x1f".join(values) + "\x1e"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Give each test a machine whose loader looks into its packages' directories."""
    top = Path(os.path.realpath(tmp_path))
    for directory in ("tree", "system/listed", "system/other"):
        (top / directory).mkdir(parents=True)
    places = (f"{top}/system/listed", f"{top}/system/other", f"{top}/local")
    monkeypatch.setenv("LD_LIBRARY_PATH", ":".join(places))
    return Machine(top)


def names(report: Report) -> list[str]:
    """Return the names of the listed packages."""
    return [package.name for package in report.packages]


RESOLVE = Choices(resolve_missing=True)
FOO = (f"{DIRECTORY}/libfoo.so.1", f"{DIRECTORY}/libfoo-more.so.1")


def test_libraries_without_a_package_are_followed(machine: Machine) -> None:
    """What an unpackaged library needs is listed, since no package brings it along."""
    machine.library("listed", "liblisted.so.1", "libother.so.1")
    machine.library("other", "libother.so.1")
    machine.library("", "libown.so.1", "libdeep.so.1")
    machine.library("", "libdeep.so.1", "liblisted.so.1")
    machine.extension("ext.so", "libown.so.1")
    report = machine.report()
    assert names(report) == ["listed"]
    assert {requirement.soname for requirement in report.unpackaged} == {"libown.so.1", "libdeep.so.1"}


def test_an_excluded_library_is_out_though_another_file_needs_it(machine: Machine) -> None:
    """It is in the tree, so that nothing has to be copied, and what it needs in turn does not count."""
    ElfFile(soname="libvendored.so.1", needed=("libgone.so.1",)).write(machine.top / "tree/libvendored.so.1")
    ElfFile(needed=("libvendored.so.1",), runpath="$ORIGIN").write(machine.top / "tree/ext.so")
    assert [gap.soname for gap in machine.report().missing] == ["libgone.so.1"]
    report = machine.report(Choices(exclude=("libvendored.so.*",)))
    assert (report.missing, report.unpackaged) == ((), ())


def test_what_is_missing_is_found_in_the_archive(machine: Machine) -> None:
    """One package may meet several needs; a name that no package ships stays missing."""
    machine.archive = Archive({"libfoo1": FOO}, index="")
    machine.extension("ext.so", "libfoo.so.1", "libfoo-more.so.1", "libgone.so.1")
    report = machine.report(RESOLVE)
    package = report.packages[0]
    assert (package.name, package.version, report.archive_asked) == ("libfoo1", "1.0", True)
    assert [requirement.soname for requirement in package.requirements] == ["libfoo-more.so.1", "libfoo.so.1"]
    assert package.found
    assert [requirement.soname for requirement in report.missing] == ["libgone.so.1"]
    assert machine.report().archive_asked is False


def test_a_listed_package_may_have_more(machine: Machine) -> None:
    """A package that is installed in part of its files, and found for another, is listed once."""
    machine.library("listed", "liblisted.so.1")
    machine.archive = Archive({"listed": FOO[:1]}, index=f"{FOO[0][1:]}  libs/listed\n")
    machine.extension("ext.so", "liblisted.so.1", "libfoo.so.1")
    report = machine.report(RESOLVE)
    assert names(report) == ["listed"]
    assert [one.soname for one in report.packages[0].requirements] == ["libfoo.so.1", "liblisted.so.1"]


def test_nothing_missing_asks_no_archive(machine: Machine) -> None:
    """Without a missing library there is nothing to fetch an index for, and a plugin's do not count."""
    machine.archive = Archive({"libfoo1": FOO})
    machine.extension("plugins/ext.so", "libfoo.so.1")
    report = machine.report(RESOLVE)
    assert machine.archive.asked == []
    assert [requirement.soname for requirement in report.missing] == ["libfoo.so.1"]


def test_an_archive_out_of_reach(machine: Machine) -> None:
    """The rest of the report is there, with apt's reason."""
    machine.archive = Archive({}, reachable=False)
    machine.library("listed", "liblisted.so.1")
    machine.extension("ext.so", "liblisted.so.1", "libfoo.so.1")
    report = machine.report(RESOLVE)
    assert names(report) == ["listed"]
    assert report.lookup_error.startswith("the package archive cannot be reached: Temporary failure: ")
    assert (report.archive_asked, len(report.missing)) == (False, 1)


def test_contents_out_of_reach(machine: Machine) -> None:
    """An error without a way out is told as it is."""
    machine.archive = Archive({})
    machine.extension("ext.so", "libfoo.so.1")
    assert machine.report(RESOLVE).lookup_error == "the archive's Contents indexes cannot be fetched"


def test_contents_out_of_reach_cost_nothing_else(machine: Machine) -> None:
    """A mirror without Contents indexes does not hide what was found by its name, for another library."""
    machine.archive = Archive({"libfoo1": FOO})
    machine.extension("ext.so", "libfoo.so.1", "libgone.so.1")
    report = machine.report(RESOLVE)
    assert names(report) == ["libfoo1"]
    assert [requirement.soname for requirement in report.missing] == ["libgone.so.1"]
    assert report.lookup_error == "the archive's Contents indexes cannot be fetched"


def test_a_system_without_a_place_for_temporary_files(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container whose file system is read-only still gets all that is installed."""

    def fail(**_: str) -> None:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("multistage_docker.libdeps.TemporaryDirectory", fail)
    machine.library("listed", "liblisted.so.1")
    machine.extension("ext.so", "liblisted.so.1", "libfoo.so.1")
    report = machine.report(RESOLVE)
    assert names(report) == ["listed"]
    assert report.lookup_error.startswith("the archive cannot be searched: No usable temporary directory")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_during_the_search_leaves_nothing_behind(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """What the search has fetched until then goes, whichever signal ends it."""

    class Stopping(Archive):
        def _update(self, words: list[str]) -> str | None:
            os.kill(os.getpid(), number)
            return super()._update(words)

    place = machine.top / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    machine.archive = Stopping({"libfoo1": FOO})
    machine.extension("ext.so", "libfoo.so.1")
    with pytest.raises(StoppedError):
        machine.report(RESOLVE)
    assert os.listdir(place) == []


def test_the_search_works_in_any_thread(machine: Machine) -> None:
    """Only the main thread can handle signals; those who call the function elsewhere need none handled."""
    machine.archive = Archive({"libfoo1": FOO})
    machine.extension("ext.so", "libfoo.so.1")
    with ThreadPoolExecutor(1) as pool:
        assert names(pool.submit(machine.report, RESOLVE).result()) == ["libfoo1"]


def test_a_library_of_another_architecture_is_not_looked_up(machine: Machine) -> None:
    """A package of the native architecture does not help a file that is built for another one."""
    machine.architecture = "arm64"
    machine.archive = Archive({"libfoo1": FOO})
    machine.extension("ext.so", "libfoo.so.1")
    report = machine.report(RESOLVE)
    assert (machine.archive.asked, names(report)) == ([], [])
    assert [requirement.soname for requirement in report.missing] == ["libfoo.so.1"]


def test_a_directory_that_is_kept(machine: Machine) -> None:
    """The indexes stay where the caller wants them, and nowhere else."""
    machine.archive = Archive({"libfoo1": FOO})
    machine.extension("ext.so", "libfoo.so.1")
    kept = machine.top / "kept"
    machine.report(Choices(resolve_missing=True, cache_directory=str(kept)))
    assert (kept / "apt.conf").exists()


@pytest.mark.parametrize(
    ("opened", "listed", "mentioned"),
    [
        (Opened.IGNORE, ["listed"], []),
        (Opened.MENTION, ["listed"], ["other"]),
        (Opened.LIST, ["listed", "other"], []),
    ],
)
def test_what_is_opened_by_name(
    machine: Machine, opened: Opened, listed: list[str], mentioned: list[str]
) -> None:
    """A library that a source opens is ignored, mentioned or listed, as was chosen."""
    machine.library("listed", "liblisted.so.1")
    machine.library("other", "libother.so.1")
    machine.extension("ext.so", "liblisted.so.1")
    machine.source('import ctypes\nctypes.CDLL("libother.so.1")\nctypes.CDLL("liblisted.so.1")\n')
    report = machine.report(Choices(opened=opened))
    assert names(report) == listed
    assert [package.name for package in report.opened_packages] == mentioned


@pytest.mark.parametrize("opened", [Opened.MENTION, Opened.LIST])
def test_what_is_opened_and_missing(machine: Machine, opened: Opened) -> None:
    """The archive is asked for it only where it is to be listed."""
    machine.archive = Archive({"libfoo1": FOO})
    machine.extension("ext.so")
    machine.source('import ctypes\nctypes.CDLL("libfoo.so.1")\n')
    report = machine.report(Choices(opened=opened, resolve_missing=True))
    assert names(report) == (["libfoo1"] if opened is Opened.LIST else [])
    assert len(report.opened_missing) == (opened is Opened.MENTION)
    assert report.missing == ()


OPENS = 'import ctypes\nctypes.CDLL("libfoo.so.1")\n'
LISTED = Choices(opened=Opened.LIST, resolve_missing=True)


@pytest.mark.parametrize(
    ("importer", "text", "expected"),
    [
        pytest.param("pkg/__init__.py", "", [], id="nobody"),
        pytest.param("pkg/__init__.py", '"""Have a look at pkg.extra."""', [], id="only its documentation"),
        pytest.param("pkg/extra.py", f"import pkg.extra\n{OPENS}", [], id="only itself"),
        pytest.param("pkg/tests/test_extra.py", "import pkg.extra", [], id="only a test"),
        pytest.param("pkg/__init__.py", "from pkg import extra", ["libfoo1"], id="its package"),
        pytest.param("pkg/__init__.py", "from . import extra", ["libfoo1"], id="its package, relative"),
        pytest.param("pkg/deep/mod.py", "from ..extra import X", ["libfoo1"], id="a neighbour"),
        pytest.param("pkg/deep/__init__.py", "from ..extra import X", ["libfoo1"], id="a package beside"),
        pytest.param(
            "other.py", "def f():\n    import pkg.extra as e", ["libfoo1"], id="another distribution"
        ),
        pytest.param("other.py", "from pkg.extra import X", ["libfoo1"], id="what it defines"),
        pytest.param("other.py", "load('pkg.extra')", ["libfoo1"], id="by its name as a string"),
        pytest.param("pkg/__init__.py", "__all__ = ['extra']", ["libfoo1"], id="by its package's names"),
        pytest.param(
            "pkg.dist-info/entry_points.txt", "[a]\nb = pkg.extra:main", ["libfoo1"], id="entry point"
        ),
    ],
)
def test_a_module_that_nothing_imports_is_optional(
    machine: Machine, importer: str, text: str, expected: list[str]
) -> None:
    """Only those who import such a module need what it opens: the archive is not asked for it."""
    machine.archive = Archive({"libfoo1": FOO})
    machine.extension("ext.so")
    machine.source(OPENS, "site-packages/pkg/extra.py")
    machine.source(text, f"site-packages/{importer}")
    report = machine.report(LISTED)
    assert names(report) == expected
    assert [gap.is_optional for gap in report.opened_missing] == [True] * (not expected)


def test_source_alone_where_python_is_a_script(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an ELF file, where python3 only starts another program, this process tells the machine."""
    program = machine.top / "bin/python3"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    machine.library("other", "libfoo.so.1")
    machine.source(OPENS)
    assert names(machine.report(LISTED)) == ["other"]


def test_a_module_that_nothing_imports_lists_what_is_here(machine: Machine) -> None:
    """What resolves is listed, wherever it is opened."""
    machine.library("other", "libfoo.so.1")
    machine.extension("ext.so")
    machine.source(OPENS, "site-packages/pkg/extra.py")
    assert names(machine.report(LISTED)) == ["other"]


@pytest.mark.parametrize(
    ("directory", "here", "expected"),
    [
        pytest.param("backend", "libother.so.1", ["other"], id="one is here"),
        pytest.param("backend", "", ["libfoo1", "libother1"], id="none is here"),
        pytest.param("parts", "libother.so.1", ["libfoo1", "other"], id="no alternatives"),
    ],
)
def test_one_backend_of_several_is_enough(
    machine: Machine, directory: str, here: str, expected: list[str]
) -> None:
    """Where one backend has its library, the archive is not asked for those of the others."""
    machine.archive = Archive({"libfoo1": FOO, "libother1": (f"{DIRECTORY}/libother.so.1",)})
    machine.extension("ext.so")
    if here:
        machine.library("other", here)
    machine.source(f"from pkg.{directory} import one, two", "site-packages/pkg/__init__.py")
    machine.source(OPENS, f"site-packages/pkg/{directory}/one.py")
    machine.source(OPENS.replace("foo", "other"), f"site-packages/pkg/{directory}/two.py")
    assert names(machine.report(LISTED)) == expected


@pytest.mark.parametrize(
    ("library", "expected"),
    [
        pytest.param("_pkg_data/libfoo_x86_64.so", [], id="its own"),
        pytest.param("", ["libfoo1"], id="none"),
    ],
)
def test_find_library_is_met_by_what_the_module_ships(
    machine: Machine, library: str, expected: list[str]
) -> None:
    """A library that the wheel brings is the one that its code opens first, whatever its file is named."""
    machine.archive = Archive({"libfoo1": FOO})
    if library:
        ElfFile(soname="libfoo.so.1").write(machine.top / "tree/site-packages" / library)
    machine.extension("ext.so")
    machine.source("from ctypes.util import find_library\nfind_library('foo')\n", "site-packages/pkg.py")
    assert names(machine.report(LISTED)) == expected


def test_find_library_is_not_met_by_what_another_package_ships(machine: Machine) -> None:
    """It does not look into the tree, so that another package's library does not help."""
    machine.archive = Archive({"libfoo1": FOO})
    ElfFile(soname="libfoo.so.1").write(machine.top / "tree/site-packages/its/libfoo.so.1")
    source = "from ctypes.util import find_library\nfind_library('foo')\n"
    machine.source(source, "site-packages/pkg/__init__.py")
    assert names(machine.report(LISTED)) == ["libfoo1"]


@pytest.mark.parametrize("description", ["", "Talk to others, which takes a longer explanation"])
def test_dlopen_notes(machine: Machine, description: str) -> None:
    """An ELF file's notes, short or long, count like what a source opens, with their priority."""
    sonames = ["libgone.so.1", "libother.so.1"]
    said = {"description": description, "soname": sonames, "priority": "required"}
    entry = json.dumps([said]).encode()
    note = struct.pack("<III", 4, len(entry), 0x407C0C0A) + b"FDO\0" + entry
    machine.library("other", "libother.so.1")
    machine.extension("ext.so", notes=note)
    requirement = machine.report().opened_packages[0].requirements[0]
    assert (requirement.soname, requirement.priority, requirement.line) == ("libother.so.1", "required", 0)


def test_sources_that_cannot_be_read_open_nothing(tmp_path: Path) -> None:
    """A file that is gone, a FIFO and a link are passed by; none of them is waited for."""
    os.mkfifo(tmp_path / "fifo.py")
    (tmp_path / "target").write_text('import ctypes\nctypes.CDLL("libfoo.so.1")\n')
    (tmp_path / "link.py").symlink_to("target")
    (tmp_path / "real.py").write_text('import ctypes\n\nctypes.CDLL("libfoo.so.1")\n')
    (tmp_path / "none.py").write_text("print()\n")
    files = [str(tmp_path / name) for name in ("fifo.py", "gone.py", "link.py", "none.py", "real.py")]
    found = openings(files, {}, jobs=1)
    assert [(one.file, one.line, one.names) for one in found] == [(files[-1], 3, ("libfoo.so.1",))]


def test_the_public_names() -> None:
    """The package gives its use case by name, and no others."""
    assert multistage_docker.find_libdeps is find_libdeps
    with pytest.raises(AttributeError, match="nosuch"):
        _ = multistage_docker.nosuch
