"""The Dockerfiles of this repository, as hadolint reads them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCKERFILES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("Dockerfile*", "docker/**/Dockerfile*", "tests/**/*Dockerfile*")
    for path in ROOT.glob(pattern)
    if path.is_file()
)


def test_dockerfiles_are_found() -> None:
    """The example and the two images are among the files that are checked."""
    assert {"Dockerfile.example", "docker/builder/Dockerfile", "docker/runtime/Dockerfile"} <= set(
        DOCKERFILES
    )


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_hadolint_has_nothing_to_say(dockerfile: str) -> None:
    """No rule is broken, but for those that a comment in the file makes an exception of."""
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, "--no-color", dockerfile], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("", 0)


@pytest.mark.parametrize("dockerfile", [name for name in DOCKERFILES if not name.startswith("tests/")])
def test_images_say_what_they_are(dockerfile: str) -> None:
    """What people copy is labelled, and its last stage takes a time for what apt-install writes there."""
    last_stage = (ROOT / dockerfile).read_text(encoding="utf-8").rpartition("\nFROM ")[2]
    labels = re.findall(r"org\.opencontainers\.image\.(\w+)=", last_stage)
    assert labels == ["title", "description", "licenses", "version", "revision"]
    assert "apt-install" not in last_stage or "\nARG SOURCE_DATE_EPOCH\n" in last_stage


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_every_exception_has_a_reason(dockerfile: str) -> None:
    """Above each ignored rule stands a comment that says why."""
    lines = (ROOT / dockerfile).read_text(encoding="utf-8").splitlines()
    unexplained = [
        number
        for number, line in enumerate(lines)
        if line.startswith("# hadolint") and not (number and lines[number - 1].startswith("# "))
    ]
    assert unexplained == []
