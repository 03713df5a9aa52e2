"""A made-up Debian below a directory: apt's and dpkg's answers from tables, and the files that they leave."""

from __future__ import annotations

import os
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from multistage_docker.errors import ProgramNotFoundError, StoppedError
from multistage_docker.process import Completed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

CONFIG = """\
RootDir "{root}";
Dir "/";
Dir::State "var/lib/apt";
Dir::State::lists "lists/";
Dir::State::extended_states "extended_states";
Dir::Cache "var/cache/apt";
Dir::Cache::archives "archives/";
Dir::Log "var/log/apt";
"""
REMOVE_IS_DISABLED = "Packages need to be removed but remove is disabled."
UNNEEDED = "The following packages were automatically installed and are no longer required:"
MARKED = "Package: {0.name}\nArchitecture: {0.architecture}\nAuto-Installed: 1\n\n"


@dataclass(frozen=True, slots=True)
class Package:
    """A package; sizes as in its control file: bytes to fetch, kB on disk."""

    name: str
    version: str = "1"
    architecture: str = "amd64"
    depends: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    held: bool = False
    size: int = 1000
    installed_size: int = 10

    @property
    def control(self) -> str:
        """The package's control file."""
        return (
            f"Package: {self.name}\nVersion: {self.version}\nArchitecture: {self.architecture}\n"
            f"Priority: optional\nSize: {self.size}\nInstalled-Size: {self.installed_size}\n"
        )


