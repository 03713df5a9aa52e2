"""Fixtures for all tests."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from support.elf_data import ElfData


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Let Ctrl-C reach what the tests start: a shell's background job, and all below it, ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def elf_data() -> ElfData:
    """Give the committed ELF files."""
    return ElfData(Path(__file__).parent / "data" / "elf")
