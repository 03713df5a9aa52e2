"""Where apt works during a run: a directory of its own, unless a mount or an earlier layer has the files.

What apt never writes beside the image's own files need not be cleaned away, and leaves no trace of a deletion
in the image's layer. A cache mount is used where there is one: it is there to be filled.
"""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from multistage_docker.debian.mounts import mount_point
from multistage_docker.errors import RefusedError
from multistage_docker.process import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from multistage_docker.debian.aptconfig import AptConfig

# With nobody to answer there is nothing to ask ahead of time; asking rewrites all of debconf's templates.
_PRECONFIGURE = "dpkg-preconfigure"
# Below a mount, what stands in here is out of reach of the hook that images use to empty apt's caches.
_KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A run's directory, apt's settings for it, and where packages are fetched to.

    ``started`` is the change time, in nanoseconds, from which on everything in the system is the run's;
    ``kept`` are the names of packages that have been fetched before.
    """

    directory: str
    settings: tuple[str, ...]
    archives: str
    config_file: str
    started: int
    kept: frozenset[str]

    @property
    def has_begun(self) -> bool:
        """Whether apt-get has started dpkg."""
        return os.path.exists(_fetched_file(self.directory))

    def fetched_bytes(self) -> int:
        """Return the size of the packages that the run fetched, as they lay there when dpkg was started."""
        if not self.has_begun:
            return 0
        with open(_fetched_file(self.directory), encoding="utf-8", errors="surrogateescape") as file:
            # Once more for each start of dpkg.
            lines = {line.rstrip("\n") for line in file}
        fetched = (line.split(" ", 1) for line in lines)
        return sum(int(size) for size, path in fetched if os.path.basename(path) not in self.kept)

    def size(self) -> int:
        """Return the bytes of all files in the directory: what its removal is going to free."""
        return sum(
            os.lstat(os.path.join(directory, name)).st_size
            for directory, _, files in os.walk(self.directory)
            for name in files
        )


@contextmanager
def open_workspace(
    config: AptConfig, mounts: tuple[str, ...], *, private: bool, parent: str = ""
) -> Iterator[Workspace]:
    """Give a workspace and remove its directory at the end.

    ``private`` moves lists, archives and logs there as far as nobody else has a use for them; ``parent`` is
    where the directory is made, apt's cache by default. Raises RefusedError where nothing can be written.
    """
    parent = parent or config.path("Dir::Cache")
    try:
        os.makedirs(parent, exist_ok=True)
        directory = tempfile.mkdtemp(prefix="apt-install-", dir=parent)
    except OSError as error:
        raise RefusedError(f"cannot write below {parent}: {error.strerror}") from None
    try:
        started = os.lstat(directory).st_ctime_ns
        # apt fetches as the user _apt.
        os.chmod(directory, 0o755)  # noqa: S103 - as apt's own directories
        settings, archives = _settings(config, mounts, directory, private=private)
        config_file = _config_file(config, directory)
        yield Workspace(directory, settings, archives, config_file, started, frozenset(_files(archives)))
    finally:
        with uninterrupted():
            shutil.rmtree(directory, ignore_errors=True)


def _settings(
    config: AptConfig, mounts: tuple[str, ...], directory: str, *, private: bool
) -> tuple[tuple[str, ...], str]:
    lists, archives = config.path("Dir::State::lists"), config.path("Dir::Cache::archives")
    settings = list(_package_caches(config, mounts, directory))
    if private:
        logs = _made(directory, "log")
        settings += [f"Dir::Log={logs}", f"Dpkg::Options::=--log={logs}/dpkg.log"]
        if mount_point(lists, mounts) == "/" and not _files(lists):
            settings.append(f"Dir::State::lists={_made(directory, 'lists')}")
        if mount_point(archives, mounts) == "/" and not _files(archives):
            archives = _made(directory, "archives")
            settings.append(f"Dir::Cache::archives={archives}")
    if mount_point(archives, mounts) != "/" and _deletes_packages(config):
        archives = os.path.join(archives, _KEEP)
        settings.append(f"Dir::Cache::archives={archives}")
    settings.append(_recording_hook(directory, archives))
    return tuple(settings), archives


def _package_caches(config: AptConfig, mounts: tuple[str, ...], directory: str) -> Iterator[str]:
    """Yield where apt keeps what it makes of the indexes: with them, or in the run's own directory.

    Always out of reach of the hook that images use to delete these between two of apt's commands.
    """
    cache, lists = config.path("Dir::Cache"), config.path("Dir::State::lists")
    if "/" in (mount_point(cache, mounts), mount_point(lists, mounts)):
        yield f"Dir::Cache::pkgcache={directory}/pkgcache.bin"
        yield "Dir::Cache::srcpkgcache="
        return
    place = os.path.join(cache, _KEEP) if _deletes_packages(config) else cache
    os.makedirs(place, exist_ok=True)
    yield f"Dir::Cache::pkgcache={place}/pkgcache.bin"
    yield f"Dir::Cache::srcpkgcache={place}/srcpkgcache.bin"


def _recording_hook(directory: str, archives: str) -> str:
    """Return the setting by which apt-get writes down what it has fetched, just before it starts dpkg."""
    packages, file = shlex.quote(archives), shlex.quote(_fetched_file(directory))
    return f"DPkg::Pre-Invoke::=stat --format='%s %n' {packages}/*.deb >> {file} 2> /dev/null || true"


def _fetched_file(directory: str) -> str:
    return os.path.join(directory, "fetched")


def _config_file(config: AptConfig, directory: str) -> str:
    hooks = config.get_list("DPkg::Pre-Install-Pkgs")
    if not hooks or any(_PRECONFIGURE not in hook for hook in hooks):
        return ""
    path = os.path.join(directory, "apt.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write("#clear DPkg::Pre-Install-Pkgs;\n")
    return path


def _made(directory: str, name: str) -> str:
    path = os.path.join(directory, name)
    os.makedirs(os.path.join(path, "partial"))
    return path


def _files(directory: str) -> tuple[str, ...]:
    """Return the names of the files in one of apt's directories, its lock aside; none where there is none."""
    try:
        with os.scandir(directory) as entries:
            return tuple(entry.name for entry in entries if entry.is_file() and entry.name != "lock")
    except OSError:
        return ()


def _deletes_packages(config: AptConfig) -> bool:
    hooks = (*config.get_list("DPkg::Post-Invoke"), *config.get_list("APT::Update::Post-Invoke"))
    return any(".deb" in hook for hook in hooks)
