"""Compact multi-stage Docker images for Python: just the Debian packages that a virtualenv needs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = ["Choices", "Report", "__version__", "find_libdeps"]

if TYPE_CHECKING:
    from multistage_docker.forest import Choices
    from multistage_docker.libdeps import find_libdeps
    from multistage_docker.report import Report


_HOMES = {"Choices": "forest", "find_libdeps": "libdeps", "Report": "report"}


def __getattr__(name: str) -> object:
    # Loaded when asked for (PEP 562): a command must not pay for what the other one uses.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
