"""Python source -> the libraries that it opens by name. Reads syntax trees; never imports, never runs."""

from __future__ import annotations

import ast
import re
import warnings

from multistage_docker.python.openings import How, OpenedName, Search

__all__ = ["How", "OpenedName", "is_product", "may_open", "opened_names"]

# Every way to open a library has one of these in its text: a file without them is not parsed.
_OPENERS = re.compile(
    rb"CDLL|PyDLL|[lL]oadLibrary|find_library|dlopen|load_(?:\w{1,30}_)?(?:lib|dll|so)|locate_\w{0,30}lib|\bDLL\("
)
# Something that each of those has: a fixed part is found a hundred times faster than a pattern.
_OPENER_PARTS = (b"CDLL", b"PyDLL", b"oadLibrary", b"find_library", b"dlopen", b"load_", b"locate_", b"DLL(")
MOST_BYTES = 4_000_000

# Tests and the like, and modules whose name says that they are for another system.
_OTHERS = re.compile(
    r"^(?:tests?|testing|docs?|_?examples?|benchmarks?|_?demos?)$|^(?:test_.*|.*_tests?|conftest|setup)\.py$"
    r"|^_?(?:win32|win|windows|nt|darwin|mac|macos|macosx|osx|cocoa|cygwin)(?:\.py)?$"
)
_PACKAGES = ("site-packages", "dist-packages")


def may_open(source: bytes) -> bool:
    """Whether source is worth parsing: cheap, and never false where ``opened_names`` finds something."""
    if len(source) > MOST_BYTES or not any(part in source for part in _OPENER_PARTS):
        return False
    return bool(_OPENERS.search(source))


def is_product(path: str) -> bool:
    """Whether a file is part of what a package does: no test, example or installation script."""
    parts = path.split("/")
    starts = [index for index, part in enumerate(parts) if part in _PACKAGES]
    # Where the tree begins is not known here: above site-packages any name may stand.
    below = parts[starts[-1] + 1 :] if starts else parts[-2:]
    return not any(_OTHERS.match(part) for part in below)


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
