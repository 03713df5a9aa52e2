"""Package specs: what may be asked for, and why everything else is refused before apt could misread it.

apt-get(8) reads ``name-`` as a removal, ``name+`` and ``name^`` as requests of its own, and a name that no
package has as a regular expression or a pattern over all names. A spec here is exactly one package.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from multistage_docker.errors import UsageError

# Debian Policy 5.6.1, 5.6.12; suites as in Release files (stable, bookworm-backports, stable/updates).
_NAME = r"(?P<name>[a-z0-9][a-z0-9+.-]+)"
_ARCHITECTURE = r"(?::(?P<architecture>[a-z0-9][a-z0-9-]*))?"
_VERSION = r"(?:=(?P<version>[0-9][A-Za-z0-9.+~:-]*))?"
_SUITE = r"(?:/(?P<suite>[A-Za-z0-9][A-Za-z0-9._+-]*))?"
_GRAMMAR = re.compile(_NAME + _ARCHITECTURE + _VERSION + _SUITE)
_FILE = re.compile(r"\./[A-Za-z0-9._+~:%@/-]*\.deb")
_NO_SINGLE_ARCHITECTURE = ("any", "all", "native")
_LONGEST = 500
_SHOWN = 60


class InvalidSpecError(UsageError):
    """A package spec that is none: what was written, and why it cannot be meant."""

    def __init__(self, spec: str, reason: str) -> None:
        shown = spec if len(spec) <= _SHOWN else f"{spec[:_SHOWN]}…"
        super().__init__(f"invalid package {shown!r}: {reason}")
        self.spec = spec
        self.reason = reason


@dataclass(frozen=True, slots=True, order=True)
class Spec:
    """One package that is asked for: by name, at will of one architecture, version or suite, or as a file.

    Of a file only ``path`` is known from what was written; it always starts with ``./``.
    """

    name: str
    architecture: str = ""
    version: str = ""
    suite: str = ""
    path: str = ""

    def __str__(self) -> str:
        """Return the spec as apt-get takes it."""
        if self.path:
            return self.path
        return (
            self.name
            + (f":{self.architecture}" if self.architecture else "")
            + (f"={self.version}" if self.version else "")
            + (f"/{self.suite}" if self.suite else "")
        )

    @property
    def qualified_name(self) -> str:
        """The name, with ``:arch`` where an architecture was asked for."""
        return f"{self.name}:{self.architecture}" if self.architecture else self.name


def parse_spec(text: str) -> Spec:
    """Parse ``name``, ``name:arch``, ``name=version``, ``name/suite`` or ``./file.deb``.

    Raises InvalidSpecError, with the reason, for everything else.
    """
    if _FILE.fullmatch(text) and ".." not in text.split("/"):
        return Spec(name="", path=text)
    match = _GRAMMAR.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise InvalidSpecError(text, _reason(text))
    spec = Spec(**{field: value or "" for field, value in match.groupdict().items()})
    if text.endswith("-"):
        raise InvalidSpecError(text, "apt would remove the package")
    if spec.architecture in _NO_SINGLE_ARCHITECTURE:
        raise InvalidSpecError(text, "name one architecture, or none")
    if spec.version and spec.suite:
        raise InvalidSpecError(text, "a version and a suite exclude each other")
    return spec


def parse_specs(texts: tuple[str, ...]) -> tuple[Spec, ...]:
    """Parse specs, drop repetitions, keep the order; two versions of one package are an error."""
    specs = tuple(dict.fromkeys(parse_spec(text) for text in texts))
    seen: dict[str, Spec] = {}
    for spec in specs:
        if spec.path:
            continue
        earlier = seen.setdefault(spec.qualified_name, spec)
        if earlier != spec and (earlier.version, earlier.suite) != ("", "") != (spec.version, spec.suite):
            raise InvalidSpecError(str(spec), f"{earlier} is asked for as well")
    return specs


def parse_requirements(text: str) -> tuple[str, ...]:
    """Return the specs of a requirement file: one a line; blank lines and ``#`` comments do not count.

    A comment may stand behind a spec, parted by white space. Lines may end in CRLF; a byte order mark is
    skipped.
    """
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in re.split(r"\r?\n|\r", text.lstrip("\ufeff")))
    return tuple(line for line in lines if line)


def _reason(text: str) -> str:
    for wrong, reason in (
        (not text, "it is empty"),
        (len(text) > _LONGEST, f"it has {len(text):,} characters"),
        (any(c.isspace() for c in text), "it holds white space; give each package as its own argument"),
        (not text.isascii(), "package names are ASCII"),
        (not text.isprintable(), "it holds control characters"),
        (text.startswith("-"), "that is an option; options for apt-get stand after --"),
        (text.startswith((".", "/")), "a package file is given as ./file.deb, without .. in its path"),
        (text[:1] in "?~", "apt would read a pattern"),
        (text.endswith("-"), "apt would remove the package"),
        (text.endswith("^"), "apt would read a task"),
        (bool(re.search(r"[*?\[\]^$|()\\{}]", text)), "apt would read a pattern or regular expression"),
        (text != text.lower() and bool(_GRAMMAR.fullmatch(text.lower())), "package names are lower case"),
        (len(text) == 1, "package names have two characters or more"),
    ):
        if wrong:
            return reason
    return "expected name, name:arch, name=version, name/suite or ./file.deb"
