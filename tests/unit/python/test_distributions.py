"""File lists of installed distributions: who brought a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from multistage_docker.python.distributions import Distribution, distributions_of

SITE = "lib/python3.11/site-packages"


def install(site: Path, record: str, metadata: str | None = "", folder: str = "demo-1.0.dist-info") -> str:
    """Write a distribution's metadata and return the path of its file list."""
    directory = site / folder
    directory.mkdir(parents=True, exist_ok=True)
    name, neighbour = (
        ("RECORD", "METADATA") if folder.endswith("dist-info") else ("installed-files.txt", "PKG-INFO")
    )
    (directory / name).write_bytes(os.fsencode(record))
    if metadata is not None:
        (directory / neighbour).write_text(metadata)
    return str(directory / name)


def owner(file: str, *lists: str) -> str:
    """Return the distribution of a file as text, "" where there is none."""
    return str(distributions_of([file], lists).get(file, ""))


@pytest.mark.parametrize(
    ("row", "file"),
    [
        pytest.param("demo/ext.so,sha256=x,100", "demo/ext.so", id="inside"),
        pytest.param("../../../bin/demo,,", "../../../bin/demo", id="outside"),
        pytest.param('"demo/a,b ""c"".so",,', 'demo/a,b "c".so', id="quotes"),
        pytest.param('"demo/new\nline.so",,', "demo/new\nline.so", id="newline"),
        pytest.param("demo/\udcff.so,,", "demo/\udcff.so", id="not UTF-8"),
        pytest.param("demo/./../demo/x.so,,", "demo/x.so", id="dots"),
    ],
)
def test_record(tmp_path: Path, row: str, file: str) -> None:
    """A row of RECORD names a file, relative to the directory of the installation."""
    site = tmp_path / SITE
    record = install(site, f"demo/__init__.py,,\n\n{row}\n", "Name: Demo\nVersion: 1.0.post1\n\nName: no\n")
    assert owner(os.path.normpath(site / file), record) == "Demo 1.0.post1"
    assert owner(str(site / "demo/other.so"), record) == ""


def test_installed_files(tmp_path: Path) -> None:
    """Old installations list files relative to their own metadata."""
    path = install(tmp_path, "../demo/ext.so\nPKG-INFO\n", "Name: demo\nVersion: 2\n", "demo-2.egg-info")
    assert owner(str(tmp_path / "demo/ext.so"), path) == "demo 2"


def test_the_directory_name_serves_without_metadata(tmp_path: Path) -> None:
    """Where METADATA is missing or says nothing, the directory's name does."""
    assert owner(f"{tmp_path}/a.so", install(tmp_path, "a.so,,\n", None)) == "demo 1.0"
    assert owner(f"{tmp_path}/a.so", install(tmp_path, "a.so,,\n", "garbage")) == "demo 1.0"


@pytest.mark.parametrize(
    "record",
    [
        pytest.param('"never closed' + "x" * 200_000, id="field too long"),
        pytest.param("\x00\x00\n,,,,\n", id="binary"),
        pytest.param("", id="empty"),
    ],
)
def test_broken_lists_name_nothing(tmp_path: Path, record: str) -> None:
    """A list that cannot be parsed names no file, and does no harm to the others."""
    broken = install(tmp_path, record)
    good = install(tmp_path, "a.so,,\n", "", "good-2.dist-info")
    assert owner(f"{tmp_path}/a.so", broken, good) == "good 2"


def test_lists_that_are_gone_name_nothing(tmp_path: Path) -> None:
    """A list that cannot be opened names no file."""
    assert distributions_of([f"{tmp_path}/a.so"], [f"{tmp_path}/x-1.dist-info/RECORD"]) == {}


def test_metadata_that_would_block_is_not_opened(tmp_path: Path) -> None:
    """A FIFO in the place of METADATA does not stop the run."""
    record = install(tmp_path, "a.so,,\n", None)
    os.mkfifo(Path(record).with_name("METADATA"))
    assert owner(f"{tmp_path}/a.so", record) == "demo 1.0"


def test_text_of_a_distribution() -> None:
    """A distribution without a version is its name."""
    assert str(Distribution("demo", "")) == "demo"
