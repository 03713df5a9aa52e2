"""A Docker engine as the image tests use it: build an image, run a container, read what an image holds."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from support.layers import read_layers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from support.layers import Layer


class BuildFailedError(Exception):
    """An image could not be built; the message holds the end of the build's output."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A docker client whose engine answers and that drives BuildKit."""

    client: str

    def build(  # noqa: PLR0913 - all that a build is told
        self,
        dockerfile: Path | str,
        tag: str,
        *,
        context: Path,
        arguments: Mapping[str, str] | None = None,
        target: str = "",
        fresh: bool = False,
    ) -> str:
        """Build a Dockerfile, given as a path or as its text, and return the image's tag.

        With ``fresh`` no step is taken from the build cache. Raises BuildFailedError. Nothing is cleaned up:
        the build cache is what makes the next run quick.
        """
        argv = [self.client, "build", "--network=host", "--progress=plain", "--tag", tag]
        for name, value in (arguments or {}).items():
            argv += ["--build-arg", f"{name}={value}"]
        if target:
            argv += ["--target", target]
        if fresh:
            argv.append("--no-cache")
        with tempfile.NamedTemporaryFile("w", suffix=".Dockerfile") as written:
            if isinstance(dockerfile, str):
                written.write(dockerfile)
                written.flush()
            path = written.name if isinstance(dockerfile, str) else str(dockerfile)
            done = subprocess.run(
                [*argv, "--file", path, str(context)],
                env={**os.environ, "DOCKER_BUILDKIT": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                check=False,
            )
        if done.returncode:
            raise BuildFailedError(f"{tag}: exit status {done.returncode}\n{done.stdout[-8000:]}")
        return tag

    def run(
        self, image: str, *command: str, options: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a command, or the image's own, in a new container; any exit status is returned."""
        return subprocess.run(
            [self.client, "run", "--rm", "--network=host", *options, image, *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )

    def output(self, image: str, *command: str, options: tuple[str, ...] = ()) -> str:
        """Return what a command that must succeed prints to stdout; its failure is an AssertionError."""
        done = self.run(image, *command, options=options)
        if done.returncode:
            raise AssertionError(
                f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done.stdout

    @contextmanager
    def started(self, image: str, *command: str, options: tuple[str, ...] = ()) -> Iterator[str]:
        """Run a command, or the image's own, while the block lasts, and give the container's name."""
        argv = [self.client, "run", "--detach", "--network=host", *options, image, *command]
        name = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
        try:
            yield name
        finally:
            subprocess.run([self.client, "rm", "--force", "--volumes", name], capture_output=True, check=True)

    def layers(self, image: str) -> tuple[Layer, ...]:
        """Return the layers of an image, the lowest first."""
        with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
            subprocess.run([self.client, "save", "--output", archive.name, image], check=True)
            return read_layers(archive.name)
