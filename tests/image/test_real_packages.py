"""Real packages from PyPI, built in a builder image: what find-libdeps lists, and that it is enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from support.engine import Engine

pytestmark = pytest.mark.image

BUILDER = """\
FROM python:3.11-bookworm
RUN python3 -m venv /venv
RUN --mount=type=cache,target=/root/.cache/pip /venv/bin/pip install {requirements}
RUN --mount=from={tools},source=/opt/tools,target=/opt/tools /opt/tools/bin/find-libdeps /venv > /pkgdeps.txt
"""
FINAL = """\
FROM {builder} AS builder
FROM python:3.11-slim-bookworm
COPY --from=builder /venv /venv
COPY --from=builder /pkgdeps.txt /
RUN --mount=from={tools},source=/opt/tools,target=/opt/tools \
    xargs -ra /pkgdeps.txt /opt/tools/bin/apt-install && /opt/tools/bin/find-libdeps --check /venv
"""


@dataclass(frozen=True, slots=True)
class Case:
    """What pip installs, a command that proves that it works, and the packages that this takes."""

    name: str
    requirements: str
    check: tuple[str, ...]
    packages: tuple[str, ...]


CASES = (
    Case(
        "psycopg2",
        "--no-binary psycopg2 psycopg2",
        ("/venv/bin/python", "-c", "import psycopg2"),
        ("libpq5",),
    ),
    Case(
        "pyyaml",
        "--no-binary pyyaml pyyaml",
        ("/venv/bin/python", "-c", "import yaml; yaml.load('a: 1', yaml.CSafeLoader)"),
        ("libyaml-0-2",),
    ),
    Case("pure", "requests flask", ("/venv/bin/python", "-c", "import requests, flask"), ()),
    Case(
        "scipy",
        "--only-binary :all: numpy scipy pandas scikit-learn",
        ("/venv/bin/python", "-c", "import numpy, scipy.linalg, pandas, sklearn.ensemble"),
        ("libstdc++6",),
    ),
    Case(
        "uwsgi",
        "--no-binary uwsgi uwsgi",
        ("/venv/bin/uwsgi", "--version"),
        ("libssl3", "libxml2"),
    ),
)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    """Return each case."""
    found: Case = request.param
    return found


@pytest.fixture(scope="module")
def builder(case: Case, engine: Engine, tools: str, nothing: Path) -> str:
    """Return the builder image of a case."""
    text = BUILDER.format(requirements=case.requirements, tools=tools)
    return engine.build(text, f"multistage-docker-test:{case.name}-builder", context=nothing)


@pytest.fixture(scope="module")
def final(case: Case, builder: str, engine: Engine, tools: str, nothing: Path) -> str:
    """Return the final image of a case."""
    text = FINAL.format(builder=builder, tools=tools)
    return engine.build(text, f"multistage-docker-test:{case.name}", context=nothing)


def test_packages(case: Case, builder: str, engine: Engine) -> None:
    """The listed packages are exactly those that the virtualenv's own needs name."""
    listed = engine.output(builder, "cat", "/pkgdeps.txt")
    assert listed == "".join(f"{name}\n" for name in case.packages)


def test_runs(case: Case, final: str, engine: Engine) -> None:
    """The virtualenv works in the slim image with the listed packages alone."""
    engine.output(final, *case.check)
