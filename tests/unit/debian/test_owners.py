"""dpkg's answers: which package owns a path, through merged /usr, links, alternatives and diversions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from multistage_docker.debian.dpkg import InstalledPackage, installed_packages, native_architecture
from multistage_docker.debian.owners import Diversion, owners, parse_diversions, parse_search
from multistage_docker.errors import ProgramFailedError, ProgramNotFoundError
from multistage_docker.process import Completed
from support.fakes import FakeRunner

if TYPE_CHECKING:
    from pathlib import Path

SEARCH = "dpkg-query --search"


def package(name: str, architecture: str = "amd64", **other: str) -> InstalledPackage:
    """Return an installed package."""
    return InstalledPackage(name, architecture, "1", **other)  # type: ignore[arg-type]


def owned(
    output: str,
    path: str,
    *packages: InstalledPackage,
    diversions: tuple[Diversion, ...] = (),
) -> list[str]:
    """Return the names of a path's owners, given dpkg-query's answer."""
    runner = FakeRunner({SEARCH: (output, 1)})
    found = owners(runner, [path], packages, diversions)
    return [item.qualified_name("amd64") for item in found.get(path, ())]


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        pytest.param("libc6:amd64: /lib/libc.so.6\n", {"/lib/libc.so.6": ("libc6:amd64",)}, id="one"),
        pytest.param(
            "a:amd64, b:i386, c: /usr/lib\n", {"/usr/lib": ("a:amd64", "b:i386", "c")}, id="several"
        ),
        pytest.param("a: /odd: /name\n", {"/odd: /name": ("a",)}, id="separator in the path"),
        pytest.param("a: /u\x85v\u2028w\x0b\n", {"/u\x85v\u2028w\x0b": ("a",)}, id="other line separators"),
        pytest.param("diversion by dash from: /bin/sh\n", {}, id="diversion"),
        pytest.param("local diversion to: /bin/sh.mine\n", {}, id="local diversion"),
        pytest.param("garbage\n\n", {}, id="garbage"),
    ],
)
def test_parse_search(output: str, expected: dict[str, tuple[str, ...]]) -> None:
    """Lines of owners are parsed; lines about diversions name none."""
    assert parse_search(output) == expected


def test_parse_diversions() -> None:
    """Three lines are a record; a colon stands for a local diversion; a rest is no record."""
    text = "/bin/sh\n/bin/sh.distrib\ndash\n/usr/lib/libz.so.1\n/usr/lib/libz.old\n:\n/half\n"
    assert parse_diversions(text) == (
        Diversion("/bin/sh", "/bin/sh.distrib", "dash"),
        Diversion("/usr/lib/libz.so.1", "/usr/lib/libz.old", ""),
    )


@pytest.mark.parametrize(
    ("registered", "asked"),
    [
        ("/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/x86_64-linux-gnu/libc.so.6"),
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", "/lib/x86_64-linux-gnu/libc.so.6"),
        ("/lib64/ld.so", "/usr/lib64/ld.so"),
    ],
)
def test_both_spellings_of_merged_usr(registered: str, asked: str) -> None:
    """A path is found under the other spelling of /usr."""
    assert owned(f"libc6:amd64: {registered}\n", asked, package("libc6")) == ["libc6"]


def test_a_link_that_nobody_owns_leads_to_its_file(tmp_path: Path) -> None:
    """An alternative's owner is that of the file which it leads to."""
    real = tmp_path / "blas" / "libblas.so.3"
    real.parent.mkdir()
    real.touch()
    link = tmp_path / "libblas.so.3"
    link.symlink_to(real)
    assert owned(f"libblas3:amd64: {real.resolve()}\n", str(link), package("libblas3")) == ["libblas3"]


def test_a_link_that_somebody_owns_counts_itself(tmp_path: Path) -> None:
    """A link's own package wins over that of the file behind it."""
    real = tmp_path / "liba.so.1.0"
    real.touch()
    link = tmp_path / "liba.so.1"
    link.symlink_to(real)
    output = f"links: {link}\nfiles: {real.resolve()}\n"
    assert owned(output, str(link), package("links"), package("files")) == ["links"]


def test_only_installed_packages_own() -> None:
    """A package that is not in the installed state owns nothing."""
    assert owned("gone, here: /usr/share/x\n", "/usr/share/x", package("here", "all")) == ["here"]


def test_several_architectures() -> None:
    """Of a package installed for two architectures the one that dpkg names is the owner."""
    both = (package("libz1"), package("libz1", "i386"))
    assert owned(
        "libz1:i386: /usr/lib/i386-linux-gnu/libz.so.1\n", "/usr/lib/i386-linux-gnu/libz.so.1", *both
    ) == ["libz1:i386"]


