"""How large images of three applications are, made in three ways; measured in one run and drawn.

    python tests/benchmarks/sizes.py [--draw]

Needs a Docker engine and the base images (tests/image/base-images). Writes docker/sizes.json, then draws
docker/sizes.svg from it; --draw does only that. An image counts as working when the application runs in it,
unprivileged and on a read-only file system.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# Run as a program, the folder has only itself on the path.
sys.path.insert(0, str(Path(__file__).parents[1]))

from typing import TYPE_CHECKING

from benchmarks.picture import draw
from support.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.picture import Image, Sizes

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "docker" / "sizes.json"
PICTURE = ROOT / "docker" / "sizes.svg"
SUITE = "bookworm"
PYTHON = "3.11"
HARDENED = ("--read-only", "--user", "1000:1000", "--cap-drop", "ALL")

# The scripts that are handed around: libraries by ldd, owners by a search for a part of the file name, and
# such leftovers of apt's removed as they know of.
CLASSIC_FIND = (
    "find /app -type f \\( -executable -o -name '*.so*' \\) -exec ldd '{}' ';' 2>/dev/null"
    " | awk '/=>/ { sub(/^.*\\//, \"*/\", $3); print $3 }' | sort -u"
    " | xargs -r dpkg-query --search 2>/dev/null | cut -d: -f1 | sort -u > /app/pkgdeps.txt || true"
)
CLASSIC_INSTALL = (
    "if [ -s /app/pkgdeps.txt ]; then apt-get update"
    " && xargs -a /app/pkgdeps.txt apt-get install -y --no-upgrade --no-install-recommends"
    " && rm -fr /var/lib/apt/lists /var/lib/cache/* /var/log/*; fi"
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


def measured(engine: Engine, application: Application) -> Iterator[Image]:
    """Build an application's images and yield the size of each."""
    text = DOCKERFILE.format(
        python=PYTHON,
        suite=SUITE,
        requirements=application.requirements,
        options=application.options,
        classic_find=CLASSIC_FIND,
        classic_install=CLASSIC_INSTALL,
    )
    for way in WAYS:
        image = engine.build(text, f"multistage-docker-test:size-{way}", context=ROOT, target=way)
        ran = engine.run(image, "/app/bin/python", "-c", application.program, options=HARDENED)
        listed = engine.run(image, "cat", "/app/pkgdeps.txt")
        yield {
            "way": way,
            "size": size_of(engine, image),
            "works": ran.returncode == 0,
            "packages": None if listed.returncode else len(listed.stdout.split()),
        }


def size_of(engine: Engine, image: str) -> int:
    """Return the size of an image in bytes, as the engine tells it."""
    argv = [engine.client, "image", "inspect", "--format", "{{.Size}}", image]
    return int(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)


def table(sizes: Sizes) -> str:
    """Return the numbers as a table in Markdown, in MB."""
    lines = [
        "| application | one stage: the builder | slim, classic scripts | slim, multistage-docker |",
        "|---|---:|---:|---:|",
    ]
    for application in sizes["applications"]:
        cells = [cell(image) for image in application["images"]]
        lines.append(f"| {' | '.join((application['name'], *cells))} |")
    return "\n".join(lines) + "\n"


def cell(image: Image) -> str:
    """Return one image as the cell of a table."""
    text = f"{image['size'] / 1e6:.0f} MB"
    if image["packages"] is not None:
        text += f", {image['packages']} package{'' if image['packages'] == 1 else 's'}"
    return text if image["works"] else f"{text}, **does not run**"


def main() -> None:
    """Measure, write, draw and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--draw", action="store_true", help="draw the picture again from the numbers of the last run"
    )
    if not parser.parse_args().draw:
        client = subprocess.run(
            [ROOT / "tests" / "image" / "docker-engine"], stdout=subprocess.PIPE, text=True, check=True
        )
        engine = Engine(client.stdout.strip())
        result: Sizes = {
            "python": PYTHON,
            "suite": SUITE,
            "bases": {
                name: size_of(engine, name)
                for name in (f"python:{PYTHON}-{SUITE}", f"python:{PYTHON}-slim-{SUITE}")
            },
            "applications": [
                {
                    "name": application.name,
                    "requirements": application.requirements,
                    "images": list(measured(engine, application)),
                }
                for application in APPLICATIONS
            ],
        }
        RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    sizes: Sizes = json.loads(RESULT.read_text(encoding="utf-8"))
    PICTURE.write_text(draw(sizes), encoding="utf-8")
    print(table(sizes))


if __name__ == "__main__":
    main()
