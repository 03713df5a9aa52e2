"""Where apt works during a run: a directory of its own, unless a mount or an earlier layer has the files.

What apt never writes beside the image's own files need not be cleaned away, and leaves no trace of a deletion
in the image's layer. A cache mount is used where there is one: it is there to be filled.
"""

from __future__ import annotations

import os
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


@dataclass(frozen=True, slots=True)
class Workspace:
    """A run's directory, apt's settings for it, and where packages are fetched to.

    ``started`` is the change time, in nanoseconds, from which on everything in the system is the run's.
    """

    directory: str
    settings: tuple[str, ...]
    archives: str
    config_file: str
    started: int

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
        yield Workspace(directory, settings, archives, _config_file(config, directory), started)
    finally:
        with uninterrupted():
            shutil.rmtree(directory, ignore_errors=True)


def _settings(
    config: AptConfig, mounts: tuple[str, ...], directory: str, *, private: bool
) -> tuple[tuple[str, ...], str]:
    # Out of reach of the hook that images use to delete these between two of apt's commands.
    settings = [f"Dir::Cache::pkgcache={directory}/pkgcache.bin", "Dir::Cache::srcpkgcache="]
    lists, archives = config.path("Dir::State::lists"), config.path("Dir::Cache::archives")
    if private:
        logs = _made(directory, "log")
        settings += [f"Dir::Log={logs}", f"Dpkg::Options::=--log={logs}/dpkg.log"]
        if mount_point(lists, mounts) == "/" and not _has_files(lists, besides=("lock",)):
            settings.append(f"Dir::State::lists={_made(directory, 'lists')}")
        if mount_point(archives, mounts) == "/" and not _has_files(archives, besides=("lock",)):
            archives = _made(directory, "archives")
            settings.append(f"Dir::Cache::archives={archives}")
    if mount_point(archives, mounts) != "/" and _deletes_packages(config):
        archives = os.path.join(archives, "keep")
        settings.append(f"Dir::Cache::archives={archives}")
    return tuple(settings), archives


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


def _has_files(directory: str, besides: tuple[str, ...]) -> bool:
    try:
        with os.scandir(directory) as entries:
            return any(entry.is_file() and entry.name not in besides for entry in entries)
    except OSError:
        return False


def _deletes_packages(config: AptConfig) -> bool:
    hooks = (*config.get_list("DPkg::Post-Invoke"), *config.get_list("APT::Update::Post-Invoke"))
    return any(".deb" in hook for hook in hooks)
