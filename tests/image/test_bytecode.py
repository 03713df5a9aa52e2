"""Commands run as root in an image whose standard library has no bytecode: none is left there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.layers import added, files, merged

if TYPE_CHECKING:
    from pathlib import Path

    from support.engine import Engine

pytestmark = pytest.mark.image


def test_lent_commands_leave_no_bytecode(engine: Engine, tools: str, nothing: Path) -> None:
    """Both commands, lent by another stage, leave not one file in the image."""
    text = (
        "FROM python:3.11-slim-bookworm\n"
        f"RUN --mount=from={tools},source=/opt/tools,target=/opt/tools \\\n"
        "    /opt/tools/bin/apt-install libc6 && /opt/tools/bin/find-libdeps --check /usr/local/bin\n"
    )
    image = engine.build(text, "multistage-docker-test:bytecode", context=nothing)
    addition = added(merged(engine.layers("python:3.11-slim-bookworm")), merged(engine.layers(image)))
    assert set(files(addition)) <= {"/var/lib/apt/extended_states"}
