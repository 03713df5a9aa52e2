"""Libraries that are absent, looked up in the archives of Debian's suites from images without any lists."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from support.engine import Engine

pytestmark = [
    pytest.mark.image,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the expected packages are amd64's"),
]

SCRIPT = Path(__file__).with_name("find.py")
COMMON = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libgomp.so.1": "libgomp1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libblas.so.3": "libblas3",
    "pq": "libpq5",
}
BY_SUITE = {
    "bookworm": {
        **COMMON,
        "libglib-2.0.so.0": "libglib2.0-0",
        "libgobject-2.0.so.0": "libglib2.0-0",
        "libmagic.so.1": "libmagic1",
        "magic": "libmagic1",
        "zbar": "libzbar0",
    },
    "trixie": {
        **COMMON,
        "libglib-2.0.so.0": "libglib2.0-0t64",
        "libgobject-2.0.so.0": "libglib2.0-0t64",
        "libmagic.so.1": "libmagic1t64",
        "magic": "libmagic1t64",
        "zbar": "libzbar0t64",
    },
}


@pytest.fixture(scope="module")
def images(base_images: Engine, wheel: Path) -> dict[str, str]:
    """Return an image with the project's own packages for each suite."""
    text = "FROM python:3.11-slim-{suite}\nCOPY *.whl /wheel/\nRUN pip install --no-cache-dir /wheel/*.whl\n"
    return {
        suite: base_images.build(
            text.format(suite=suite), f"multistage-docker-test:lookup-{suite}", context=wheel.parent
        )
        for suite in BY_SUITE
    }


def look_up(engine: Engine, image: str, *names: str, options: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return what the script says of names."""
    mounted = ("--volume", f"{SCRIPT}:/find.py:ro", "--env", "PYTHONDONTWRITEBYTECODE=1", *options)
    result: dict[str, Any] = json.loads(engine.output(image, "python3", "/find.py", *names, options=mounted))
    return result


@pytest.mark.parametrize("suite", BY_SUITE)
def test_packages_are_named_as_the_suite_names_them(
    base_images: Engine, images: dict[str, str], suite: str
) -> None:
    """Each is confirmed by the package's own files, and the system is left as it was."""
    said = look_up(base_images, images[suite], *BY_SUITE[suite])
    assert said["failure"] == ""
    assert said["found"] == BY_SUITE[suite]
    assert [path for path in said["changed"] if path != "/tmp"] == []  # noqa: S108 - the directory of the script


def test_a_library_that_is_nowhere_is_not_found(base_images: Engine, images: dict[str, str]) -> None:
    """The Contents indexes are asked last, and a hostile name means nothing to apt."""
    names = ("libnowhere.so.7", "libgthread-2.0.so.0", "-oDir::Log=x.so.1", "lib.*.so.1")
    said = look_up(base_images, images["bookworm"], *names)
    assert said["failure"] == ""
    assert said["found"] == {"libgthread-2.0.so.0": "libglib2.0-0"}


def test_no_root_is_needed(base_images: Engine, images: dict[str, str]) -> None:
    """A builder may run as an ordinary user."""
    said = look_up(base_images, images["trixie"], "libGL.so.1", options=("--user", "1000:1000"))
    assert said["found"] == {"libGL.so.1": "libgl1"}


def test_an_archive_out_of_reach_is_said(base_images: Engine, images: dict[str, str]) -> None:
    """One clear message, which the caller can print beside the rest of the result."""
    unreachable = ("--env", "http_proxy=http://127.0.0.1:9")
    said = look_up(base_images, images["bookworm"], "libGL.so.1", options=unreachable)
    assert said["found"] == {}
    assert said["failure"].startswith("the package archive cannot be reached: ")
