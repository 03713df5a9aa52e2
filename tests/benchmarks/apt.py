"""How long apt-install takes, and what its layer holds, beside what Dockerfiles have long had for it."""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import facts
from benchmarks.layers import TOOLS_TAG, layers
from benchmarks.measure import turns
from benchmarks.ways import DOCUMENTED, WAYS, Way

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.documents import Apt
    from support.engine import Engine

ROOT = Path(__file__).parents[2]
BASE = "python:3.11-slim-bookworm"
TOOLS = f"""\
FROM {BASE}
RUN --mount=type=bind,target=/mnt pip install --no-cache-dir --root-user-action=ignore /mnt
"""
NOTHING_TO_DO, FIRST, CACHED = "nothing to do", "first", "cached"
SETTINGS = (NOTHING_TO_DO, FIRST, CACHED)
# Prints the nanoseconds that a command took, and fails with what it said where it fails.
TIMED = (
    'start=$(date +%s%N); sh -c "$1" > /tmp/said 2>&1 || { cat /tmp/said >&2; exit 1; }; '
    "echo $(($(date +%s%N) - start))"
)


class CommandFailedError(Exception):
    """A command failed in its container; the message holds what it said."""


def measure(engine: Engine, package: str, repeat: int) -> Apt:
    """Run the benchmark with a package that the base has not."""
    image = engine.build(TOOLS, TOOLS_TAG, context=ROOT)
    return {
        "facts": facts.of_image(engine, image, "python3"),
        "base": BASE,
        "package": package,
        "seconds": times(engine, image, package, repeat),
        "layers": list(layers(engine, package)),
    }


def times(engine: Engine, image: str, package: str, repeat: int) -> dict[str, dict[str, list[float]]]:
    """Return the seconds of each run, by setting and way; each run is a container of its own."""
    found: dict[str, dict[str, list[float]]] = {setting: {} for setting in SETTINGS}
    line = f"FROM {image}\nRUN {DOCUMENTED.plain.format(package=package)}\n"
    with tempfile.TemporaryDirectory() as nothing, filled_volumes(engine, image, package) as volumes:
        done = engine.build(line, f"{TOOLS_TAG}-done", context=Path(nothing))
        for setting, way in turns(dict.fromkeys(runs(), repeat)):
            command = (way.cached if setting == CACHED else way.plain).format(package=package)
            where = done if setting == NOTHING_TO_DO else image
            taken = seconds(engine, where, command, volumes[way] if setting == CACHED else ())
            print(f"{setting:16}{way.title:50}{taken:8.2f} s", flush=True)
            found[setting].setdefault(way.name, []).append(round(taken, 3))
    return found


def runs() -> Iterator[tuple[str, Way]]:
    """Yield each setting with each way that knows of it."""
    for setting in SETTINGS:
        for way in WAYS:
            if setting != CACHED or way.cached:
                yield setting, way


@contextmanager
def filled_volumes(engine: Engine, image: str, package: str) -> Iterator[dict[Way, tuple[str, ...]]]:
    """Provide, while the block lasts, filled volumes that stand for cache mounts: the options by way."""
    names = {
        way: {
            f"multistage-docker-benchmark-{way.name}-{number}": path for number, path in enumerate(way.caches)
        }
        for way in WAYS
    }
    options = {
        way: tuple(f"--volume={name}:{path}" for name, path in several.items())
        for way, several in names.items()
    }
    try:
        for way in WAYS:
            if way.cached:
                seconds(engine, image, way.cached.format(package=package), options[way])
        yield options
    finally:
        every = [name for several in names.values() for name in several]
        subprocess.run([engine.client, "volume", "rm", "--force", *every], capture_output=True, check=False)


def seconds(engine: Engine, image: str, command: str, options: tuple[str, ...] = ()) -> float:
    """Return how long a command takes in a new container, the container's own start not counted."""
    done = engine.run(image, "sh", "-c", TIMED, "sh", command, options=options)
    if done.returncode:
        raise CommandFailedError(f"{command}\n{done.stderr}")
    return int(done.stdout) / 1e9
