"""Tests of what os-release tells."""

from __future__ import annotations

import pytest

from multistage_docker.debian.release import has_time64_names


@pytest.mark.parametrize(
    ("os_release", "expected"),
    [
        pytest.param('ID=debian\nVERSION_ID="12"\n', False, id="bookworm"),
        pytest.param('ID=debian\nVERSION_ID="13"\n', True, id="trixie"),
        pytest.param("ID=debian\nVERSION_CODENAME=forky\n", True, id="testing"),
        pytest.param('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="22.04"\n', False, id="jammy"),
        pytest.param('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n', True, id="noble"),
        pytest.param('ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_ID="22"\n', False, id="derivative"),
        pytest.param("ID=debian\nVERSION_ID=later\n", False, id="no number"),
        pytest.param('ID=alpine\nVERSION_ID="3.20"\n', False, id="no Debian"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_has_time64_names(os_release: str, *, expected: bool) -> None:
    """Debian 13, Ubuntu 24.04 and what comes later have package names that end in t64."""
    assert has_time64_names(os_release) is expected
