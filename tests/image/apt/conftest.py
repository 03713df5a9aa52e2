"""The benches on which apt-install is tried."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.bench import Bench, make_bench

if TYPE_CHECKING:
    from support.engine import Engine

CONTEXT = Path(__file__).parent / "context"


@pytest.fixture(scope="session", params=["bookworm", "trixie"])
def bench(
    request: pytest.FixtureRequest, base_images: Engine, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Bench:
    """Return a bench on each suite: apt 2.6 and 3.0 word their messages differently."""
    return make_bench(base_images, wheel, CONTEXT, tmp_path_factory.mktemp("bench"), request.param)
