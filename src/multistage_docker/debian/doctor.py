"""What a failure of apt-get means: its cause and the way out, recognised from what apt and dpkg said.

Nearly every failure of apt-get ends with status 100, so the cause is in its messages alone (apt 2.6 and 3.0,
dpkg 1.21 and 1.22, in English).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Cause(Enum):
    """The kinds of failure that are told apart."""

    DISK_FULL = "disk full"
    READ_ONLY = "read-only file system"
    LOCK = "lock held"
    NO_DNS = "no DNS"
    NO_NETWORK = "no network"
    CLOCK = "clock skew"
    EXPIRED = "expired Release file"
    UNSIGNED = "not signed"
    BAD_SIGNATURE = "signature not accepted"
    END_OF_LIFE = "suite past its end of life"
    HASH = "hash mismatch"
    NOT_FOUND = "404"
    HELD = "hold in the way"
    REMOVAL = "removal not allowed"
    ESSENTIAL = "essential package in the way"
    DOWNGRADE = "downgrade not allowed"
    NO_VERSION = "vanished version"
    NO_RELEASE = "unknown release"
    UNKNOWN_PACKAGE = "unknown package"
    UNMET = "unmet dependencies"
    MAINTAINER_SCRIPT = "maintainer script"
    CONFLICTING_FILES = "file of another package"
    INTERRUPTED_DPKG = "dpkg was interrupted"
    SOURCES = "malformed sources"
    CONNECTION = "connection"
    KILLED = "ended by a signal"
    OTHER = "other"


TRANSIENT = frozenset({Cause.HASH, Cause.NOT_FOUND})


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A cause, with what apt said about it, and the way out; ``str`` is one line for people."""

    cause: Cause
    what: str
    way_out: str = ""

    def __str__(self) -> str:
        """Return cause and way out on one line."""
        return f"{self.what}; {self.way_out}" if self.way_out else self.what


