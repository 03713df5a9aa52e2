"""The cases: what is installed from where, and what must work in the final image."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SUITES = ("bookworm", "trixie")


class UnknownCaseError(Exception):
    """A case was asked for that the corpus does not have."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case of cases.json.

    ``apt`` are the packages that the builder image needs besides its own, ``pip`` the arguments of pip
    install, both as a shell reads them. ``check`` is a Python program that must succeed in the final image.
    ``needs`` are packages that must be listed, None where the case does not say. ``reason`` says why the
    case fails, where that is known and expected.
    """

    name: str
    kind: str
    pip: str
    check: str
    apt: str = ""
    needs: tuple[str, ...] | None = None
    reason: str = ""

    def missing_needs(self, listed: Iterable[str]) -> tuple[str, ...]:
        """Return the packages of ``needs`` that are not listed, in any of the spellings of a suite.

        Packages that were renamed for 64-bit time carry "t64" behind the name that bookworm knows them by.
        """
        known = set(listed)
        return tuple(name for name in self.needs or () if known.isdisjoint((name, f"{name}t64")))

    def exceeded_needs(self, listed: Iterable[str]) -> tuple[str, ...]:
        """Return the packages that are listed although the case says that it needs none."""
        return tuple(sorted(listed)) if self.needs == () else ()


_KEYS = frozenset(field.name for field in fields(Case)) - {"name"}


def parse_cases(text: str, suite: str) -> dict[str, Case]:
    """Return the cases of a cases.json as they are for one suite, by name.

    An object named like a suite inside a case holds what is different there. Raises ValueError for a key
    that does not exist, TypeError where kind, pip or check is missing.
    """
    return {name: _case(name, content, suite) for name, content in json.loads(text).items()}


def _case(name: str, content: Mapping[str, Any], suite: str) -> Case:
    values = {key: value for key, value in content.items() if key not in SUITES} | content.get(suite, {})
    if wrong := sorted(values.keys() - _KEYS):
        raise ValueError(f"{name}: unknown key {', '.join(wrong)}")
    needs = values.pop("needs", None)
    return Case(name=name, needs=None if needs is None else tuple(needs), **values)


def choose(cases: Mapping[str, Case], names: Iterable[str]) -> tuple[Case, ...]:
    """Return the named cases in the order of the corpus, or all where no name is given."""
    wanted = set(names)
    if unknown := sorted(wanted - cases.keys()):
        raise UnknownCaseError(f"no such case: {', '.join(unknown)}")
    return tuple(case for name, case in cases.items() if not wanted or name in wanted)
