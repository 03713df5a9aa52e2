"""The name of a library asked for by an object -> the path that glibc's ld.so would load (ld.so(8))."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from posixpath import basename, dirname
from typing import TYPE_CHECKING, NamedTuple

from multistage_docker.elf.objects import ElfObject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from multistage_docker.elf.host import Host
    from multistage_docker.elf.platforms import Platform

_TOKEN = re.compile(r"\$(?:\{(ORIGIN|LIB|PLATFORM)\}|(ORIGIN|LIB|PLATFORM)(?![A-Za-z0-9_]))")


@dataclass(frozen=True, slots=True)
class LoadedObject:
    """An object as it stands in a process.

    ``inherited`` are the expanded DT_RPATH directories of those that caused it to be loaded, the nearest
    first: its loader, the loader's loader, and so on up to the program.
    """

    path: str
    elf: ElfObject
    inherited: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """The running program that opens an object, as far as the loader cares.

    ``inherited`` are its DT_RPATH directories, which serve whatever it opens; ``loaded`` the libraries
    that are there already, path by name.
    """

    inherited: tuple[str, ...] = ()
    loaded: Mapping[str, str] = field(default_factory=dict)


class Link(NamedTuple):
    """One DT_NEEDED entry of an object in a process, and the path that meets it; None where nothing does.

    A tuple, because a large tree makes and compares a hundred thousand of them.
    """

    requester: str
    name: str
    path: str | None


_NO_PROGRAM = Program()
_NO_OBJECT = ElfObject(bits=0, little_endian=True, machine="", kind="")


class Loader:
    """glibc's dynamic loader for one platform on one system.

    ``library_path`` is LD_LIBRARY_PATH split at its colons and semicolons.
    """

    def __init__(self, host: Host, platform: Platform, *, library_path: tuple[str, ...] = ()) -> None:
        self._host = host
        self._platform = platform
        self._library_path = tuple(filter(_is_absolute, library_path))
        self._levels = host.processor.levels
        self._tokens = {
            "LIB": platform.lib_token,
            "PLATFORM": platform.platform_token(host.processor),
        }
        self._found: dict[tuple[str, tuple[str, ...], bool], str | None] = {}
        self._in_directory: dict[tuple[str, str], str | None] = {}
        self._expansions: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}

    def load(
        self, path: str, elf: ElfObject, follow: Callable[[str], bool], program: Program = _NO_PROGRAM
    ) -> tuple[Link, ...]:
        """Return the links that loading one object makes, breadth first as ld.so goes.

        Without a ``program`` the object is one itself. Objects for whose path ``follow`` is false are
        loaded, but their own needs are not looked at. A name that an earlier object of the process was
        asked for by, or has as its SONAME, is met by it.
        """
        loaded = {**program.loaded}
        if elf.soname:
            loaded.setdefault(elf.soname, path)
        objects = [LoadedObject(path, elf, program.inherited)]
        seen = {path}
        links = []
        for requester in objects:
            search_path = self._search_path(requester)
            for name in requester.elf.needed:
                target = loaded.get(name)
                if target is None:
                    target = self._resolve(name, requester, search_path)
                    found = self._host.read(target) if target else None
                    if target and found:
                        loaded[name] = target
                        loaded.setdefault(found.soname or name, target)
                        if target not in seen and follow(target):
                            seen.add(target)
                            objects.append(LoadedObject(target, found, self._lent_by(requester)))
                links.append(Link(requester.path, name, target))
        return tuple(links)

    def load_file(self, path: str, program: Program = _NO_PROGRAM) -> tuple[Link, ...]:
        """Return the links of the object that a path leads to, not followed further; () if it is none."""
        elf = self._host.read(path)
        return self.load(path, elf, lambda _: False, program) if elf else ()

    def resolve(self, name: str, requester: LoadedObject) -> str | None:
        """Return the path that ld.so would load for a needed name, or None where it would find nothing.

        The directory part of the path has no symbolic links; the file itself may be one.
        """
        return self._resolve(name, requester, self._search_path(requester))

    def open(self, name: str, program: Program) -> str | None:
        """Return the path that a running program gets when it opens a library by name, dlopen(3)."""
        return program.loaded.get(name) or self.resolve(name, LoadedObject("", _NO_OBJECT, program.inherited))

    def find_library(self, stem: str, program: Program) -> str | None:
        """Return where ``ctypes.util.find_library(stem)`` leads: the cache's first ``libstem.so…``."""
        prefix = f"lib{stem}.so"
        names = self._host.cache.entries if self._host.cache else self._system_names()
        found = (self.open(name, program) for name in names if name.startswith(prefix))
        return next(filter(None, found), None)

    def rpath_directories(self, path: str, elf: ElfObject) -> tuple[str, ...]:
        """Return the directories that an object's DT_RPATH adds to its own search and its libraries'."""
        return self._expanded(elf.rpath, path)

    def _lent_by(self, requester: LoadedObject) -> tuple[str, ...]:
        own = self.rpath_directories(requester.path, requester.elf)
        return tuple(dict.fromkeys((*own, *requester.inherited)))

    def _resolve(self, name: str, requester: LoadedObject, search_path: tuple[str, ...]) -> str | None:
        if "/" in name:
            return self._literal(name, requester)
        key = (name, search_path, requester.elf.no_default_directories)
        if key not in self._found:
            self._found[key] = self._search(*key)
        return self._found[key]

    def _search_path(self, requester: LoadedObject) -> tuple[str, ...]:
        elf = requester.elf
        if elf.runpath is None:
            own = (*self._expanded(elf.rpath, requester.path), *requester.inherited)
            return tuple(dict.fromkeys((*own, *self._library_path)))
        own = self._expanded(elf.runpath, requester.path)
        return tuple(dict.fromkeys((*self._library_path, *own)))

    def _expanded(self, entries: tuple[str, ...], path: str) -> tuple[str, ...]:
        key = (path, entries)
        if key not in self._expansions:
            # An empty or relative entry means wherever the process happens to run: never searched here.
            self._expansions[key] = tuple(filter(_is_absolute, (self._expand(one, path) for one in entries)))
        return self._expansions[key]

    def _expand(self, text: str, path: str) -> str:
        values = {"ORIGIN": dirname(path), **self._tokens}
        tokens = [braced or bare for braced, bare in _TOKEN.findall(text)]
        if not all(values[token] for token in tokens):
            return ""
        return _TOKEN.sub(lambda match: values[match.group(1) or match.group(2)], text)

    def _literal(self, name: str, requester: LoadedObject) -> str | None:
        path = self._expand(name, requester.path)
        return self._usable(dirname(path), basename(path)) if _is_absolute(path) else None

    def _search(self, name: str, directories: tuple[str, ...], no_defaults: bool) -> str | None:  # noqa: FBT001 - a memo's key
        defaults = self._platform.default_directories
        for directory in directories:
            if path := self._in_directory_or_levels(directory, name):
                return path
        if self._host.cache is not None:
            for cached in self._host.cache.find(name, self._levels):
                if no_defaults and _is_below(cached, defaults):
                    continue
                if path := self._usable(dirname(cached), basename(cached)):
                    return path
        system = () if no_defaults else defaults
        if self._host.cache is None:
            # What ldconfig would have put into the cache: slim images may come without one.
            system = (*self._host.configured_directories, *system)
        return next(
            filter(None, (self._in_directory_or_levels(directory, name) for directory in system)), None
        )

    def _system_names(self) -> Iterator[str]:
        directories = (*self._host.configured_directories, *self._platform.default_directories)
        return (name for directory in directories for name in sorted(self._host.listing(directory)))

    def _in_directory_or_levels(self, directory: str, name: str) -> str | None:
        key = (directory, name)
        if key not in self._in_directory:
            levels = (f"{directory}/glibc-hwcaps/{level}" for level in self._levels)
            places = (*levels, directory) if "glibc-hwcaps" in self._host.listing(directory) else (directory,)
            self._in_directory[key] = next(
                filter(None, (self._usable(place, name) for place in places)), None
            )
        return self._in_directory[key]

    def _usable(self, directory: str, name: str) -> str | None:
        if name not in self._host.listing(directory):
            return None
        path = f"{self._host.real_directory(directory)}/{name}"
        elf = self._host.read(path)
        # ld.so passes by a file for another machine and goes on searching.
        return path if elf is not None and self._platform.runs(elf) else None


def _is_absolute(path: str) -> bool:
    return path.startswith("/")


def _is_below(path: str, directories: tuple[str, ...]) -> bool:
    return any(path.startswith(f"{directory}/") for directory in directories)
