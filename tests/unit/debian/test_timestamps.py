"""SOURCE_DATE_EPOCH: what it may be, and which times are clamped to it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from multistage_docker.debian.timestamps import clamp_times, source_date_epoch
from multistage_docker.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

SECOND = 1_000_000_000
EPOCH = 1_000_000


@pytest.mark.parametrize(
    ("environment", "epoch"),
    [({}, None), ({"SOURCE_DATE_EPOCH": ""}, None), ({"SOURCE_DATE_EPOCH": "0"}, 0)],
    ids=["unset", "empty", "zero"],
)
def test_the_variable(environment: dict[str, str], epoch: int | None) -> None:
    """Unset and empty are the same; 0 is a time."""
    assert source_date_epoch(environment) == epoch


@pytest.mark.parametrize("value", ["-1", "1.5", "yesterday", "²", " 1", "1" * 5000])
def test_what_is_no_time_is_refused(value: str) -> None:
    """Anything but seconds in plain digits is an error that shows what was given."""
    with pytest.raises(UsageError, match="expected seconds since 1970"):
        source_date_epoch({"SOURCE_DATE_EPOCH": value})


def modified(path: Path) -> int:
    """Return a modification time in seconds, links not followed."""
    return path.lstat().st_mtime_ns // SECOND


def test_later_times_are_clamped_and_earlier_ones_stay(tmp_path: Path) -> None:
    """Files, directories and links themselves get the epoch; what is older keeps its time."""
    (tmp_path / "directory").mkdir()
    new, old, link = tmp_path / "directory/new", tmp_path / "old", tmp_path / "link"
    new.write_bytes(b"")
    old.write_bytes(b"")
    link.symlink_to("gone")
    os.utime(old, (5, 5))
    assert clamp_times(str(tmp_path), EPOCH, 0, ("/", str(tmp_path))) == 4
    assert [modified(path) for path in (tmp_path, tmp_path / "directory", new, link)] == [EPOCH] * 4
    assert modified(old) == 5


def test_what_the_run_did_not_write_keeps_its_time(tmp_path: Path) -> None:
    """The change time tells who was there before, though the modification time be set to anything."""
    before = tmp_path / "before"
    before.write_bytes(b"")
    since = before.lstat().st_ctime_ns + 1
    while tmp_path.lstat().st_ctime_ns < since:
        (tmp_path / "written").write_bytes(b"")
        (tmp_path / "written").unlink()
    clamp_times(str(tmp_path), EPOCH, since, ())
    assert modified(before) > EPOCH
    assert modified(tmp_path) == EPOCH


def test_mounts_are_left_alone(tmp_path: Path) -> None:
    """Neither a mount nor anything on it is touched."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/file").write_bytes(b"")
    clamp_times(str(tmp_path), EPOCH, 0, ("/", str(tmp_path / "cache")))
    assert modified(tmp_path / "cache") > EPOCH
    assert modified(tmp_path / "cache/file") > EPOCH


def test_a_root_that_is_gone_has_no_times(tmp_path: Path) -> None:
    """What vanishes meanwhile is passed by."""
    assert clamp_times(str(tmp_path / "gone"), EPOCH, 0, ()) == 0
