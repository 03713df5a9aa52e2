"""The dlopen notes that Debian's own libraries carry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from support.engine import Engine

pytestmark = pytest.mark.image

PROBE = """
import glob, json
from multistage_docker.elf.dlopen import read_dlopen_notes
(path,) = glob.glob("/usr/lib/*/libsystemd.so.0")
with open(path, "rb") as stream:
    print(json.dumps([[*note.sonames, note.priority.value] for note in read_dlopen_notes(stream)]))
"""


def test_libsystemd_says_what_it_opens(base_images: Engine, wheel: Path) -> None:
    """Trixie's libsystemd, stripped as it is shipped, names its compression libraries."""
    image = base_images.build(
        "FROM python:3.11-slim-trixie\nCOPY *.whl /wheel/\nRUN pip install --no-cache-dir /wheel/*.whl\n",
        "multistage-docker-test:lookup-trixie",
        context=wheel.parent,
    )
    notes = json.loads(base_images.output(image, "python3", "-c", PROBE))
    assert ["libzstd.so.1", "recommended"] in notes
    assert ["liblz4.so.1", "suggested"] in notes
