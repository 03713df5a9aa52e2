"""What a run of apt leaves behind, and removing just that.

A snapshot is taken before the run. Afterwards the files of the watched places that are new are removed, and
those that changed are put back as they were. Directories stay, and whatever lies on a mount stays as it is.
"""

from __future__ import annotations

import contextlib
import fnmatch
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from multistage_docker.debian.mounts import mount_point

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from multistage_docker.debian.aptconfig import AptConfig

# Backups and logs of the tools that a run of apt calls: dpkg, debconf, ldconfig, passwd, update-alternatives,
# fontconfig. Each stands beside a file that stays.
_SINGLE_FILES = (
    "/etc/group-",
    "/etc/gshadow-",
    "/etc/passwd-",
    "/etc/shadow-",
    "/etc/subgid-",
    "/etc/subuid-",
    "/var/cache/debconf/*-old",
    "/var/cache/ldconfig/aux-cache",
    "/var/lib/dpkg/*-old",
    "/var/log/alternatives.log",
    "/var/log/dpkg.log",
    "/var/log/faillog",
    "/var/log/fontconfig.log",
    "/var/log/lastlog",
)

_LARGEST_TO_PUT_BACK = 64_000_000


@dataclass(frozen=True, slots=True)
class Watched:
    """Where to look: whole trees, whose changed files are removed, and single files, which are put back."""

    trees: tuple[str, ...]
    files: tuple[str, ...]
    besides: str = ""


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells whether a file was written to; ``content`` only where it can be put back."""

    identity: tuple[int, ...]
    content: bytes | None = None
    mode: int = 0
    owner: tuple[int, int] = (0, 0)
    times: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The watched files before a run: path -> state."""

    watched: Watched
    states: Mapping[str, FileState]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What cleaning did: the files removed and put back, sorted, and the bytes that it freed."""

    removed: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    freed: int = 0


def watched_places(config: AptConfig, besides: str = "") -> Watched:
    """Return the places where this apt and the tools that it calls leave files, one directory left out."""
    trees = (config.path("Dir::State::lists"), config.path("Dir::Cache"), config.path("Dir::Cache::archives"))
    single = (f"{config.root.rstrip('/')}{pattern}" for pattern in _SINGLE_FILES)
    return Watched(tuple(dict.fromkeys(trees)), (*single, f"{config.path('Dir::Log')}/*"), besides)


def take_snapshot(watched: Watched) -> Snapshot:
    """Record the state of every watched file, and the content of those that can be put back."""
    states = dict(_states(watched, with_content=True))
    return Snapshot(watched, states)


def clean(
    snapshot: Snapshot,
    mounts: tuple[str, ...],
    owned: Callable[[Collection[str]], Collection[str]],
) -> Cleaned:
    """Remove the watched files that are new or grew since the snapshot, and put the single ones back.

    ``owned`` returns which of some paths belong to a package: those stay.
    """
    before = snapshot.states
    now = dict(_states(snapshot.watched, with_content=False))
    changed = {
        path
        for path in {*before, *now}
        if (path not in before or path not in now or before[path].identity != now[path].identity)
        and mount_point(path, mounts) == "/"
    }
    restored = {path for path in changed if path in before and before[path].content is not None}
    removable = {path for path in changed - restored if path in now}
    removable.difference_update(owned(removable) if removable else ())
    freed = 0
    for path in sorted(removable):
        freed += os.lstat(path).st_size
        os.unlink(path)
    for path in sorted(restored):
        freed += max(0, _size(path) - len(before[path].content or b""))
        _put_back(path, before[path])
    return Cleaned(tuple(sorted(removable)), tuple(sorted(restored)), freed)


def _states(watched: Watched, *, with_content: bool) -> Iterator[tuple[str, FileState]]:
    for tree in watched.trees:
        for path in _files_below(tree, watched.besides):
            with contextlib.suppress(FileNotFoundError):
                yield path, FileState(_identity(os.lstat(path)))
    for pattern in watched.files:
        for path in _matches(pattern):
            with contextlib.suppress(FileNotFoundError):
                status = os.lstat(path)
                # A sparse lastlog can claim to hold gigabytes; what cannot be put back is left alone.
                if status.st_size <= _LARGEST_TO_PUT_BACK:
                    yield path, _full_state(path) if with_content else FileState(_identity(status))


def _identity(status: os.stat_result) -> tuple[int, ...]:
    # The change time cannot be set by a program: equal values mean that nobody wrote.
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _full_state(path: str) -> FileState:
    status = os.lstat(path)
    content = None
    if stat.S_ISREG(status.st_mode):
        with open(path, "rb") as file:
            content = file.read()
    return FileState(
        identity=_identity(status),
        content=content,
        mode=stat.S_IMODE(status.st_mode),
        owner=(status.st_uid, status.st_gid),
        times=(status.st_atime_ns, status.st_mtime_ns),
    )


def _files_below(tree: str, besides: str) -> Iterator[str]:
    for directory, directories, files in os.walk(tree):
        if besides in (os.path.join(directory, name) for name in directories):
            directories.remove(os.path.basename(besides))
        for name in files:
            yield os.path.join(directory, name)


def _matches(pattern: str) -> Iterator[str]:
    directory, name_pattern = os.path.split(pattern)
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(directory) as entries:
        for entry in entries:
            if fnmatch.fnmatchcase(entry.name, name_pattern) and not entry.is_dir(follow_symlinks=False):
                yield entry.path


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except FileNotFoundError:
        return 0


def _put_back(path: str, state: FileState) -> None:
    content = state.content or b""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        os.fchown(file.fileno(), *state.owner)
        os.fchmod(file.fileno(), state.mode)
    os.utime(path, ns=state.times)
