"""What every image test stands on: an engine, base images, and this checkout as a wheel."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.engine import Engine

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent


def unavailable(reason: str) -> None:
    """Skip the test, or fail it where CI=true: there the image tests must run."""
    if os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the checkout's own directory."""
    return ROOT


@pytest.fixture(scope="session")
def engine() -> Engine:
    """Return a Docker engine that answers."""
    found = subprocess.run([HERE / "docker-engine"], capture_output=True, text=True, check=False)
    if found.returncode:
        unavailable(found.stderr.strip())
    return Engine(found.stdout.strip())


@pytest.fixture(scope="session")
def base_images(engine: Engine) -> Engine:
    """Return the engine once the public base images, or their stand-ins, are there."""
    provided = subprocess.run([HERE / "base-images"], capture_output=True, text=True, check=False)
    if provided.returncode:
        unavailable(provided.stderr.strip())
    return engine


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return this checkout built as a wheel, in a directory that holds nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="session")
def nothing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty build context."""
    return tmp_path_factory.mktemp("context")


@pytest.fixture(scope="session")
def tools(base_images: Engine, wheel: Path) -> str:
    """Return an image on slim bookworm with the commands installed in the virtualenv /opt/tools."""
    text = (
        "FROM python:3.11-slim-bookworm\n"
        "COPY *.whl /wheel/\n"
        "RUN python3 -m venv /opt/tools && /opt/tools/bin/pip install --no-cache-dir /wheel/*.whl\n"
    )
    return base_images.build(text, "multistage-docker-test:tools", context=wheel.parent)
