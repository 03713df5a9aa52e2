"""Text for people: what comes from file names and other programs must stay on its line."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return text with control characters and undecodable bytes escaped.

    File names are the tree's: a newline or an escape sequence in one must not forge a line or drive a
    terminal.
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in text
    )


def counted(number: int, noun: str) -> str:
    """Return ``1 file``, ``2 files``, ``3 libraries``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun[:-1]}ies" if noun.endswith("y") else f"{number:,} {noun}s"
