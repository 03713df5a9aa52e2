"""The packages in the archive that ship libraries which are not here. Leaves the system as it was."""

from __future__ import annotations

import gzip
import os
import zlib
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path
from posixpath import basename
from typing import TYPE_CHECKING

from multistage_docker.debian.contents import Library, candidate_names, packages_shipping, ships
from multistage_docker.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from multistage_docker.process import Completed, Runner

_HELPER = "/usr/lib/apt/apt-helper"
_PRIORITIES = ("required", "important", "standard", "optional", "extra")
_CHUNK = 1 << 20
_LISTING = ".list"
# Relations that do not make apt install another package here.
_NOT_BROUGHT = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
# apt.conf(5). All that apt writes goes to a directory of its own, and none of the image's hooks run: those of
# the official images delete from the system's own cache.
_CONFIGURATION = """\
Dir::State::lists "{directory}/lists";
Dir::Cache "{directory}/cache";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "";
Dir::Log "{directory}/log";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
#clear Acquire::IndexTargets::deb-src;
#clear Acquire::IndexTargets::deb::Contents-deb;
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""


@dataclass(frozen=True, slots=True)
class Found:
    """The package chosen for a library, why it and no other, and all that were confirmed to ship it."""

    package: str
    version: str
    reason: str
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Record:
    """What apt-cache(8) shows of a candidate."""

    name: str
    version: str
    architecture: str
    priority: str


class Lookup:
    """A view of the archive in a directory of its own, which may hold the indexes of an earlier one.

    ``directories`` are where the loader looks for libraries, in both spellings of merged /usr. Raises
    ArchiveError where the archive cannot be reached; ``trouble`` is what kept a search from being complete.
    """

    def __init__(self, runner: Runner, directory: str, directories: Iterable[str], architecture: str) -> None:
        self._runner = runner
        self._directory = os.path.abspath(directory)
        self._directories = tuple(directories)
        self._architecture = architecture
        self._configuration = os.path.join(self._directory, "apt.conf")
        self._listings: dict[str, str] = {}
        self.trouble: ArchiveError | None = None
        self._prepare()
        self._known = frozenset(self._apt("apt-cache", "pkgnames").stdout.split())

    def find(self, names: Collection[str], listed: Collection[str] = ()) -> Mapping[str, Found]:
        """Return the package to install for each library that some package ships, by the name asked for.

        A package counts only when its own file list has the library. Names after Debian Policy are tried
        first, the Contents indexes are fetched for what is left. ``listed`` are packages that are going
        to be installed anyway: of several candidates, what those depend on is preferred, then the
        higher priority, then the name closest to the library's.
        """
        libraries = tuple(map(Library, names))
        likely = {library: self._likely_packages(library) for library in libraries}
        records = self._show({package for packages in likely.values() for package in packages})
        self._fetch(records)
        found: dict[str, Found] = {}
        for library, packages in likely.items():
            confirmed = [
                package for package in packages if self._ships(package, library, below=package == packages[0])
            ]
            if confirmed:
                chosen = confirmed[0]
                reason = "named after the library"
                found[library.name] = Found(chosen, records[chosen].version, reason, tuple(confirmed))
        rest = [library for library in libraries if library.name not in found]
        # libgobject-2.0.so.0 is in the package that is named after libglib-2.0.so.0.
        for library in rest:
            beside = [record for name, record in records.items() if self._ships(name, library)]
            if beside:
                found[library.name] = replace(
                    self._choose(library, beside, listed), reason="ships it beside another library"
                )
        rest = [library for library in rest if library.name not in found]
        return {**found, **self._by_contents(rest, listed)} if rest else found

    def _likely_packages(self, library: Library) -> tuple[str, ...]:
        if not library.is_stem:
            return candidate_names(library.name)
        return tuple(sorted(filter(library.is_package, self._known), reverse=True))

    def _by_contents(self, libraries: Collection[Library], listed: Collection[str]) -> dict[str, Found]:
        shipping: dict[Library, set[str]] = {}
        places = {directory.removeprefix("/usr") for directory in self._directories}
        for chunks in self._contents():
            try:
                in_component = packages_shipping(
                    chunks, libraries, places | {f"/usr{place}" for place in places}
                )
            except ArchiveError as error:
                # What the other indexes say, and what was found without them, is worth as much.
                self.trouble = error
                continue
            for library, packages in in_component.items():
                shipping.setdefault(library, set()).update(packages)
        records = self._show({name for names in shipping.values() for name in names})
        self._fetch(records)
        result = {}
        for library, names in shipping.items():
            confirmed = sorted(name for name in names if self._ships(name, library))
            if confirmed:
                chosen = self._choose(library, [records[name] for name in confirmed], listed)
                result[library.name] = chosen
        return result

    def _choose(self, library: Library, records: list[_Record], listed: Collection[str]) -> Found:
        names = tuple(record.name for record in records)
        if len(records) == 1:
            return Found(names[0], records[0].version, "the only package that ships it", names)
        brought = self._dependencies(listed) if listed else frozenset()
        policy_name = next(iter(candidate_names(library.name)), f"lib{library.name}")

        def rank(record: _Record) -> tuple[bool, int, float, str]:
            known = record.priority in _PRIORITIES
            priority = _PRIORITIES.index(record.priority) if known else len(_PRIORITIES)
            likeness = SequenceMatcher(None, policy_name, record.name).ratio()
            return (record.name not in brought, priority, -likeness, record.name)

        best, second = sorted(records, key=rank)[:2]
        reasons = (
            "what is listed depends on it",
            "the highest priority",
            "the name closest to the library's",
        )
        differing = (ours != theirs for ours, theirs in zip(rank(best), rank(second), strict=True))
        reason = next((reason for reason, differs in zip(reasons, differing, strict=False) if differs), "")
        return Found(best.name, best.version, reason or "the first by name", names)

    def _prepare(self) -> None:
        try:
            for place in ("lists/partial", "cache/archives/partial", "log", "debs"):
                os.makedirs(os.path.join(self._directory, place), exist_ok=True)
            with open(self._configuration, "w", encoding="utf-8") as file:
                file.write(_CONFIGURATION.format(directory=self._directory))
        except OSError as error:
            raise ArchiveError(f"cannot write to {self._directory}: {error.strerror}") from None
        done = self._apt("apt-get", "-qq", "update")
        if not self._apt("apt-get", "indextargets", "--format", "$(URI)", "Created-By: Packages").stdout:
            said = [line for line in done.stderr.splitlines() if line.startswith(("E:", "W:"))]
            reason = said[0][2:].strip() if said else "no package index could be fetched"
            raise ArchiveError(
                f"the package archive cannot be reached: {reason}",
                hint="check the network and apt's sources, or install the missing libraries here yourself",
            )

    def _apt(self, program: str, *arguments: str) -> Completed:
        return self._runner.capture((program, "-c", self._configuration, *arguments))

    def _show(self, names: Collection[str]) -> dict[str, _Record]:
        """Return the candidates among names; those that the archive does not have are left out."""
        # A name that apt-cache does not know is a regular expression over all names, which takes it a second
        # each; and a name that was made from a file's content may look like an option.
        known = sorted(self._known.intersection(names))
        if not known:
            return {}
        output = self._apt("apt-cache", "show", "--no-all-versions", *known).stdout
        records = {}
        for paragraph in output.split("\n\n"):
            fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line)
            if fields.get("Architecture") in (self._architecture, "all"):
                name = fields["Package"]
                records[name] = _Record(
                    name, fields["Version"], fields["Architecture"], fields.get("Priority", "optional")
                )
        return records

    def _fetch(self, names: Iterable[str]) -> None:
        """Fetch debs, verified by apt's own hashes, and keep their file lists."""
        wanted = [name for name in names if name not in self._listings]
        if not wanted:
            return
        output = self._apt("apt-get", "-qq", "--print-uris", "download", *wanted).stdout
        debs = {}
        arguments = []
        for line in output.splitlines():
            uri, file_name, _size, digest = line.split()
            # A deb's name has version and architecture: its file list stays true for a later run.
            deb = debs[file_name.partition("_")[0]] = Path(self._directory, "debs", basename(file_name))
            if not deb.with_suffix(_LISTING).is_file():
                arguments += [uri.strip("'"), str(deb), digest]
        if arguments:
            self._apt(_HELPER, "download-file", *arguments)
        for name, deb in debs.items():
            listing = deb.with_suffix(_LISTING)
            if deb.is_file():
                done = self._runner.capture(("dpkg-deb", "--contents", str(deb)))
                if done.returncode == 0:
                    deb.write_text(done.stdout, encoding="utf-8", errors="surrogateescape")
                    deb.replace(listing)  # in one step: a list that is cut short must not stay
                deb.unlink(missing_ok=True)
            if listing.is_file():
                self._listings[name] = listing.read_text(encoding="utf-8", errors="surrogateescape")

    def _ships(self, package: str, library: Library, *, below: bool = False) -> bool:
        return ships(self._listings.get(package, ""), library, self._directories, below=below)

    def _contents(self) -> Iterator[Iterator[bytes]]:
        """Fetch the Contents index of each component and give its bytes.

        They are fetched apart from the ordinary indexes and without regard to their hash: a mirror whose
        Contents are out of step must not spoil the rest, and what they say is confirmed by the debs.
        """
        form = "$(BASE_URI)$(COMPONENT)/Contents-$(ARCHITECTURE).gz"
        output = self._apt("apt-get", "indextargets", "--format", form, "Created-By: Packages").stdout
        fetched = 0
        for number, uri in enumerate(sorted(set(output.split()))):
            target = os.path.join(self._directory, f"contents-{number}.gz")
            if self._apt(_HELPER, "download-file", uri, target).returncode == 0:
                fetched += 1
                try:
                    yield _unpacked(target)
                finally:
                    os.unlink(target)
        if not fetched:
            self.trouble = ArchiveError("the archive's Contents indexes cannot be fetched")

    def _dependencies(self, names: Collection[str]) -> frozenset[str]:
        output = self._apt(
            "apt-cache",
            "depends",
            "--recurse",
            *(f"--no-{kind}" for kind in _NOT_BROUGHT),
            *sorted(names),
        ).stdout
        return frozenset(line for line in output.splitlines() if line and not line[0].isspace())


def _unpacked(path: str) -> Iterator[bytes]:
    try:
        with gzip.open(path) as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk
    except (OSError, EOFError, zlib.error) as error:
        raise ArchiveError(f"a Contents index is damaged: {error}") from None
