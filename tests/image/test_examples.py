"""The examples that people copy: each builds, runs hardened, and holds just what it needs."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from support.dive import LEAST, efficiency
from support.layers import added, files, merged

if TYPE_CHECKING:
    from pathlib import Path

    from support.engine import Engine
    from support.layers import Layer

pytestmark = pytest.mark.image

APPLICATION = "/usr/share/python3/app"
HARDENED = ("--read-only", "--user", "1000:1000", "--cap-drop", "ALL")

# What apt, dpkg and ldconfig keep about the packages of an image.
STATE = {
    "/etc/ld.so.cache",
    "/var/cache/debconf/config.dat",
    "/var/cache/debconf/templates.dat",
    "/var/lib/apt/extended_states",
    "/var/lib/dpkg/status",
    "/var/lib/dpkg/triggers/File",
}
# What the scripts of libraries' packages write: x11-common and fontconfig.
BY_SCRIPTS = ("/etc/rcS.d/", "/etc/fonts/conf.d/", "/var/cache/fontconfig/")
# pip vendors a rich of its own.
OF_THE_TOOLS = re.compile(
    r"(?<!/_vendor)/(multistage_docker|typer|rich|elftools|pyelftools)(-[^/]+)?(/|$)|/(apt-install|find-libdeps)$"
)


@dataclass(frozen=True, slots=True)
class Example:
    """An example: its folder (or DEFAULT), how its output starts, packages that it must list, its base."""

    name: str
    says: str
    packages: frozenset[str]
    base: str = "python:3.11-slim-bookworm"
    stage: str = ""


# Dockerfile.example itself.
DEFAULT = "default"
EXAMPLES = (
    Example(DEFAULT, "libpq ", frozenset({"libpq5", "libjpeg62-turbo", "libwebp7", "libfreetype6"})),
    Example("pip", "libpq 15.", frozenset({"libpq5"})),
    Example("uv", "libyaml 0.2.", frozenset({"libyaml-0-2"})),
    Example("debian-python", "libpq 15.", frozenset({"libpq5"}), stage="runtime"),
    Example("cache-mounts", "libpq 15.", frozenset({"libpq5"})),
    Example("opencv", "edge pixels: ", frozenset({"libgl1"})),
    Example("dlopen", "application/pdf", frozenset({"libmagic1", "libpango-1.0-0", "libpangoft2-1.0-0"})),
    Example("held", "libpq 15.", frozenset({"libpq5", "libyaml-0-2"}), stage="vendor"),
    Example("web", "Python 3.11.", frozenset({"libpq5", "libjpeg62-turbo"})),
)


@dataclass(frozen=True, slots=True)
class Built:
    """An example, its final image, and the image that it starts from."""

    example: Example
    image: str
    base: str


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda example: example.name)
def built(request: pytest.FixtureRequest, base_images: Engine, root: Path) -> Built:
    """Return each example, built from this checkout."""
    example: Example = request.param
    folder = root / "docker" / "examples" / example.name
    dockerfile = root / "Dockerfile.example" if example.name == DEFAULT else folder / "Dockerfile"
    tag = f"multistage-docker-test:example-{example.name}"
    base = example.base
    if example.stage:
        base = base_images.build(dockerfile, f"{tag}-base", context=root, target=example.stage)
    return Built(example, base_images.build(dockerfile, tag, context=root), base)


@pytest.fixture(scope="module")
def addition(built: Built, engine: Engine) -> Layer:
    """Return what the final image has that the image it starts from has not."""
    return added(merged(engine.layers(built.base)), merged(engine.layers(built.image)))


def _listed(engine: Engine, built: Built) -> set[str]:
    return set(engine.output(built.image, "cat", f"{APPLICATION}/pkgdeps.txt").split())


def _installed(engine: Engine, image: str) -> dict[str, str]:
    said = engine.output(image, "dpkg-query", "--show", "--showformat=${Package} ${Version}\n")
    return dict(line.split() for line in said.splitlines())


def test_runs_hardened(built: Built, engine: Engine) -> None:
    """The application works unprivileged, without capabilities, on a read-only file system."""
    command = (f"{APPLICATION}/bin/python", "--version") if built.example.name == "web" else ()
    said = engine.output(built.image, *command, options=HARDENED)
    assert said.startswith(built.example.says)


def test_lists_what_it_needs(built: Built, engine: Engine) -> None:
    """The packages that the example is about are listed, and every listed one is installed."""
    listed = _listed(engine, built)
    assert listed >= built.example.packages
    assert listed <= _installed(engine, built.image).keys()


def test_names_what_it_is(built: Built, engine: Engine) -> None:
    """The image carries the annotations of the Open Container Initiative, and runs as no privileged user."""
    done = subprocess.run(
        [engine.client, "image", "inspect", built.image], capture_output=True, text=True, check=True
    )
    (inspected,) = json.loads(done.stdout)
    prefix = "org.opencontainers.image."
    labels = {
        name.removeprefix(prefix): value
        for name, value in inspected["Config"]["Labels"].items()
        if name.startswith(prefix)
    }
    assert labels.keys() == {"title", "description", "licenses", "version", "revision"}
    assert all(labels.values())
    assert inspected["Config"]["User"] == "1000:1000"


def test_no_layer_undoes_another(built: Built, engine: Engine) -> None:
    """Nearly every byte in the image's layers is one that a container sees, as dive counts them."""
    assert efficiency(engine, built.image) >= LEAST


