"""apt-get's command lines: one for each phase, and the environment that they run in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LOCK_TIMEOUT = 120  # seconds

# apt.conf(5), apt-get(8). Every index must arrive; a connection that breaks is tried again; conffiles are
# answered as a build must: what the administrator changed stays, all else is new.
_ALWAYS = (
    "APT::Update::Error-Mode=any",
    "Acquire::Retries=3",
    f"DPkg::Lock::Timeout={LOCK_TIMEOUT}",
    "Dpkg::Use-Pty=0",
    "Dpkg::Options::=--force-confdef",
    "Dpkg::Options::=--force-confold",
)

# What the image's own configuration may allow is asked for here, or not done.
_UNASKED = (
    "APT::Get::allow-downgrades=false",
    "APT::Get::allow-change-held-packages=false",
    "APT::Get::allow-remove-essential=false",
    "APT::Get::force-yes=false",
)
_SEE_ALL = ("--allow-downgrades", "--allow-change-held-packages", "--allow-remove-essential")
_KEEP_UNNEEDED = frozenset(("--no-remove", "--no-auto-remove", "--no-autoremove"))
_SETTING = ("-o", "--option", "-c", "--config-file")

UPDATE_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
# Maintainer scripts may need the locale of the image, from which databases take theirs; LANGUAGE chooses the
# language of messages alone (gettext manual, "The LANGUAGE variable"), and those are going to be recognised.
INSTALL_ENVIRONMENT = {
    "DEBIAN_FRONTEND": "noninteractive",
    "APT_LISTCHANGES_FRONTEND": "none",
    "LANGUAGE": "en",
}


@dataclass(frozen=True, slots=True)
class AptGet:
    """How apt-get is called in this run; ``settings`` are ``-o`` values, ``extra`` the caller's own."""

    recommends: bool = False
    upgrade: bool = False
    auto_remove: bool = True
    allow_removals: bool = False
    allow_downgrades: bool = False
    target_release: str = ""
    archives: str = "/var/cache/apt/archives"
    settings: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    config_file: str = ""

    def update(self) -> tuple[str, ...]:
        """Return the argv that fetches the indexes, and leaves it to the next command to read them.

        Where nothing new came, a package cache of an earlier run serves that one as it is.
        """
        # With -qq it would keep to itself which files could not be fetched, and why.
        return ("apt-get", "-q", "-o", "pkgCacheFile::Generate=false", *self._options(), "update")

    def simulate(self, specs: Iterable[str]) -> tuple[str, ...]:
        """Return the argv that says what an installation would do, even what it would then refuse to."""
        auto_remove = ("--auto-remove",) if self.auto_remove else ()
        return ("apt-get", "-q", "--simulate", *_SEE_ALL, *auto_remove, *self._install(specs))

    def install(self, specs: Iterable[str]) -> tuple[str, ...]:
        """Return the argv that fetches everything, and then installs it.

        apt-get itself refuses to remove anything unless that is allowed, to downgrade, and to change what is
        held.
        """
        unasked = (part for value in _UNASKED for part in ("-o", value))
        # With the second, apt-get would not even think about what nothing needs any more.
        removals = "--auto-remove" if self.allow_removals else "--no-remove"
        return ("apt-get", "-q", *unasked, removals, *self._install(specs))

    @property
    def leaves_unneeded(self) -> bool:
        """Whether an installation leaves it to ``remove_unneeded`` to remove what nothing needs any more."""
        return not self.allow_removals and _KEEP_UNNEEDED.isdisjoint(self.extra)

    def remove_unneeded(self) -> tuple[str, ...]:
        """Return the argv that removes what was installed automatically and nothing needs any more."""
        return ("apt-get", "-q", *self._options(), "-y", "autoremove")

    def _install(self, specs: Iterable[str]) -> tuple[str, ...]:
        return (
            *self._options(),
            "-y",
            "--install-recommends" if self.recommends else "--no-install-recommends",
            *(() if self.upgrade else ("--no-upgrade",)),
            *(("--allow-downgrades",) if self.allow_downgrades else ()),
            *(("--target-release", self.target_release) if self.target_release else ()),
            *self._extra[1],
            "install",
            # An exact package name is all that a spec can hold, but an option is only none behind this.
            "--",
            *specs,
        )

    def settings_as_options(self) -> tuple[str, ...]:
        """Return the settings of this run as options that every one of apt's commands takes."""
        file = ("-c", self.config_file) if self.config_file else ()
        return (*file, *(part for value in self.settings for part in ("-o", value)), *self._extra[0])

    def _options(self) -> tuple[str, ...]:
        return (*(part for value in _ALWAYS for part in ("-o", value)), *self.settings_as_options())

    @property
    def _extra(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The caller's own options: those that set something, for every command, and those for install."""
        settings: list[str] = []
        others: list[str] = []
        value_follows = False
        for option in self.extra:
            if value_follows or option.startswith(_SETTING):
                settings.append(option)
                value_follows = not value_follows and option in _SETTING
            else:
                others.append(option)
        return tuple(settings), tuple(others)
