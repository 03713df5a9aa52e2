"""The doctor: each cause is recognised from what apt said, first causes before later complaints."""

from __future__ import annotations

import pytest

from multistage_docker.debian.doctor import Cause, diagnose

SAID = [
    (Cause.DISK_FULL, "E: You don't have enough free space in /var/cache/apt/archives/.", "full"),
    (
        Cause.DISK_FULL,
        "dpkg: error: cannot copy: failed to write (No space left on device)\nE: Sub-process",
        "full",
    ),
    (Cause.READ_ONLY, "E: List directory /x is missing. - Acquire (30: Read-only file system)", "read-only"),
    (
        Cause.LOCK,
        "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)",
        "/var/lib/apt/lists/lock",
    ),
    (
        Cause.CLOCK,
        "E: Release file for http://h/InRelease is not valid yet (invalid for another 2d)",
        "clock",
    ),
    (Cause.EXPIRED, "E: Release file for http://h/InRelease is expired (invalid since 9d).", "expired"),
    (
        Cause.END_OF_LIFE,
        "E: The repository 'http://h s Release' no longer has a Release file.",
        "end of life",
    ),
    (Cause.UNSIGNED, "E: The repository 'http://h ./ Release' is not signed.", "not signed"),
    (
        Cause.BAD_SIGNATURE,
        (
            "W: GPG error: http://h s InRelease: NO_PUBKEY 0E98404D386FA1D9\n"
            "E: The repository 'http://h s InRelease' is not signed."
        ),
        "0E98404D386FA1D9",
    ),
    (
        Cause.BAD_SIGNATURE,
        "W: GPG error: The following signatures were invalid: EXPKEYSIG 0E98404D386FA1D9 Somebody",
        "0E98404D386FA1D9",
    ),
    (Cause.NO_DNS, "E: Failed to fetch http://h/x  Temporary failure resolving 'h'", "h cannot be resolved"),
    (Cause.HASH, "E: Failed to fetch http://h/x.deb  Hash Sum mismatch", "index"),
    (
        Cause.HASH,
        "E: Failed to fetch http://h/x.deb  File has unexpected size (1 != 2). Mirror sync",
        "index",
    ),
    (Cause.NOT_FOUND, "E: Failed to fetch http://h/x.deb  404  Not Found [IP: 1 80]", "http://h/x.deb"),
    (Cause.NO_NETWORK, "E: Failed to fetch http://h/x  Could not connect to h:80 (1.2.3.4).", "network"),
    (Cause.CONNECTION, "E: Failed to fetch http://h/x  500  Internal Server Error", "500"),
    (Cause.HELD, "E: Held packages were changed and -y was used without", "hold"),
    (Cause.UNMET, "E: Unable to correct problems, you have held broken packages.", "together"),
    (Cause.NO_VERSION, "E: Version '9' for 'nginx' was not found", "nginx has no 9"),
    (Cause.UNKNOWN_PACKAGE, "E: Unable to locate package nosuch", "nosuch"),
    (Cause.UNKNOWN_PACKAGE, "E: Package 'gone' has no installation candidate", "gone"),
    (
        Cause.MAINTAINER_SCRIPT,
        (
            "dpkg: error processing package x (--configure):\n"
            " installed x package post-installation script subprocess returned error exit status 1"
        ),
        "the post-installation script of x failed",
    ),
    (
        Cause.CONFLICTING_FILES,
        "dpkg: error processing archive y (--unpack):\n trying to overwrite '/a', which is also in package z",
        "/a is a file of z already",
    ),
    (
        Cause.INTERRUPTED_DPKG,
        "E: dpkg was interrupted, you must manually run 'dpkg --configure -a'",
        "interrupted",
    ),
    (Cause.SOURCES, "E: Malformed entry 1 in list file /etc/apt/sources.list (Type)", "Malformed entry 1"),
    (
        Cause.NO_RELEASE,
        "E: The value 'gone' is invalid for APT::Default-Release as such a release is not available",
        "no release gone",
    ),
    (Cause.OTHER, "E: Something new", "Something new"),
    (Cause.OTHER, "W: Unable to read gone - open (2: No such file or directory)", "Unable to read gone"),
    (Cause.OTHER, "W: Something odd\nE: Something new", "Something new"),
    (Cause.OTHER, "", "no reason"),
]


@pytest.mark.parametrize(
    ("cause", "output", "named"), SAID, ids=[f"{c.name}-{i}" for i, (c, _, _) in enumerate(SAID)]
)
def test_causes(cause: Cause, output: str, named: str) -> None:
    """Apt's own words lead to the cause, which is named on one line."""
    diagnosis = diagnose(output)
    assert diagnosis.cause is cause
    assert named in str(diagnosis)
    assert "\n" not in str(diagnosis)
