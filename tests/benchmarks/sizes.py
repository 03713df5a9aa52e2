"""How large images of three applications are, made in three ways.

An image counts as working when the application runs in it, unprivileged and on a read-only file system.
"""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import facts
from benchmarks.ways import CLEAN
from corpus.peers import CAREFUL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.documents import Image, Sizes
    from support.engine import Engine

ROOT = Path(__file__).parents[2]
TAG = "multistage-docker-test:size"
SUITE = "bookworm"
PYTHON = "3.11"
BASES = (f"python:{PYTHON}-{SUITE}", f"python:{PYTHON}-slim-{SUITE}")
HARDENED = ("--read-only", "--user", "1000:1000", "--cap-drop", "ALL")

# The scripts that are handed around, at their best: owners of whole file names, no recommended packages, and
# such leftovers of apt's removed as they know of.
CLASSIC_FIND = f"{shlex.join(CAREFUL.command('/app'))} > /app/pkgdeps.txt"
CLASSIC_INSTALL = (
    "if [ -s /app/pkgdeps.txt ]; then apt-get update"
    " && xargs -a /app/pkgdeps.txt apt-get install -y --no-upgrade --no-install-recommends"
    f" && {CLEAN}; fi"
)
DOCKERFILE = """\
FROM python:{python}-{suite} AS tools
RUN --mount=type=bind,target=/mnt python3 -m venv /opt/tools && /opt/tools/bin/pip install --no-cache-dir /mnt

FROM python:{python}-{suite} AS builder
RUN --mount=type=cache,target=/root/.cache/pip python3 -m venv /app && /app/bin/pip install {requirements}

FROM builder AS classic-list
RUN {classic_find}

FROM python:{python}-slim-{suite} AS classic
COPY --from=classic-list /app /app
RUN {classic_install}

FROM builder AS list
RUN --mount=from=tools,source=/opt/tools,target=/opt/tools \\
    /opt/tools/bin/find-libdeps {options} /app > /app/pkgdeps.txt

FROM python:{python}-slim-{suite} AS ours
COPY --from=list /app /app
RUN --mount=from=tools,source=/opt/tools,target=/opt/tools \\
    xargs -ra /app/pkgdeps.txt /opt/tools/bin/apt-install && /opt/tools/bin/find-libdeps --check /app
"""


@dataclass(frozen=True, slots=True)
class Application:
    """What pip installs, the options of find-libdeps, and a program that shows that it works."""

    name: str
    requirements: str
    program: str
    options: str = ""


APPLICATIONS = (
    Application(
        "web application in pure Python",
        "flask gunicorn",
        "import flask, gunicorn; flask.Flask('application')",
    ),
    Application(
        "psycopg2 and Pillow from source",
        "--no-binary psycopg2,pillow psycopg2 pillow",
        "import io, psycopg2, PIL.Image; PIL.Image.new('RGB', (8, 8)).save(io.BytesIO(), 'JPEG')",
    ),
    Application(
        "OpenCV",
        "opencv-python",
        "import cv2, numpy; cv2.Canny(numpy.zeros((8, 8), numpy.uint8), 1, 2)",
        "--resolve-missing",
    ),
)
WAYS = ("builder", "classic", "ours")


def measure(engine: Engine) -> Sizes:
    """Build all images."""
    tools = engine.build(dockerfile(APPLICATIONS[0]), f"{TAG}-tools", context=ROOT, target="tools")
    return {
        "facts": facts.of_image(engine, tools, "/opt/tools/bin/python"),
        "bases": {name: size_of(engine, name) for name in BASES},
        "applications": [
            {
                "name": application.name,
                "requirements": application.requirements,
                "images": list(images(engine, application)),
            }
            for application in APPLICATIONS
        ],
    }


def images(engine: Engine, application: Application) -> Iterator[Image]:
    """Build an application's images and yield the size of each."""
    for way in WAYS:
        image = engine.build(dockerfile(application), f"{TAG}-{way}", context=ROOT, target=way)
        ran = engine.run(image, "/app/bin/python", "-c", application.program, options=HARDENED)
        listed = engine.run(image, "cat", "/app/pkgdeps.txt")
        size = size_of(engine, image)
        print(f"{application.name:42}{way:24}{size / 1e6:8.0f} MB", flush=True)
        yield {
            "way": way,
            "size": size,
            "works": ran.returncode == 0,
            "packages": None if listed.returncode else len(listed.stdout.split()),
        }


def dockerfile(application: Application) -> str:
    """Return the stages of all images of an application."""
    return DOCKERFILE.format(
        python=PYTHON,
        suite=SUITE,
        requirements=application.requirements,
        options=application.options,
        classic_find=CLASSIC_FIND,
        classic_install=CLASSIC_INSTALL,
    )


def size_of(engine: Engine, image: str) -> int:
    """Return the size of an image in bytes, as the engine tells it."""
    argv = [engine.client, "image", "inspect", "--format", "{{.Size}}", image]
    return int(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
