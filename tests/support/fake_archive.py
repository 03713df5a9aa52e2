"""A package archive that is written down: apt and dpkg-deb for the search of what ships a library."""

from __future__ import annotations

import gzip
import posixpath
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from multistage_docker.process import Completed

if TYPE_CHECKING:
    from collections.abc import Mapping

DIRECTORY = "/usr/lib/x86_64-linux-gnu"


@dataclass(slots=True)
class Archive:
    """apt and dpkg-deb on an archive of packages with their files; ``asked`` are the commands that ran.

    ``priorities`` are "optional" where nothing is said; ``depends`` is what the closure of dependencies
    of whatever is listed has; ``index`` is the Contents index, None where it cannot be fetched.
    """

    packages: Mapping[str, tuple[str, ...]]
    priorities: Mapping[str, str] = field(default_factory=dict)
    depends: tuple[str, ...] = ()
    index: str | None = None
    reachable: bool = True
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def capture(self, argv: tuple[str, ...]) -> Completed:
        """Answer as the programs do."""
        program = posixpath.basename(argv[0])
        if program == "dpkg-deb":
            name = posixpath.basename(argv[2]).partition("_")[0]
            lines = (f"-rw-r--r-- root/root 1 2024-01-01 00:00 .{path}" for path in self.packages[name])
            return Completed(argv, 0, "\n".join(lines), "")
        words = [word for word in argv[3:] if not word.startswith("-")]
        self.asked.append((program, *words))
        answer = getattr(self, f"_{words[0].replace('-', '_')}")(words[1:])
        return Completed(argv, 0 if answer is not None else 100, answer or "", "E: Temporary failure")

    def _update(self, _: list[str]) -> str | None:
        return "" if self.reachable else None

    def _indextargets(self, words: list[str]) -> str:
        if not self.reachable:
            return ""
        return "http://archive.test/Contents-amd64.gz\n" if "Contents" in words[0] else "a list\n"

    def _pkgnames(self, _: list[str]) -> str:
        return "\n".join(self.packages)

    def _show(self, names: list[str]) -> str:
        assert set(names) <= set(self.packages), "apt-cache takes an unknown name for a pattern"
        form = "Package: {}\nVersion: 1.0\nArchitecture: amd64\nPriority: {}\nDescription: a\n b: c\n"
        return "\n".join(form.format(name, self.priorities.get(name, "optional")) for name in names)

    def _download(self, names: list[str]) -> str:
        return "\n".join(f"'http://archive.test/{name}' {name}_1.0_amd64.deb 1 SHA256:0" for name in names)

    def _depends(self, _: list[str]) -> str:
        return "\n".join(f"{name}\n  Depends: other" for name in self.depends)

    def _download_file(self, words: list[str]) -> str | None:
        for target in (word for word in words if word.startswith("/")):
            if target.endswith(".gz"):
                if self.index is None:
                    return None
                Path(target).write_bytes(gzip.compress(self.index.encode()))
            else:
                Path(target).write_bytes(b"a deb")
        return ""
