"""A Docker engine, as the corpus uses it: images, containers, volumes, and cleaning up after itself."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_LONGEST_BUILD_SECONDS = 3600
_LONGEST_RUN_SECONDS = 1800
_TIMED_OUT = 124
_OUTPUT_KEPT = 2000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a program did: its exit status, its two outputs and the wall time in seconds."""

    returncode: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def complaint(self) -> str:
        """The end of what the program wrote, for a reader who wants to know why it failed."""
        return (self.stderr.strip() or self.stdout.strip())[-_OUTPUT_KEPT:]


@dataclass(frozen=True, slots=True)
class Engine:
    """The docker client at a path."""

    client: str

    def build(self, dockerfile: str, tag: str, context: Path) -> Outcome:
        """Build an image with BuildKit and the host's network; any exit status is returned."""
        with tempfile.NamedTemporaryFile("w", suffix=".Dockerfile") as written:
            written.write(dockerfile)
            written.flush()
            argv = ("build", "--network=host", "--progress=plain", "--tag", tag, "--file", written.name)
            return self._call((*argv, str(context)), _LONGEST_BUILD_SECONDS)

    def run(
        self, image: str, command: Iterable[str], volumes: Mapping[str, str], *, network: bool
    ) -> Outcome:
        """Run a command in a new container that is removed. ``volumes`` are targets by source."""
        mounts = [part for source, target in volumes.items() for part in ("--volume", f"{source}:{target}")]
        net = "--network=host" if network else "--network=none"
        argv = ("run", "--rm", "--init", net, *mounts, image, *command)
        return self._call(argv, _LONGEST_RUN_SECONDS)

    def fill_volume(self, volume: str, image: str, path: str) -> None:
        """Make a volume hold what an image holds at a path: the engine copies it into an empty volume."""
        self.remove_volume(volume)
        self._require(("run", "--rm", "--network=none", "--volume", f"{volume}:{path}", image, "true"))

    def remove_volume(self, volume: str) -> None:
        """Remove a volume if it is there."""
        self._call(("volume", "rm", "--force", volume), _LONGEST_RUN_SECONDS)

    def has_image(self, image: str) -> bool:
        """Whether the engine holds an image of that name."""
        return self._call(("image", "inspect", image), _LONGEST_RUN_SECONDS).returncode == 0

    def inspect(self, image: str) -> Any:  # noqa: ANN401 - the engine's own document
        """Return what the engine knows of an image."""
        return json.loads(self._require(("image", "inspect", image)).stdout)[0]

    def remove_images(self, *images: str) -> None:
        """Remove images if they are there."""
        self._call(("image", "rm", "--force", *images), _LONGEST_RUN_SECONDS)

    def forget_builds(self, mark: str) -> None:
        """Drop the build cache of the steps whose description holds a mark, and of no others."""
        # The engine refuses to look while another run has it look.
        known = self._require(("system", "df", "--verbose", "--format", "{{json .}}"), tries=60).stdout
        for record in cache_of(mark, json.loads(known)["BuildCache"]):
            self._call(("builder", "prune", "--force", "--filter", f"id={record}"), _LONGEST_RUN_SECONDS)

    def _require(self, argv: tuple[str, ...], *, tries: int = 1) -> Outcome:
        outcome = self._call(argv, _LONGEST_RUN_SECONDS)
        while outcome.returncode and tries > 1:
            time.sleep(1)
            tries -= 1
            outcome = self._call(argv, _LONGEST_RUN_SECONDS)
        if outcome.returncode:
            raise RuntimeError(f"docker {' '.join(argv)}: {outcome.complaint}")
        return outcome

    def _call(self, argv: tuple[str, ...], longest: int) -> Outcome:
        start = time.perf_counter()
        try:
            done = subprocess.run(
                (self.client, *argv),
                env={**os.environ, "DOCKER_BUILDKIT": "1"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=longest,
            )
        except subprocess.TimeoutExpired:
            return Outcome(_TIMED_OUT, "", f"no end after {longest} seconds", time.perf_counter() - start)
        return Outcome(done.returncode, done.stdout, done.stderr, round(time.perf_counter() - start, 2))


def cache_of(mark: str, records: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """Return the identifiers of a build cache's records that belong to steps with a mark, children first.

    A COPY before such a step has no description of its own, so it is told by the step that follows it.
    """
    known = {record["ID"].rstrip("*"): record for record in records}
    marked = [name for name, record in known.items() if f" {mark};" in record["Description"]]
    parents = [known[name]["Parent"].rstrip("*") for name in marked]
    copies = [name for name in parents if name in known and known[name]["Description"].startswith("fileop ")]
    return tuple(dict.fromkeys((*reversed(marked), *copies)))
