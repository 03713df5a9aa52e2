"""Leftovers: what a run created goes, what it changed is put back, all else stays."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from multistage_docker.debian.leftovers import Watched, clean, take_snapshot

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


def nothing(_paths: Collection[str]) -> Collection[str]:
    """No path belongs to a package."""
    return ()


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """Return a system's places: a tree of caches and single files beside others."""
    (tmp_path / "lists/partial").mkdir(parents=True)
    (tmp_path / "etc").mkdir()
    return Watched(trees=(f"{tmp_path}/lists",), files=(f"{tmp_path}/etc/*-", f"{tmp_path}/none/*"))


def test_new_files_go_and_directories_stay(watched: Watched, tmp_path: Path) -> None:
    """What was not there before is removed and counted; a file beside the watched ones is not touched."""
    (tmp_path / "lists/old").write_bytes(b"old")
    snapshot = take_snapshot(watched)
    (tmp_path / "lists/partial/index").write_bytes(b"12345")
    (tmp_path / "etc/passwd-").write_bytes(b"123")
    (tmp_path / "etc/passwd").write_bytes(b"stays")
    cleaned = clean(snapshot, (), nothing)
    assert cleaned.removed == (f"{tmp_path}/etc/passwd-", f"{tmp_path}/lists/partial/index")
    assert cleaned.freed == 8
    assert (tmp_path / "lists/partial").is_dir()
    assert (tmp_path / "lists/old").read_bytes() == b"old"
    assert (tmp_path / "etc/passwd").exists()


def test_changed_single_files_are_put_back(watched: Watched, tmp_path: Path) -> None:
    """A backup that the run rewrote, or removed, is as it was: content, mode and time."""
    paths = (tmp_path / "etc/passwd-", tmp_path / "etc/group-")
    for path in paths:
        path.write_bytes(b"before")
        path.chmod(0o640)
        os.utime(path, ns=(1, 1_000_000_007))
    snapshot = take_snapshot(watched)
    paths[0].write_bytes(b"after the run")
    paths[0].chmod(0o600)
    paths[1].unlink()
    cleaned = clean(snapshot, (), nothing)
    assert cleaned.restored == tuple(sorted(map(str, paths)))
    assert cleaned.removed == ()
    for path in paths:
        assert path.read_bytes() == b"before"
        assert path.stat().st_mode & 0o777 == 0o640
        assert path.stat().st_mtime_ns == 1_000_000_007


def test_grown_files_of_a_tree_go(watched: Watched, tmp_path: Path) -> None:
    """An index that the run replaced is removed: half of a set of indexes serves nobody."""
    (tmp_path / "lists/index").write_bytes(b"1")
    snapshot = take_snapshot(watched)
    (tmp_path / "lists/index").write_bytes(b"12")
    assert clean(snapshot, (), nothing).removed == (f"{tmp_path}/lists/index",)


def test_mounts_stay_as_they_are(watched: Watched, tmp_path: Path) -> None:
    """A cache mount is there to be filled: nothing on it is removed or put back."""
    snapshot = take_snapshot(watched)
    (tmp_path / "lists/index").write_bytes(b"1")
    cleaned = clean(snapshot, ("/", f"{tmp_path}/lists"), nothing)
    assert cleaned.removed == ()
    assert (tmp_path / "lists/index").exists()


def test_files_of_packages_stay(watched: Watched, tmp_path: Path) -> None:
    """What a package owns is no leftover."""
    snapshot = take_snapshot(watched)
    (tmp_path / "lists/owned").write_bytes(b"1")
    (tmp_path / "lists/other").write_bytes(b"1")
    cleaned = clean(snapshot, (), lambda paths: [path for path in paths if path.endswith("owned")])
    assert cleaned.removed == (f"{tmp_path}/lists/other",)


def test_a_huge_sparse_log_is_left_alone(watched: Watched, tmp_path: Path) -> None:
    """What is too large to be kept for putting back is not read, and not removed."""
    log = tmp_path / "etc/lastlog-"
    with log.open("wb") as file:
        file.truncate(10_000_000_000)
    snapshot = take_snapshot(watched)
    os.utime(log, (5, 5))
    assert clean(snapshot, (), nothing).removed == ()
    assert log.exists()


def test_the_runs_own_directory_is_left_out(tmp_path: Path) -> None:
    """The workspace inside apt's cache is not looked at: it is removed as a whole."""
    own = tmp_path / "cache/apt-install-x"
    own.mkdir(parents=True)
    watched = Watched(trees=(f"{tmp_path}/cache",), files=(), besides=str(own))
    snapshot = take_snapshot(watched)
    (own / "pkgcache.bin").write_bytes(b"1")
    assert clean(snapshot, (), nothing).removed == ()
