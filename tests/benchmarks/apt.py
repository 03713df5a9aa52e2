"""How long apt-install takes, beside the line that Dockerfiles have long had for it.

    python tests/benchmarks/apt.py [--package NAME] [--repeat N]

Needs a Docker engine and the base images (tests/image/base-images). Each run is a container of its own, the
ways take turns, and the medians count. Writes results/apt.json and, from it, results/README.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Run as a program, the folder has only itself on the path.
sys.path.insert(0, str(Path(__file__).parents[1]))

from support.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).with_name("results")
BASE = "python:3.11-slim-bookworm"
TOOLS = f"""\
FROM {BASE}
RUN --mount=type=bind,target=/mnt python3 -m venv /opt/tools && /opt/tools/bin/pip install --no-cache-dir /mnt
"""
INSTALL = "apt-get update && apt-get install -y --no-install-recommends {package}"
CACHES = ("/var/cache/apt", "/var/lib/apt/lists")
# Prints the seconds that a command took, and fails where it fails.
TIMED = (
    'start=$(date +%s%N); { sh -c "$1"; } > /tmp/said 2>&1 || { cat /tmp/said >&2; exit 1; }; '
    "echo $(($(date +%s%N) - start))"
)


@dataclass(frozen=True, slots=True)
class Way:
    """A way to install: its commands without and with cache mounts, and what those need in the image."""

    name: str
    plain: str
    cached: str


WAYS = (
    Way("apt-install", "/opt/tools/bin/apt-install {package}", "/opt/tools/bin/apt-install {package}"),
    Way(
        "apt-get, the classic line",
        f"{INSTALL} && rm -rf /var/lib/apt/lists/*",
        # As Docker's documentation has it: the hook that empties the cache goes.
        f"rm -f /etc/apt/apt.conf.d/docker-clean; {INSTALL}",
    ),
)
SETTINGS = ("nothing to do", "first", "cached")


def seconds(engine: Engine, image: str, command: str, volumes: tuple[str, ...] = ()) -> float:
    """Return how long a command takes in a new container."""
    mounts = [part for volume in volumes for part in ("--volume", volume)]
    argv = [engine.client, "run", "--rm", "--network=host", *mounts, image, "sh", "-c", TIMED, "sh", command]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    return int(done.stdout) / 1e9


def measured(engine: Engine, package: str, repeat: int) -> Iterator[tuple[str, str, float]]:
    """Yield the seconds of each run: setting, way, time."""
    image = engine.build(TOOLS, "multistage-docker-test:benchmark", context=ROOT)
    line = f"FROM {image}\nRUN {INSTALL.format(package=package)}\n"
    with tempfile.TemporaryDirectory() as nothing:
        done = engine.build(line, "multistage-docker-test:benchmark-done", context=Path(nothing))
    volumes = {
        way: tuple(f"multistage-docker-bench-{number}-{part}:{target}" for part, target in enumerate(CACHES))
        for number, way in enumerate(WAYS)
    }
    try:
        for way in WAYS:
            seconds(engine, image, way.cached.format(package=package), volumes[way])
        for _ in range(repeat):
            for way in WAYS:
                plain, cached = way.plain.format(package=package), way.cached.format(package=package)
                yield "nothing to do", way.name, seconds(engine, done, plain)
                yield "first", way.name, seconds(engine, image, plain)
                yield "cached", way.name, seconds(engine, image, cached, volumes[way])
    finally:
        names = [volume.partition(":")[0] for several in volumes.values() for volume in several]
        subprocess.run([engine.client, "volume", "rm", "--force", *names], capture_output=True, check=False)


def table(document: dict[str, Any]) -> str:
    """Return the page that shows the results."""
    lines = [
        "# apt-install beside the classic line",
        "",
        f"Made by `python tests/benchmarks/apt.py` on {document['date']}, {document['base']},",
        f"{document['package']}; seconds, medians of {document['repeat']} runs that took turns. Not to be edited.",
        "",
        f"| setting | {' | '.join(way.name for way in WAYS)} | ratio |",
        f"|---|{'---:|' * len(WAYS)}---:|",
    ]
    for setting in SETTINGS:
        medians = [statistics.median(document["seconds"][setting][way.name]) for way in WAYS]
        cells = " | ".join(f"{median:.2f}" for median in medians)
        lines.append(f"| {setting} | {cells} | {medians[1] / medians[0]:.1f} |")
    lines += [
        "",
        "A ratio above 1 says how many times faster apt-install is. *Cached* is with cache mounts on",
        "",
    ]
    lines[-2] += f" {' and '.join(f'`{target}`' for target in CACHES)}, filled by an earlier run."
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark and write its results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--package", default="tcpdump")
    parser.add_argument("--repeat", type=int, default=7, help="runs of each way in each setting")
    options = parser.parse_args()
    finder = ROOT / "tests" / "image" / "docker-engine"
    client = subprocess.run([finder], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    found: dict[str, dict[str, list[float]]] = {setting: {} for setting in SETTINGS}
    for setting, way, time in measured(Engine(client), options.package, options.repeat):
        found[setting].setdefault(way, []).append(round(time, 3))
    document = {
        "date": dt.datetime.now(dt.timezone.utc).date().isoformat(),
        "base": BASE,
        "package": options.package,
        "repeat": options.repeat,
        "seconds": found,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "apt.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    text = table(document)
    (RESULTS / "README.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