@dataclass(slots=True)
class FakeDebian:
    """Programs of apt and dpkg, with what is installed and what the archive has, newest first.

    ``fails`` are outputs, by phase (update, download, install), to fail with before a phase succeeds: what is
    downloaded is the first part of an installation. A signal arrives in the phase ``stops``, and apt-get
    gets one in the phase ``killed``; ``asked`` are the commands that ran; ``owned`` are files of packages;
    ``missing`` are programs that are not there; ``forgets`` installs nothing, and says it did.
    """

    root: Path
    archive: Mapping[str, tuple[Package, ...]] = field(default_factory=dict)
    provides: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    installed: dict[str, Package] = field(default_factory=dict)
    config: str = ""
    fails: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    stops: str = ""
    killed: str = ""
    owned: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    forgets: bool = False
    files: dict[str, Package] = field(default_factory=dict)
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for directory in ("etc", "var/lib/apt/lists", "var/cache/apt/archives", "var/log/apt"):
            (self.root / directory).mkdir(parents=True)

    def install(self, *packages: Package) -> None:
        """Have packages installed from the start."""
        self.installed.update({package.name: package for package in packages})

    def streamed(self) -> list[str]:
        """Return the phases that ran, in order: update, install, unneeded, configure."""
        return [phase for phase in map(_phase, self.asked) if phase]

    def files_below_root(self) -> set[str]:
        """Return all files, relative to the root."""
        return {str(path.relative_to(self.root)) for path in self.root.rglob("*") if not path.is_dir()}

    def capture(self, argv: tuple[str, ...]) -> Completed:
        """Answer what only asks."""
        self.asked.append(argv)
        if argv[0] in self.missing:
            raise ProgramNotFoundError(argv[0])
        stdout, status = "", 0
        match argv:
            case ("apt-config", *_):
                stdout = CONFIG.format(root=self.root) + self.config
            case ("apt-get", *_):
                return self._simulate(argv)
            case ("apt-cache", *rest):
                stdout = self._cache(_plain(rest))
            case ("apt-mark", *_):
                pass
            case _:
                stdout, status = self._dpkg(argv)
        return Completed(argv, status, stdout, "")

    def _dpkg(self, argv: tuple[str, ...]) -> tuple[str, int]:
        match argv:
            case ("dpkg", "--print-architecture"):
                return "amd64\n", 0
            case ("dpkg", "--compare-versions", version, "lt", other):
                return "", int(float(version) >= float(other))
            case ("dpkg-query", "--show", form, *names):
                return self._show(form, names), 0
            case ("dpkg-query", "--search", *paths):
                found = [f"owner: {path}\n" for path in paths if path in self.owned]
                return "".join(found), int(len(found) < len(paths))
            case ("dpkg-deb", *_, path):
                return _package_file(argv[1], self.files.get(path))
        raise AssertionError(argv)

    def stream(
        self,
        argv: tuple[str, ...],
        environment: Mapping[str, str],
        *,
        show: bool = True,
        forward: bool = True,
    ) -> Completed:
        """Carry out a phase, leaving files as apt does."""
        assert environment["DEBIAN_FRONTEND"] == "noninteractive"
        self.asked.append(argv)
        phase = _phase(argv)
        assert forward == (phase != "configure")
        parts = ("download", "install") if phase == "install" else (phase,)
        if refusal := self._refusal(argv) if phase == "install" else "":
            return Completed(argv, 100, "", f"E: {refusal}")
        for part in parts:
            if part == self.stops:
                raise StoppedError(15)
            if part == self.killed:
                return Completed(argv, -9, "", "")
            if self.fails[part]:
                return Completed(argv, 100, "shown" if show else "", self.fails[part].pop(0))
            self._do(part, argv)
        said = f"{UNNEEDED}\n  {' '.join(self._unneeded)}\n" if self._unneeded else ""
        return Completed(argv, 0, said, "")

    def _refusal(self, argv: tuple[str, ...]) -> str:
        _, removed, unknown = self._solve(argv)
        if unknown:
            return f"Unable to locate package {unknown}"
        return REMOVE_IS_DISABLED if removed and "--no-remove" in argv else ""

    def _do(self, part: str, argv: tuple[str, ...]) -> None:
        match part:
            case "update":
                self._write(self._place(argv, "Dir::State::lists", "var/lib/apt/lists"), "index")
            case "download":
                self._write(self._place(argv, "Dir::Cache::archives", "var/cache/apt/archives"), "new.deb")
                # Just before it starts dpkg, apt-get runs these.
                for hook in (value for value in argv if value.startswith("DPkg::Pre-Invoke::=")):
                    subprocess.run(("sh", "-c", hook.partition("=")[2]), check=True)
            case "install":
                self._write(str(self.root / "etc"), "passwd-")
                self._write(self._place(argv, "Dir::Log", "var/log/apt"), "history.log")
                new, removed, _ = self._solve(argv)
                if not self.forgets:
                    self._change(new, removed)
            case "unneeded":
                self._change([], self._unneeded)

    @property
    def _unneeded(self) -> list[str]:
        return [name for name in self.installed if name.startswith("unneeded")]

    def _change(self, new: Iterable[Package], removed: Iterable[str]) -> None:
        for name in removed:
            del self.installed[name]
        self.install(*new)

    def _place(self, argv: tuple[str, ...], key: str, default: str) -> str:
        values = [value.partition("=")[2] for value in argv if value.startswith(f"{key}=")]
        return values[-1] if values else str(self.root / default)

    @staticmethod
    def _write(directory: str, name: str) -> None:
        os.makedirs(directory, exist_ok=True)
        with open(os.path.join(directory, name), "w", encoding="ascii") as file:
            file.write("written by the run")

    def _simulate(self, argv: tuple[str, ...]) -> Completed:
        if self.fails["simulate"]:
            return Completed(argv, 100, "", self.fails["simulate"].pop(0))
        new, removed, unknown = self._solve(argv)
        if unknown:
            return Completed(argv, 100, "", f"E: Unable to locate package {unknown}")
        lines = [f"Remv {name} [{self.installed[name].version}]" for name in removed]
        for package in new:
            there = self.installed.get(package.name)
            old = f" [{there.version}]" if there else ""
            lines.append(
                f"Inst {package.name}{old} ({package.version} Debian:12/stable [{package.architecture}])"
            )
        return Completed(argv, 0, "\n".join(lines), "")

    def _solve(self, argv: tuple[str, ...]) -> tuple[list[Package], list[str], str]:
        """Return what comes, what goes, and a name that nobody knows."""
        new: dict[str, Package] = {}
        pending = list(argv[argv.index("--") + 1 :])
        while pending:
            name, _, version = pending.pop(0).partition("=")
            if name in self.files:
                package = self.files[name]
            else:
                name = next(iter(self.provides.get(name, (name,))))
                known = [one for one in self.archive.get(name, ()) if version in ("", one.version)]
                if not known:
                    return [], [], name
                package = known[0]
            there = self.installed.get(package.name)
            wanted = there is None or "--no-upgrade" not in argv
            if package.name not in new and wanted and there != package:
                new[package.name] = package
                pending += package.depends
        removed = {name for package in new.values() for name in package.conflicts if name in self.installed}
        if "--auto-remove" in argv and new:
            removed.update(self._unneeded)
        return sorted(new.values(), key=lambda one: one.name), sorted(removed), ""

    def _cache(self, words: list[str]) -> str:
        verb, *names = words
        if verb == "pkgnames":
            return "\n".join(self.archive)
        if verb == "show":
            asked = {name.partition("=")[0].partition(":")[0]: name.partition("=")[2] for name in names}
            known = [one for several in self.archive.values() for one in several]
            return "\n".join(one.control for one in known if asked.get(one.name) == one.version)
        if verb == "policy":
            return "".join(map(self._policy, names))
        name = names[0]
        if verb == "showpkg":
            providers = "".join(f"{provider} 1 (= )\n" for provider in self.provides.get(name, ()))
            return f"Package: {name}\nVersions: \n\nReverse Provides: \n{providers}"
        raise AssertionError(words)

    def _policy(self, name: str) -> str:
        versions = self.archive.get(name, ())
        table = "".join(f"     {one.version} 500\n        500 an archive\n" for one in versions)
        candidate = versions[0].version if versions else "(none)"
        if not versions and name not in self.provides:
            return ""
        return f"{name}:\n  Installed: (none)\n  Candidate: {candidate}\n  Version table:\n{table}"

    def _show(self, form: str, names: Iterable[str]) -> str:
        if "\x1f" not in form:
            packages = [self.installed[name] for name in names]
            return "".join(f"{one.name} {one.architecture} {one.installed_size}\n" for one in packages)
        apt = Package("apt", "2.6.1")
        return "".join(map(_record, (apt, *self.installed.values())))


