"""Python source -> the libraries that it opens by name. Reads syntax trees; never imports, never runs."""

from __future__ import annotations

import ast
import re
import warnings

from multistage_docker.python.openings import How, OpenedName, Search

__all__ = ["How", "OpenedName", "home", "is_product", "may_open", "module_name", "opened_names"]

# A file without one of these is not parsed: the ways to open a library, by a part that several share ...
_OPENERS = {
    b"DLL": (b"CDLL", b"PyDLL", b"DLL("),
    b"ibrary": (b"oadLibrary", b"find_library"),
    b"dlopen": (b"dlopen",),
    b"load_": (b"load_lib", b"load_dll", b"load_ctypes"),
}
# ... and what other wrappers are named, where there is a literal for them as well. Patterns are slow: last.
_LITERAL = b".so"
_WRAPPER_PARTS = (b"load_", b"locate_")
_WRAPPERS = re.compile(rb"load_(?:\w{1,30}_)?(?:lib|dll|so)|locate_\w{0,30}lib")
MOST_BYTES = 2_000_000

# Tests and the like, and modules whose name says that they are for another system.
_OTHERS = re.compile(
    r"^(?:tests?|testing|docs?|_?examples?|benchmarks?|_?demos?)$|^(?:test_.*|.*_tests?|conftest|setup)\.py$"
    r"|^_?(?:win32|win|windows|nt|darwin|mac|macos|macosx|osx|cocoa|cygwin)(?:\.py)?$"
)
_PACKAGES = ("site-packages", "dist-packages")


def may_open(source: bytes) -> bool:
    """Whether source is worth parsing: a cheap look at its text."""
    if len(source) > MOST_BYTES:
        return False
    shared = (part in source and any(name in source for name in names) for part, names in _OPENERS.items())
    if any(shared):
        return True
    wraps = _LITERAL in source and any(part in source for part in _WRAPPER_PARTS)
    return wraps and _WRAPPERS.search(source) is not None


def is_product(path: str) -> bool:
    """Whether a file is part of what a package does: no test, example or installation script."""
    parts = path.split("/")
    starts = [index for index, part in enumerate(parts) if part in _PACKAGES]
    # Where the tree begins is not known here: above site-packages any name may stand.
    below = parts[starts[-1] + 1 :] if starts else parts[-2:]
    # What cannot be imported is a script, or data: PyInstaller's hook-gi.py speaks of another package.
    is_module = not starts or parts[-1].removesuffix(".py").isidentifier()
    return is_module and not any(_OTHERS.match(part) for part in below)


def home(path: str) -> str:
    """Return the directory in which a module's package ships files: the top-level one, or what holds it."""
    name = module_name(path)
    depth = name.count(".") + path.endswith("/__init__.py")
    return path.rsplit("/", max(depth, 1))[0]


def module_name(path: str) -> str:
    """Return the dotted name by which a file is imported, "" for one that is in no site-packages."""
    parts = path.removesuffix(".py").split("/")
    starts = [index for index, part in enumerate(parts) if part in _PACKAGES]
    below = parts[starts[-1] + 1 :] if starts else []
    return ".".join(below[:-1] if below[-1:] == ["__init__"] else below)


def opened_names(source: str | bytes, filename: str = "<source>") -> tuple[OpenedName, ...]:
    """Return the libraries that a module opens by name on Linux, sorted by line.

    Source that is no Python of this version gives (). Names that are put together while the code runs
    are seen as far as they are made from constants. The work is bounded whatever the source is.
    """
    content = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else source
    if not may_open(content):
        return ()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(content, filename)
        return Search(tree).opened()
    except (SyntaxError, ValueError, LookupError, RecursionError, MemoryError):
        return ()
