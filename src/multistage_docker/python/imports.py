"""Which modules of a tree import which: nothing is run, and in doubt a module counts as imported."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from multistage_docker.files import open_regular
from multistage_docker.parallel import map_chunks
from multistage_docker.python.source import MOST_BYTES, is_product, module_name
from multistage_docker.python.trees import nodes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_READERS_A_CHUNK = 100
_ENTRY_POINTS = "/entry_points.txt"


def unimported(paths: Collection[str], files: Iterable[str], *, jobs: int | None = None) -> frozenset[str]:
    """Return those of the modules at ``paths`` that no other file of the tree imports or names as a string.

    A package itself, a module at the top of site-packages and a file outside it are never among them: those
    are what people import and run. ``files`` are all files of the tree.
    """
    names = {module_name(path): path for path in paths if not path.endswith(("/__init__.py", "/__main__.py"))}
    wanted = frozenset(name for name in names if "." in name)
    if not wanted:
        return frozenset()
    readers = [
        path for path in files if path.endswith(_ENTRY_POINTS) or (path.endswith(".py") and is_product(path))
    ]
    imported: set[str] = set()
    for found in map_chunks(partial(_imported, wanted=wanted), readers, jobs=jobs, chunk=_READERS_A_CHUNK):
        imported |= found
    return frozenset(names[name] for name in wanted - imported)


@dataclass(frozen=True, slots=True)
class _Mention:
    """What source that names a module must hold: its own name, and outside of its package that one's."""

    module: str
    package: str
    own_word: bytes
    package_word: bytes

    @classmethod
    def of(cls, module: str) -> _Mention:
        package, _, own = module.rpartition(".")
        words = (word.encode("utf-8", "surrogatepass") for word in (own, package.rpartition(".")[2]))
        return cls(module, package, *words)

    def is_in(self, source: bytes, reader: str) -> bool:
        """Whether the source of the module ``reader`` may name this one."""
        if self.own_word not in source or reader == self.module:
            return False
        return self.package_word in source or f"{reader}.".startswith(f"{self.package}.")


def _imported(paths: list[str], *, wanted: frozenset[str]) -> frozenset[str]:
    mentions = [_Mention.of(module) for module in wanted]
    found: set[str] = set()
    for path in paths:
        source, reader = _content(path), module_name(path)
        mentioned = frozenset(one.module for one in mentions if one.is_in(source, reader))
        if not mentioned:
            continue
        if path.endswith(_ENTRY_POINTS):
            found |= mentioned
        else:
            found.update(mentioned.intersection(_names(source, path)))
    return frozenset(found)


def _content(path: str) -> bytes:
    try:
        stream = open_regular(path)
        if stream is None:
            return b""
        with stream:
            return stream.read(MOST_BYTES) or b""
    except OSError:
        return b""


def _names(source: bytes, path: str) -> Iterator[str]:
    """Yield the dotted names that a module may import, those of values that it imports among them."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, path)
    except (SyntaxError, ValueError, LookupError, RecursionError, MemoryError):
        return
    module = module_name(path)
    package = module if path.endswith("/__init__.py") else module.rpartition(".")[0]
    for node in nodes(tree):
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(base, names, level):
                start = _start(package, base or "", level or 0)
                yield start
                yield from (f"{start}.{alias.name}" for alias in names)
            case ast.Constant(str(text)):
                # For importlib.import_module, __getattr__ and the like.
                yield text
                yield f"{package}.{text.lstrip('.')}"


def _start(package: str, base: str, level: int) -> str:
    if not level:
        return base
    above = package.split(".")[: max(0, package.count(".") + 2 - level)]
    return ".".join((*above, base) if base else above)
