"""A container in which apt-install runs against a small repository whose server misbehaves on order."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from support.engine import Engine


@dataclass(frozen=True, slots=True)
class Observed:
    """What came of a run: exit status and output, files left in apt's places, requests, dpkg's audit."""

    code: int
    out: str
    err: str
    left: tuple[str, ...]
    requests: tuple[str, ...]
    audit: str
    after: str
    before: str
    seconds: float

    @property
    def last(self) -> str:
        """The last lines of stderr that are the command's own, as one text."""
        return "\n".join(line for line in self.err.splitlines() if line.startswith("apt-install: "))


@dataclass(frozen=True, slots=True)
class Bench:
    """An image with apt-install and the repository, and the engine to run it."""

    engine: Engine
    image: str

    def observe(self, *argv: str, options: tuple[str, ...] = (), **task: object) -> Observed:
        """Run a command in a new container without a network, but for the server on loopback."""
        done = subprocess.run(
            [
                *(self.engine.client, "run", "--rm", "--network=none", *options, self.image),
                *("python3", "/srv/observe.py", json.dumps({"argv": argv, **task})),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise AssertionError(f"the observer failed:\n{done.stdout}{done.stderr}")
        found: dict[str, Any] = json.loads(done.stdout)
        for name in ("left", "requests"):
            found[name] = tuple(found[name])
        return Observed(**found)


def make_bench(engine: Engine, wheel: Path, context: Path, folder: Path, suite: str) -> Bench:
    """Build the image of a bench in an empty folder, on the slim Python image of a suite."""
    shutil.copytree(context, folder, dirs_exist_ok=True)
    (folder / "wheels").mkdir()
    shutil.copy(wheel, folder / "wheels")
    image = f"multistage-docker-test/apt:{suite}"
    base = f"python:3.11-slim-{suite}"
    engine.build(folder / "Dockerfile", image, context=folder, arguments={"BASE": base})
    return Bench(engine, image)
