"""The example application in each setting: built in two stages, run from the final image, nothing left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from support.dive import LEAST, efficiency
from support.layers import added, files, merged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.engine import Engine
    from support.layers import Layer

pytestmark = pytest.mark.image

APPLICATION = "/usr/share/python3/app"
HARDENED = ("--read-only", "--user", "1000:1000", "--cap-drop", "ALL")


@dataclass(frozen=True, slots=True)
class Setting:
    """A builder image, what the final image starts from, the final image, and what is built to build on."""

    builder: str
    base: str
    final: str
    to_build_on: tuple[str, ...] = ()


def _public(engine: Engine, root: Path, suite: str) -> Setting:
    arguments = {"PYTHON_VERSION": "3.11", "SUITE": suite}
    tag = f"multistage-docker-test:{suite}"

    def build(tag: str, target: str = "") -> str:
        return engine.build(
            root / "Dockerfile.example", tag, context=root, arguments=arguments, target=target
        )

    return Setting(
        builder=build(f"{tag}-builder", "builder"), base=f"python:3.11-slim-{suite}", final=build(tag)
    )


def _two_images(engine: Engine, root: Path, base: str) -> Setting:
    tag = f"multistage-docker-test:two-images-{base}"
    chosen = {"BASE": base, "PYTHON_VERSION": "3.11"}
    images = {
        role: engine.build(
            root / "docker" / role / "Dockerfile", f"{tag}-{role}", context=root, arguments=chosen
        )
        for role in ("builder", "runtime")
    }
    arguments = {"BUILDER": images["builder"], "RUNTIME": images["runtime"]}
    example = root / "docker" / "examples" / "two-images" / "Dockerfile"
    return Setting(
        builder=engine.build(
            example, f"{tag}-application", context=root, arguments=arguments, target="builder"
        ),
        base=images["runtime"],
        final=engine.build(example, tag, context=root, arguments=arguments),
        to_build_on=tuple(images.values()),
    )


SETTINGS: dict[str, Callable[[Engine, Path], Setting]] = {
    "public python, bookworm": lambda engine, root: _public(engine, root, "bookworm"),
    "public python, trixie": lambda engine, root: _public(engine, root, "trixie"),
    "two images, public python": lambda engine, root: _two_images(engine, root, "python"),
    "two images, python of debian": lambda engine, root: _two_images(engine, root, "debian"),
}


@pytest.fixture(scope="module", params=list(SETTINGS.values()), ids=list(SETTINGS))
def setting(request: pytest.FixtureRequest, base_images: Engine, root: Path) -> Setting:
    """Return each setting, built."""
    build: Callable[[Engine, Path], Setting] = request.param
    return build(base_images, root)


@pytest.fixture(scope="module")
def addition(setting: Setting, engine: Engine) -> Layer:
    """Return what the final image has that the image it starts from has not."""
    return added(merged(engine.layers(setting.base)), merged(engine.layers(setting.final)))


def _packages(engine: Engine, image: str) -> set[str]:
    return set(engine.output(image, "dpkg-query", "--show", "--showformat=${Package}\n").split())


def test_application_runs_hardened(setting: Setting, engine: Engine) -> None:
    """The application loads its libraries in the final image, unprivileged, on a read-only file system."""
    expected = engine.output(setting.builder, f"{APPLICATION}/bin/example")
    assert engine.output(setting.final, options=HARDENED) == expected
    assert [line.split()[0] for line in expected.splitlines()] == ["libpq", "PNG", "JPEG", "WEBP"]


def test_no_layer_undoes_another(setting: Setting, engine: Engine) -> None:
    """Nearly every byte in the images' layers is one that a container sees, as dive counts them."""
    images = (setting.final, *setting.to_build_on)
    scores = {image: efficiency(engine, image) for image in images}
    assert {image for image, score in scores.items() if score < LEAST} == set(), scores


def test_packages_are_the_listed_ones(setting: Setting, engine: Engine) -> None:
    """Beyond its base the final image has the listed packages, marked manual, and what they depend on."""
    listed = engine.output(setting.final, "cat", f"{APPLICATION}/pkgdeps.txt").split()
    assert {"libpq5", "libjpeg62-turbo", "libwebp7", "libfreetype6"} <= set(listed)
    new = _packages(engine, setting.final) - _packages(engine, setting.base)
    assert set(listed) <= new
    manual = set(engine.output(setting.final, "apt-mark", "showmanual").split())
    assert manual & new == set(listed)
    simulated = engine.output(setting.final, "apt-get", "--simulate", "autoremove")
    assert "Remv " not in simulated


def test_nothing_to_compile_with(addition: Layer) -> None:
    """No compiler, header, static library or package metadata for compilers is added to the base."""
    suspects = [
        path
        for path in files(addition)
        if path.rpartition("/")[2] in ("gcc", "cc", "cc1", "c++", "ld", "as", "make")
        or ("/include/" in path and not path.startswith(f"{APPLICATION}/"))
        or path.endswith((".h", ".a", ".pc"))
    ]
    assert suspects == []


def test_bytecode_is_of_the_final_python(setting: Setting, addition: Layer, engine: Engine) -> None:
    """Bytecode is added in the virtualenv alone, all of it written by the Python that the final image has."""
    interpreter = f"{APPLICATION}/bin/python3"
    tag = engine.output(
        setting.final, interpreter, "-c", "import sys; print(sys.implementation.cache_tag)"
    ).strip()
    bytecode = [path for path in files(addition) if path.endswith(".pyc")]
    assert bytecode
    assert [
        path
        for path in bytecode
        if not path.startswith(f"{APPLICATION}/") or not path.endswith(f".{tag}.pyc")
    ] == []
    # The same tag from another build of Python could still have another magic number.
    program = (
        "import importlib.util, pathlib, sys; "
        f"print([str(p) for p in pathlib.Path({APPLICATION!r}).rglob('*.pyc') "
        "if p.read_bytes()[:4] != importlib.util.MAGIC_NUMBER])"
    )
    assert engine.output(setting.final, interpreter, "-c", program).strip() == "[]"


def test_no_leftovers(addition: Layer) -> None:
    """The final image holds nothing that pip, apt or dpkg left behind, and nothing of the commands."""
    folders = (
        "/opt/",
        "/root/",
        "/tmp/",  # noqa: S108 - looked into, not written to
        "/var/cache/apt/",
        "/var/cache/ldconfig/",
        "/var/lib/apt/lists/",
        "/var/log/",
        "/usr/local/lib/python",
    )
    assert [path for path in files(addition) if path.startswith(folders)] == []
    assert [
        path for path in files(addition) if path.endswith(("-old", "~", ".deb", ".dpkg-new", ".dpkg-tmp"))
    ] == []
    assert [path for path in files(addition) if "multistage_docker" in path] == []
