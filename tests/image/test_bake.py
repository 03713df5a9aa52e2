"""The bake file, as buildx itself reads it."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from support.engine import Engine

pytestmark = pytest.mark.image

ROLES = ("builder", "runtime")
SUITES = ("bookworm", "trixie")
BUILDX = """\
FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends docker-buildx
"""
PRINT = (
    'printf %s "$1" > /tmp/docker-bake.hcl'
    " && REGISTRY=example/ SOURCE_DATE_EPOCH=1700000000"
    " /usr/libexec/docker/cli-plugins/docker-buildx bake -f /tmp/docker-bake.hcl --print"
)


def test_the_matrix(base_images: Engine, root: Path, nothing: Path) -> None:
    """Buildx makes a builder and a runtime for each Python, suite and architecture, from files that exist."""
    image = base_images.build(BUILDX, "multistage-docker-test:buildx", context=nothing)
    text = (root / "docker" / "docker-bake.hcl").read_text(encoding="utf-8")
    targets = json.loads(base_images.output(image, "sh", "-c", PRINT, "sh", text))["target"]
    pythons = [f"-3-{minor}" for minor in range(10, 15)]
    assert targets.keys() == {
        f"{base}-{role}{version}-{suite}"
        for base, versions in (("python", pythons), ("debian", [""]))
        for role, version, suite in itertools.product(ROLES, versions, SUITES)
    }
    for name, target in targets.items():
        assert (root / target["dockerfile"]).is_file()
        assert target["platforms"] == ["linux/amd64", "linux/arm64"]
        assert target["args"]["SOURCE_DATE_EPOCH"] == "1700000000"
        assert name.startswith(target["args"]["BASE"])
        assert name.endswith(target["args"]["SUITE"])
        assert target["args"].get("PYTHON_VERSION", "").replace(".", "-") in name
    tags = [tag for target in targets.values() for tag in target["tags"]]
    assert len(set(tags)) == len(targets)
    assert all(tag.startswith("example/multistage-") for tag in tags)
