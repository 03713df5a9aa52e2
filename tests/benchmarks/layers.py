"""What each way to install adds to an image: bytes of its layer, and what differs when it is built again."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.ways import APT_INSTALL, WAYS, Way

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.documents import Layer
    from support import layers as content
    from support.engine import Engine

TOOLS_TAG = "multistage-docker-test:benchmark"
SLIM = "debian:bookworm-slim"
# The images of Docker have a hook that empties apt's caches; those made by debootstrap have not.
BASES = {
    SLIM: f"FROM {SLIM}\n",
    f"{SLIM} without docker-clean": f"FROM {SLIM}\nRUN rm -f /etc/apt/apt.conf.d/docker-clean\n",
}
# The interpreter and the command come from another image for the time of one step, and leave no byte.
BORROWED = f"--mount=from={TOOLS_TAG},source=/usr/local,target=/usr/local LD_LIBRARY_PATH=/usr/local/lib"


def layers(engine: Engine, package: str) -> Iterator[Layer]:
    """Build each way's layer twice on each base, none of it from a cache, and yield what came of it."""
    for base, dockerfile in BASES.items():
        for way in WAYS:
            first, second = (built(engine, dockerfile, way, package) for _ in range(2))
            found: Layer = {
                "base": base,
                "way": way.name,
                "size": sum(entry.size for entry in first.values()),
                "entries": len(first),
                "differing": len(differing(first, second)),
            }
            print(f"{base:42}{way.title:24}{found['size'] / 1e6:8.2f} MB", flush=True)
            yield found


def built(engine: Engine, dockerfile: str, way: Way, package: str) -> content.Layer:
    """Return the layer of a step that installs a package."""
    tools = BORROWED if way == APT_INSTALL else ""
    text = f"{dockerfile}RUN {tools} {way.plain.format(package=package)}\n"
    with tempfile.TemporaryDirectory() as nothing:
        image = engine.build(text, f"{TOOLS_TAG}-layer", context=Path(nothing), fresh=True)
    try:
        return engine.layers(image)[-1]
    finally:
        subprocess.run([engine.client, "rmi", image], capture_output=True, check=False)


def differing(first: content.Layer, second: content.Layer) -> tuple[str, ...]:
    """Return the sorted paths whose entries are not the same in two layers."""
    return tuple(sorted(path for path in {*first, *second} if first.get(path) != second.get(path)))