# Order counts: a full disk or a missing network brings many later complaints with it. {0} is the first group.
_KNOWN: tuple[tuple[Cause, str, str, str], ...] = (
    (
        Cause.DISK_FULL,
        r"No space left on device|You don't have enough free space in (\S+)",
        "the disk is full",
        "free some space, or give the build more",
    ),
    (
        Cause.READ_ONLY,
        r"Read-only file system",
        "the file system is read-only",
        "packages can be installed only where / and /var can be written",
    ),
    (
        Cause.LOCK,
        r"(?:Could not get lock|Unable to (?:acquire|lock)[^\n]*?) (/[^\s.]+)",
        "another process holds {0}",
        "wait for it, or end it",
    ),
    (
        Cause.INTERRUPTED_DPKG,
        r"dpkg was interrupted, you must",
        "an earlier run of dpkg was interrupted",
        "run dpkg --configure -a first",
    ),
    (
        Cause.SOURCES,
        r"(?:Malformed (?:entry|stanza|line)[^\n]*|The list of sources could not be read)",
        "apt cannot read its sources: {line}",
        "correct the file in /etc/apt",
    ),
    (
        Cause.CLOCK,
        r"Release file for (\S+) is not valid yet[^\n]*",
        "{0} is dated in the future: this machine's clock is behind",
        "set the clock",
    ),
    (
        Cause.EXPIRED,
        r"Release file for (\S+) is expired[^\n]*",
        "{0} has expired: the mirror is stale, or the clock is ahead",
        "use a mirror that is kept up to date, or set the clock",
    ),
    (
        Cause.END_OF_LIFE,
        r"The repository '([^'\n]+)' (?:no longer has|does not have) a Release file",
        "{0} has no Release file: the suite is past its end of life, or the address is wrong",
        "use a supported suite, or the distribution's archive of old ones",
    ),
    (
        Cause.BAD_SIGNATURE,
        r"(?:NO_PUBKEY|EXPKEYSIG|REVKEYSIG|KEYEXPIRED|BADSIG|Missing key) ?([0-9A-F]{8,})?",
        "the signature of a repository is not accepted (key {0})",
        "install its current key and name it with signed-by",
    ),
    (
        Cause.BAD_SIGNATURE,
        r"signatures (?:couldn't be verified|were invalid)|OpenPGP signature verification failed",
        "the signature of a repository is not accepted",
        "install its current key and name it with signed-by",
    ),
    (
        Cause.UNSIGNED,
        r"The repository '([^'\n]+)' is (?:not|no longer) signed",
        "{0} is not signed",
        "use a signed repository, or mark this one trusted in its source entry",
    ),
    (
        Cause.NO_DNS,
        r"(?:Temporary failure resolving|Could not resolve) '([^'\n]+)'",
        "the host name {0} cannot be resolved",
        "check the network and DNS of the build (docker build --network)",
    ),
    (
        Cause.HASH,
        (
            r"(?:Hash Sum mismatch|File has unexpected size|Hashes of expected file|Unexpected size|"
            r"does not have the expected|Clearsigned file isn't valid)"
        ),
        "what the mirror sent does not match its index, twice",
        "the mirror is being updated or a proxy is stale: try later, or another mirror",
    ),
    (
        Cause.NOT_FOUND,
        r"Failed to fetch (\S+) +404",
        "{0} is not on the mirror (404)",
        "the mirror is out of step: try later, or another mirror",
    ),
    (
        Cause.NO_NETWORK,
        (
            r"(?:Network is unreachable|No route to host|Cannot initiate the connection to|"
            r"Could not connect to|Unable to connect to) ?(\S*)"
        ),
        "the network cannot be reached ({line})",
        "check the network of the build (docker build --network) and the mirror's address",
    ),
    (
        Cause.CONNECTION,
        r"E: (?:Failed to fetch|The repository|Some index files failed)[^\n]*",
        "a file could not be fetched ({line})",
        "the mirror does not answer as it should: try later, or another mirror",
    ),
    (
        Cause.HELD,
        r"Held packages were changed",
        "a package on hold stands in the way",
        "see apt-mark showhold; apt-mark unhold lets it go",
    ),
    (
        Cause.REMOVAL,
        r"Packages need to be removed but remove is disabled",
        "packages would be removed",
        "--allow-removals allows it",
    ),
    (
        Cause.ESSENTIAL,
        r"Essential packages were removed and -y was used",
        "a package that every Debian system needs would be removed",
        "the packages do not fit this system",
    ),
    (
        Cause.DOWNGRADE,
        r"Packages were downgraded and -y was used",
        "packages would go back to older versions",
        "--allow-downgrades allows it",
    ),
    (
        Cause.NO_VERSION,
        r"(?:Version|Release) '([^'\n]+)' for '([^'\n]+)' was not found",
        "{1} has no {0} in the archive",
        "ask for one of those that apt-cache policy {1} lists",
    ),
    (
        Cause.NO_RELEASE,
        r"The value '([^'\n]+)' is invalid for APT::Default-Release",
        "there is no release {0} in apt's sources",
        "check its name, or add a source that has it",
    ),
    (
        Cause.UNKNOWN_PACKAGE,
        r"(?:Unable to locate package (\S+)|Couldn't find any package by (?:glob|regex) '([^'\n]+)')",
        "there is no package {0}",
        "check its name and the suite that it is in",
    ),
    (
        Cause.UNKNOWN_PACKAGE,
        r"Package '([^'\n]+)' has no installation candidate",
        "{0} cannot be installed from these sources",
        "check its name and the suite that it is in",
    ),
    (
        Cause.CONFLICTING_FILES,
        r"trying to overwrite '([^'\n]+)', which is also in package (\S+)",
        "{0} is a file of {1} already",
        "the two packages cannot be installed together",
    ),
    (
        Cause.MAINTAINER_SCRIPT,
        r"(?:installed (\S+) package (\S+ script) subprocess|new (\S+) package (\S+ script) subprocess)",
        "the {1} of {0} failed",
        "its own message stands above",
    ),
    (
        Cause.MAINTAINER_SCRIPT,
        r"dpkg: error processing (?:package|archive) (\S+)",
        "dpkg could not process {0}",
        "its own message stands above",
    ),
    (
        Cause.UNMET,
        r"(?:unmet dependencies|you have held broken packages)",
        "the packages cannot be installed together",
        "apt's explanation stands above",
    ),
)


def diagnose(output: str) -> Diagnosis:
    """Return the cause of a failure from everything that apt-get wrote.

    Where nothing is recognised, the diagnosis is OTHER, with apt's first error, or warning, in its own words.
    """
    for cause, pattern, what, way_out in _KNOWN:
        match = re.search(pattern, output)
        if match:
            found = [group for group in match.groups() if group] or ["unknown"]
            line = _line_around(output, match)
            return Diagnosis(cause, what.format(*found, line=line), way_out.format(*found, line=line))
    # Errors before warnings, which are all that apt says of some.
    errors = [line[3:] for kind in "EW" for line in output.splitlines() if line.startswith(f"{kind}: ")]
    return Diagnosis(Cause.OTHER, errors[0] if errors else "apt-get gave no reason")


def _line_around(output: str, match: re.Match[str]) -> str:
    start = output.rfind("\n", 0, match.start()) + 1
    end = output.find("\n", match.end())
    return output[start : end if end >= 0 else len(output)].strip().removeprefix("E: ").removeprefix("W: ")
