"""The choice among packages that ship a library, on an archive that is written down here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from multistage_docker.debian.lookup import Lookup
from multistage_docker.errors import ArchiveError
from support.fake_archive import DIRECTORY, Archive

if TYPE_CHECKING:
    from collections.abc import Mapping


def lookup(archive: Archive, directory: Path) -> Lookup:
    """Return a view of the archive."""
    return Lookup(archive, str(directory), (DIRECTORY,), "amd64")


def test_a_name_after_policy_that_ships_the_file_needs_no_index(tmp_path: Path) -> None:
    """The index of all files is 12 MB: it is asked last."""
    archive = Archive({"libfoo1": (f"{DIRECTORY}/libfoo.so.1",), "libfoo2": ()})
    found = lookup(archive, tmp_path).find(["libfoo.so.1"])
    assert found["libfoo.so.1"].package == "libfoo1"
    assert not [words for words in archive.asked if "http://archive.test/Contents-amd64.gz" in words]


def test_a_name_after_policy_without_the_file_does_not_count(tmp_path: Path) -> None:
    """A guess is none before the package's own file list confirms it."""
    archive = Archive(
        {"libfoo1": (f"{DIRECTORY}/private/libfoo.so.1.0",), "other": (f"{DIRECTORY}/libfoo.so.1",)},
        index=f"{DIRECTORY[1:]}/libfoo.so.1  libs/other\n",
    )
    assert lookup(archive, tmp_path).find(["libfoo.so.1"])["libfoo.so.1"].package == "other"


def test_an_index_that_is_out_of_step_is_not_believed(tmp_path: Path) -> None:
    """What the Contents say is confirmed by the package as well."""
    archive = Archive(
        {"other": ("/usr/share/doc/other",)}, index=f"{DIRECTORY[1:]}/libfoo.so.1  libs/other\n"
    )
    assert lookup(archive, tmp_path).find(["libfoo.so.1"]) == {}


def test_a_package_for_one_library_may_ship_another(tmp_path: Path) -> None:
    """libgobject-2.0.so.0 comes with what is named after libglib-2.0.so.0: no index is needed."""
    files = (f"{DIRECTORY}/libglib-2.0.so.0", f"{DIRECTORY}/libgobject-2.0.so.0")
    archive = Archive({"libglib2.0-0t64": files})
    found = lookup(archive, tmp_path).find(["libgobject-2.0.so.0", "libglib-2.0.so.0"])
    assert {name: one.package for name, one in found.items()} == {
        "libglib-2.0.so.0": "libglib2.0-0t64",
        "libgobject-2.0.so.0": "libglib2.0-0t64",
    }


@pytest.mark.parametrize(
    ("priorities", "depends", "chosen", "reason"),
    [
        ({}, (), "libbar-foo1", "the name closest to the library's"),
        ({"alpha": "important"}, (), "alpha", "the highest priority"),
        ({"alpha": "important"}, ("zeta",), "zeta", "what is listed depends on it"),
    ],
    ids=["name", "priority", "dependency"],
)
def test_the_choice_among_several(
    tmp_path: Path, priorities: Mapping[str, str], depends: tuple[str, ...], chosen: str, reason: str
) -> None:
    """What comes along anyway is best, then Priority decides, then the name; the reason is said."""
    names = ("alpha", "libbar-foo1", "zeta")
    archive = Archive(
        dict.fromkeys(names, (f"{DIRECTORY}/libfoo.so.1",)),
        priorities,
        depends,
        index=f"{DIRECTORY[1:]}/libfoo.so.1  libs/alpha,libs/libbar-foo1,libs/zeta\n",
    )
    found = lookup(archive, tmp_path).find(["libfoo.so.1"], ["listed"])["libfoo.so.1"]
    assert (found.package, found.reason, found.candidates) == (chosen, reason, names)


def test_an_archive_out_of_reach_is_an_error_with_a_name(tmp_path: Path) -> None:
    """Apt's own words say why."""
    with pytest.raises(ArchiveError, match="the package archive cannot be reached: Temporary failure"):
        lookup(Archive({}, reachable=False), tmp_path)


def test_another_run_in_the_same_directory_fetches_no_package_again(tmp_path: Path) -> None:
    """The file list of a package is kept there, and so the second run needs only the indexes."""
    archive = Archive({"libfoo1": (f"{DIRECTORY}/libfoo.so.1",)})
    first = lookup(archive, tmp_path).find(["libfoo.so.1"])
    asked = len(archive.asked)
    assert lookup(archive, tmp_path).find(["libfoo.so.1"]) == first
    assert not [words for words in archive.asked[asked:] if "download-file" in words]
    assert not list(tmp_path.rglob("*.deb"))


class _Damaged(Archive):
    """An archive whose Contents index arrives in part."""

    def _download_file(self, words: list[str]) -> str | None:
        answer = super()._download_file(words)
        for target in map(Path, words):
            if target.suffix == ".gz" and target.is_absolute():
                target.write_bytes(target.read_bytes()[:-10])
        return answer


def test_a_damaged_index_costs_nothing_else(tmp_path: Path) -> None:
    """What was found by its name stays found, and the reason why the rest is not is there."""
    archive = _Damaged({"libfoo1": (f"{DIRECTORY}/libfoo.so.1",)}, index="usr/lib/libgone.so.1  libs/gone\n")
    view = lookup(archive, tmp_path)
    found = view.find(["libfoo.so.1", "libgone.so.1"])
    assert [one.package for one in found.values()] == ["libfoo1"]
    assert "a Contents index is damaged" in str(view.trouble)


def test_names_that_look_like_options_or_patterns_reach_no_program(tmp_path: Path) -> None:
    """Names come from the content of files, which may be hostile."""
    archive = Archive({"libfoo1": ()}, index="")
    names = ["-oDir::Bin::x=y.so.1", "--help.so.1", ".*.so.1", "lib$(id).so.1", "-x", "*"]
    assert lookup(archive, tmp_path).find(names) == {}
    assert [words for words in archive.asked if words[1] in ("show", "download")] == []
