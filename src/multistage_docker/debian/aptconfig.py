"""apt's configuration: where it keeps its files, and which hooks it runs."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multistage_docker.process import Runner

_LINE = re.compile(r'^(?P<key>\S+) "(?P<value>.*)";$')
_PARENTS = {
    "Dir::State::lists": "Dir::State",
    "Dir::State::extended_states": "Dir::State",
    "Dir::Cache::archives": "Dir::Cache",
    "Dir::State": "Dir",
    "Dir::Cache": "Dir",
    "Dir::Log": "Dir",
    "Dir::State::status": "Dir::State",
}


@dataclass(frozen=True, slots=True)
class AptConfig:
    """The output of ``apt-config dump``: every key, lower-cased, with its values in order."""

    values: Mapping[str, tuple[str, ...]]

    def get(self, key: str, default: str = "") -> str:
        """Return the value of a key; the last one where it was given more than once."""
        found = self.values.get(key.lower(), ())
        return found[-1] if found else default

    def get_list(self, key: str) -> tuple[str, ...]:
        """Return the values of a list, such as ``DPkg::Post-Invoke``."""
        return self.values.get(f"{key.lower()}::", ())

    @property
    def root(self) -> str:
        """The directory that apt takes for the root of the system: "/" unless RootDir says otherwise."""
        return posixpath.normpath(posixpath.join("/", self.get("RootDir")))

    def path(self, key: str) -> str:
        """Return a ``Dir::…`` entry as an absolute path, no slash at its end (apt.conf(5), DIRECTORIES)."""
        value = self.get(key)
        # The root goes before a path once, whichever of its parents made it absolute.
        while not value.startswith("/") and key in _PARENTS:
            key = _PARENTS[key]
            value = posixpath.join(self.get(key), value)
        return posixpath.normpath(posixpath.join(self.root, value.lstrip("/")))


def parse_dump(text: str) -> AptConfig:
    """Parse the output of ``apt-config dump``."""
    values: dict[str, list[str]] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match:
            values.setdefault(match["key"].lower(), []).append(match["value"])
    return AptConfig({key: tuple(found) for key, found in values.items()})


def read_config(runner: Runner, options: tuple[str, ...] = ()) -> AptConfig:
    """Ask apt for its configuration, with these ``-o`` options in effect."""
    return parse_dump(runner.capture(("apt-config", *options, "dump")).require_success().stdout)
