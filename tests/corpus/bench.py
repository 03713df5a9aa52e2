"""One suite's workplace: the tools' image, the shared volumes, and programs run inside a case's images."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus import dockerfiles
from corpus.dockerfiles import TOOLS, VIRTUALENV

if TYPE_CHECKING:
    from collections.abc import Iterator

    from corpus.engine import Engine, Outcome

CORPUS = Path(__file__).parent
# Where the containers see this package.
_MODULES = "/opt/corpus"


class StepFailedError(Exception):
    """A step of a case could not be done; the message is the end of what it said."""


@dataclass(frozen=True, slots=True)
class Bench:
    """The engine, the suite, and the names of what the cases share."""

    engine: Engine
    suite: str
    tools_image: str
    tools_volume: str

    @property
    def lists_volume(self) -> str:
        """Package lists of apt for plain apt-get, shared by all trials."""
        return f"corpus-lists-{self.suite}"

    @property
    def archives_volume(self) -> str:
        """Downloaded packages, shared by all trials."""
        return f"corpus-archives-{self.suite}"

    def module(
        self,
        image: str,
        module: str,
        *arguments: str,
        tools: bool = True,
        volumes: dict[str, str] | None = None,
    ) -> Any:  # noqa: ANN401 - each module's own document
        """Run a module of ``corpus.inside`` in an image and return the document that it prints.

        With ``tools`` the commands' own Python runs it, so that it can import their package.
        """
        python = f"{TOOLS}/bin/python" if tools else "/usr/local/bin/python3"
        command = (
            "env",
            f"PYTHONPATH={_MODULES}",
            "PYTHONDONTWRITEBYTECODE=1",
            python,
            "-m",
            f"corpus.inside.{module}",
        )
        outcome = self.run(image, *command, *arguments, network=True, volumes=volumes)
        if outcome.returncode:
            raise StepFailedError(outcome.complaint)
        return json.loads(outcome.stdout)

    def run(
        self, image: str, *command: str, network: bool = False, volumes: dict[str, str] | None = None
    ) -> Outcome:
        """Run a command in an image where the tools and this package are mounted."""
        shared = {self.tools_volume: f"{TOOLS}:ro", str(CORPUS): f"{_MODULES}/corpus:ro"}
        return self.engine.run(image, command, {**shared, **(volumes or {})}, network=network)

    def trial(self, virtualenv: str, check: str, packages: tuple[str, ...]) -> Any:  # noqa: ANN401
        """Install packages in a slim container with apt-get, and run a check there."""
        volumes = {
            virtualenv: f"{VIRTUALENV}:ro",
            self.lists_volume: "/var/lib/apt/lists",
            self.archives_volume: "/archives",
        }
        arguments = ("--python", f"{VIRTUALENV}/bin/python", "--check", check, *packages)
        return self.module(
            dockerfiles.slim_image(self.suite), "trial", *arguments, tools=False, volumes=volumes
        )

    def build(self, dockerfile: str, tag: str, files: dict[str, str] | None = None) -> Outcome:
        """Build an image from a Dockerfile, with a context that holds just the given files."""
        with tempfile.TemporaryDirectory() as context:
            for name, content in (files or {}).items():
                (Path(context) / name).write_text(content, encoding="utf-8")
            return self.engine.build(dockerfile, tag, Path(context))


@contextmanager
def prepared(engine: Engine, suite: str, wheel: Path, version: str) -> Iterator[Bench]:
    """Provide a bench for a suite, with the tools of a wheel that stands alone in its directory.

    ``version`` tells the tools from those of other checkouts. The tools are removed in the end.
    """
    image, volume = f"corpus-tools:{suite}-{version}", f"corpus-tools-{suite}-{version}"
    outcome = engine.build(dockerfiles.tools(suite, wheel.name), image, wheel.parent)
    if outcome.returncode:
        raise StepFailedError(f"{version}: {outcome.complaint}")
    engine.fill_volume(volume, image, TOOLS)
    try:
        yield Bench(engine, suite, image, volume)
    finally:
        engine.remove_volume(volume)
        engine.remove_images(image)
