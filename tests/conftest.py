"""Fixtures for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.elf_data import ElfData


@pytest.fixture(scope="session")
def elf_data() -> ElfData:
    """Give the committed ELF files."""
    return ElfData(Path(__file__).parent / "data" / "elf")