def _package_file(wanted: str, package: Package | None) -> tuple[str, int]:
    """Return what dpkg-deb says of a file, and its exit status."""
    if package is None:
        return "", 2
    shown = f"{package.name} {package.architecture} {package.version}"
    return (shown if wanted == "--show" else package.control), 0


def _record(package: Package) -> str:
    """Return what dpkg-query shows of an installed package."""
    fields = (
        *(package.name, package.architecture, package.version, "hold" if package.held else "install"),
        *("installed", "", "optional", str(package.installed_size), "", ", ".join(package.depends), ""),
    )
    return "\x1f".join(fields) + "\x1e"


def _phase(argv: tuple[str, ...]) -> str:
    """Return which phase of a run a command is, "" for one that only asks."""
    if argv[0] == "dpkg" and "--configure" in argv:
        return "configure"
    if argv[0] != "apt-get" or "--simulate" in argv:
        return ""
    return {"update": "update", "autoremove": "unneeded"}.get(argv[-1], "install")


def _plain(words: list[str]) -> list[str]:
    """Return the words behind the options, each of which takes a value."""
    while words and words[0].startswith("-"):
        words = words[2:]
    return words


def marked_automatic(debian: FakeDebian, *packages: Package) -> None:
    """Have apt hold packages for automatically installed."""
    states = debian.root / "var/lib/apt/extended_states"
    states.write_text("".join(map(MARKED.format, packages)))


def held(package: Package) -> Package:
    """Return the same package on hold."""
    return replace(package, held=True)
