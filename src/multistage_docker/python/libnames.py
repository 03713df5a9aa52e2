"""Text that code hands to an opener of libraries -> the names that mean something on Linux."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# A soname as ld.so takes it, with or without a directory before it; a relative path means wherever the
# process happens to run and is nobody's library.
_LITERAL = re.compile(r"^(?:/[^\0\n]*/)?[A-Za-z0-9_][\w.+-]*\.so(?:\.[0-9][\w.]*)?$")
_UNVERSIONED = re.compile(r"\.so$")
_SHARED_OBJECT = re.compile(r"\.so(?:\.|$)")
_STEM = re.compile(r"^[A-Za-z0-9][\w.+-]*$")
_LONGEST = 200

# What ctypes.util.find_library is asked for on Windows and macOS, often with no look at the platform.
_ELSEWHERE = re.compile(
    r"(?i)\.(?:dll|dylib|framework|bundle|pyd|exe)(?:$|/)|^cyg|^api-ms-|^msvc|32$|^ntdll$|^wine"
)
_APPLE = frozenset(
    (
        "AppKit",
        "ApplicationServices",
        "AudioToolbox",
        "AudioUnit",
        "Carbon",
        "Cocoa",
        "CoreAudio",
        "CoreFoundation",
        "CoreGraphics",
        "CoreMIDI",
        "CoreServices",
        "CoreText",
        "CoreVideo",
        "Foundation",
        "GLUT",
        "IOKit",
        "Metal",
        "Quartz",
        "QuartzCore",
        "Security",
        "System",
        "SystemConfiguration",
        "libc++",
        "objc",
    )
)


def is_literal(text: str) -> bool:
    """Whether text is a name for dlopen(3): a soname, or an absolute path that ends like one."""
    return len(text) <= _LONGEST and bool(_LITERAL.match(text)) and not _ELSEWHERE.search(text)


def is_stem(text: str) -> bool:
    """Whether text is a name for ``ctypes.util.find_library`` that can be found on Linux.

    That looks for ``lib`` + name + ``.so``, so that a name which starts with ``lib`` finds nothing.
    """
    return (
        len(text) <= _LONGEST
        and bool(_STEM.match(text))
        and not _SHARED_OBJECT.search(text)
        and not text.startswith("lib")
        and not _ELSEWHERE.search(text)
        and text not in _APPLE
    )


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Return names once each, in their order, but those that only development packages have last.

    ``libfoo.so`` without a version is the link that linkers use (Debian Policy 8.4).
    """
    return tuple(sorted(dict.fromkeys(names), key=lambda name: bool(_UNVERSIONED.search(name))))
