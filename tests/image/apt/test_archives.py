"""python-apt and apt's own commands give the same answers about the archive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.engine import Engine

pytestmark = pytest.mark.image

CONTEXT = Path(__file__).parent / "context"


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_both_archives_agree(base_images: Engine, root: Path, suite: str) -> None:
    """Candidates, versions, priorities, providers, similar names and plans are equal, and not empty."""
    script = (
        "(apt-get -qq update && apt-get -qq install -y --no-install-recommends python3-minimal "
        "libpython3-stdlib python3-apt) > /dev/null 2>&1; "
        "PYTHONPATH=/package /usr/bin/python3 -B /context/compare_archives.py /tmp/compare.bin"
    )
    mounts = (f"--volume={root}/src:/package:ro", f"--volume={CONTEXT}:/context:ro")
    bindings, commands = json.loads(
        base_images.output(f"debian:{suite}-slim", "bash", "-c", script, options=mounts)
    )
    assert bindings == commands
    assert bindings["tcpdump"][0]
    assert bindings["fo.bar"] == ["", [], "", []]
    assert bindings["mail-transport-agent"][3]
    assert "nginx" in bindings["like ngnix"]
    assert len(bindings["plan ('nginx',)"][0]) > 1
    assert all(package[4] > 0 for package in bindings["plan ('nginx',)"][0])