def test_held_package_stays(built: Built, engine: Engine) -> None:
    """What the base has, on hold or not, has the same version in the final image."""
    before, after = _installed(engine, built.base), _installed(engine, built.image)
    assert {name: after.get(name) for name in before} == before
    held = engine.output(built.image, "apt-mark", "showhold").split()
    assert held == (["libpq5"] if built.example.name == "held" else [])


def test_every_added_file_is_accounted_for(built: Built, addition: Layer, engine: Engine) -> None:
    """What is added belongs to the virtualenv or an added package, or is the package system's state."""
    new = sorted(_installed(engine, built.image).keys() - _installed(engine, built.base).keys())
    owned = engine.output(
        built.image,
        "sh",
        "-c",
        'for name; do dpkg-query --listfiles "$name"; done; ls /var/lib/dpkg/info/*',
        "sh",
        *new,
    )
    # bookworm registers files under the names that they had before /usr was merged.
    known = {path if not path.startswith("/lib") else f"/usr{path}" for path in owned.splitlines()}
    assert [
        path
        for path in files(addition)
        if not path.startswith((f"{APPLICATION}/", *BY_SCRIPTS)) and path not in known and path not in STATE
    ] == []


def test_no_byte_of_the_tools(addition: Layer) -> None:
    """No file of the commands or of what they depend on is added, and no bytecode outside the virtualenv."""
    assert [path for path in files(addition) if OF_THE_TOOLS.search(path)] == []
    assert [path for path in addition if path.startswith("/opt/") and path != "/opt/tools"] == []
    assert [
        path for path in addition if "__pycache__" in path and not path.startswith(f"{APPLICATION}/")
    ] == []


EPOCH = 1_700_000_000
LATER = f"find /etc /usr /var -xdev -newermt @{EPOCH} -type f -not -path '{APPLICATION}/*'"
BYTECODE = f"""
import pathlib
# PEP 552: the second word of bytecode is 0 when it holds its source's time, 3 for a hash that is checked.
words = {{path.read_bytes()[4:8] for path in pathlib.Path({APPLICATION!r}).rglob("*.pyc")}}
print(sorted(int.from_bytes(word, "little") for word in words))
"""


def test_source_date_epoch(base_images: Engine, root: Path) -> None:
    """Given a time, bytecode depends on no clock, and what apt-install wrote is not newer than that."""
    dockerfile = root / "docker" / "examples" / "pip" / "Dockerfile"
    arguments = {"SOURCE_DATE_EPOCH": str(EPOCH)}
    image = base_images.build(
        dockerfile, "multistage-docker-test:example-epoch", context=root, arguments=arguments
    )
    assert base_images.output(image, f"{APPLICATION}/bin/python", "-c", BYTECODE).strip() == "[3]"
    before = base_images.output("python:3.11-slim-bookworm", "sh", "-c", LATER)
    after = base_images.output(image, "sh", "-c", LATER, options=("--user", "0"))
    assert set(after.split()) <= set(before.split()) - {"/var/lib/dpkg/status"}
