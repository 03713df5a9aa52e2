"""Numbers as the page and the pictures show them."""

from __future__ import annotations


def seconds(value: float) -> str:
    """Return seconds with about three digits that count."""
    digits = 0 if value >= 99.5 else 1 if value >= 9.95 else 2 if value >= 0.995 else 3
    return f"{value:,.{digits}f}"


def ratio(value: float) -> str:
    """Return how many times as much something is, with about two digits that count."""
    return f"{value:,.{0 if value >= 9.95 else 1 if value >= 0.995 else 2}f} x"


def plural(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
