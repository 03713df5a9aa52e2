"""Mount points as the kernel lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from multistage_docker.debian.mounts import mount_point, parse_mountinfo, read_mounts

if TYPE_CHECKING:
    from pathlib import Path

TEXT = (
    "36 35 98:0 /mnt1 / rw,noatime - ext3 /dev/root rw\n"
    "37 36 98:0 /x /var/cache/apt rw - ext3 /dev/root rw\n"
    "38 36 98:0 /x /with\\040space\\134 rw - ext3 /dev/root rw\n"
    "torn line\n"
)


def test_the_kernels_list(tmp_path: Path) -> None:
    """Points are sorted and unescaped; a line that is too short is none."""
    listed = tmp_path / "mountinfo"
    listed.write_text(TEXT)
    assert read_mounts(str(listed)) == parse_mountinfo(TEXT) == ("/", "/var/cache/apt", "/with space\\")


def test_a_kernel_that_does_not_say(tmp_path: Path) -> None:
    """Without the list there are no mounts to be seen."""
    assert read_mounts(str(tmp_path / "gone")) == ()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/var/cache/apt", "/var/cache/apt"),
        ("/var/cache/apt/archives", "/var/cache/apt"),
        ("/var/cache/aptitude", "/var"),
        ("/etc", "/"),
    ],
)
def test_the_longest_point_counts(path: str, expected: str) -> None:
    """A path lies on the deepest mount above it, and a name that only starts alike is no mount."""
    assert mount_point(path, ("/", "/var", "/var/cache/apt")) == expected
