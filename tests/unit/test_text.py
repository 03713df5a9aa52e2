"""Text for people."""

from __future__ import annotations

import pytest

from multistage_docker.text import counted, printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain ünïcode …", "plain ünïcode …"),
        ("new\nline\r\t", "new\\nline\\r\\t"),
        ("\x1b[31m\x9b\x00", "\\x1b[31m\\x9b\\x00"),
        ("\udcff", "\\udcff"),
        ("\u202e\u2028", "\\u202e\\u2028"),
    ],
)
def test_printable(text: str, expected: str) -> None:
    """What would leave its line or drive a terminal is escaped."""
    assert printable(text) == expected


@pytest.mark.parametrize(
    ("number", "noun", "expected"),
    [
        (0, "file", "0 files"),
        (1, "library", "1 library"),
        (2, "library", "2 libraries"),
        (1200, "file", "1,200 files"),
    ],
)
def test_counted(number: int, noun: str, expected: str) -> None:
    """A number and its noun agree."""
    assert counted(number, noun) == expected