PATH, ASIDE = "/usr/lib/libz.so.1", "/usr/lib/libz.so.1.original"


def test_a_diverted_path_belongs_to_the_diverting_package() -> None:
    """What others ship at a diverted path stands elsewhere."""
    output = f"diversion by newer from: {PATH}\ndiversion by newer to: {ASIDE}\nold, newer: {PATH}\n"
    packages = (package("old"), package("newer"))
    diversions = (Diversion(PATH, ASIDE, "newer"),)
    assert owned(output, PATH, *packages, diversions=diversions) == ["newer"]
    assert owned(output, ASIDE, *packages, diversions=diversions) == ["old"]


def test_a_local_diversion() -> None:
    """A local diversion moves every package's file, and what stands there instead belongs to none."""
    diversions = (Diversion(PATH, ASIDE, ""),)
    assert owned(f"old: {PATH}\n", PATH, package("old"), diversions=diversions) == []
    assert owned(f"old: {PATH}\n", ASIDE, package("old"), diversions=diversions) == ["old"]


@pytest.mark.parametrize("name", ["lib*.so", "lib?.so", "lib[a].so", "lib\\.so"])
def test_patterns_are_not_asked_for(name: str) -> None:
    """dpkg-query would take such a name for a pattern, and answer with other files' owners."""
    runner = FakeRunner({SEARCH: ("a: /opt/liba.so\n", 0)})
    assert owners(runner, [f"/opt/{name}"], [package("a")]) == {}
    assert runner.asked == []


def test_one_run_for_all_paths() -> None:
    """Any usual number of paths costs a single run."""
    runner = FakeRunner({SEARCH: ("", 1)})
    owners(runner, [f"/opt/lib{number}.so" for number in range(500)], [])
    assert len(runner.asked) == 1


RECORD = "libz1\x1famd64\x1f1:1.2\x1f{want}\x1f{state}\x1f\x1foptional\x1f{size}\x1f\x1flibc6 (>= 2)\x1f"


def records(*values: tuple[str, str, str]) -> str:
    """Return dpkg-query's answer for packages of given (want, state, size)."""
    return "".join(RECORD.format(want=want, state=state, size=size) + "\x1e" for want, state, size in values)


def test_installed_packages() -> None:
    """Packages in the installed state are taken, holds and missing sizes included."""
    output = records(
        ("hold", "installed", "160"), ("deinstall", "config-files", ""), ("install", "half-installed", "")
    )
    assert installed_packages(FakeRunner({"dpkg-query": (output, 0)})) == (
        InstalledPackage("libz1", "amd64", "1:1.2", held=True, installed_size=160, depends="libc6 (>= 2)"),
    )
    (other,) = installed_packages(FakeRunner({"dpkg-query": (records(("install", "installed", "")), 0)}))
    assert (other.held, other.installed_size) == (False, 0)


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        ("installed", True),
        ("unpacked", True),
        ("half-configured", True),
        ("triggers-awaited", True),
        ("triggers-pending", True),
        ("half-installed", False),
        ("config-files", False),
        ("not-installed", False),
    ],
)
def test_unpacked_packages(state: str, *, counts: bool) -> None:
    """The files of a package are there before it is configured; half of them, or none, do not count."""
    runner = FakeRunner({"dpkg-query": (records(("install", state, "1")), 0)})
    assert bool(installed_packages(runner, unpacked=True)) is counts
    assert bool(installed_packages(runner)) is (state == "installed")


@pytest.mark.parametrize(("architecture", "name"), [("amd64", "a"), ("all", "a"), ("i386", "a:i386")])
def test_qualified_name(architecture: str, name: str) -> None:
    """Only a foreign architecture is part of the name."""
    assert package("a", architecture).qualified_name("amd64") == name


def test_no_dpkg() -> None:
    """Without dpkg there is one named error."""
    with pytest.raises(ProgramNotFoundError, match="dpkg is not installed"):
        native_architecture(FakeRunner({}))


def test_dpkg_fails() -> None:
    """What dpkg complains of last is what is said."""

    class Failing:
        def capture(self, argv: tuple[str, ...]) -> Completed:
            return Completed(argv, 2, "", "dpkg: one\ndpkg: database broken\n")

    with pytest.raises(ProgramFailedError, match="dpkg failed: dpkg: database broken") as caught:
        native_architecture(Failing())
    assert caught.value.returncode == 2
