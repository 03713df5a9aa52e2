"""What apt and the kernel write, read: mounts, configuration, marks, plans, records."""

from __future__ import annotations

import pytest

from multistage_docker.debian.aptconfig import parse_dump
from multistage_docker.debian.aptget import AptGet
from multistage_docker.debian.archive import most_similar
from multistage_docker.debian.archive_commands import parse_records, parse_version_table
from multistage_docker.debian.marks import parse_extended_states
from multistage_docker.debian.mounts import mount_point, parse_mountinfo
from multistage_docker.debian.plan import (
    Plan,
    PlannedPackage,
    PlannedRemoval,
    archive_file_name,
    parse_simulation,
)

MOUNTINFO = (
    "22 1 0:20 / / rw - overlay overlay rw\n"
    "23 22 0:21 / /proc rw - proc proc rw\n"
    "24 22 8:1 /x /var/cache/with\\040space rw shared:1 - ext4 /dev/sda rw\n"
)


def test_mountinfo() -> None:
    """Mount points are the fifth field, octal escapes undone."""
    assert parse_mountinfo(MOUNTINFO) == ("/", "/proc", "/var/cache/with space")


@pytest.mark.parametrize(
    ("path", "point"),
    [
        ("/var/cache/apt/archives/x.deb", "/var/cache/apt"),
        ("/var/cache/apt", "/var/cache/apt"),
        ("/var/cache/apt2", "/"),
        ("/var/cache", "/"),
        ("/var/cache/apt/archives/keep/x", "/var/cache/apt/archives/keep"),
    ],
)
def test_longest_mount_point_wins(path: str, point: str) -> None:
    """A path lies on the mount with the longest prefix, by whole names."""
    assert mount_point(path, ("/", "/var/cache/apt", "/var/cache/apt/archives/keep")) == point


def test_configuration() -> None:
    """Paths are put together from their parents unless they are absolute; lists keep their order."""
    config = parse_dump(
        'Dir "/";\nDir::Cache "var/cache/apt";\n'
        'Dir::Cache::archives "archives/";\nDir::State "var/lib/apt";\n'
        'Dir::State::lists "/elsewhere/lists/";\nDPkg::Post-Invoke "";\nDPkg::Post-Invoke:: "rm a";\n'
        'DPkg::Post-Invoke:: "rm \\"b\\"";\n'
    )
    assert config.path("Dir::Cache::archives") == "/var/cache/apt/archives"
    assert config.path("Dir::State::lists") == "/elsewhere/lists"
    assert config.get_list("dpkg::post-invoke") == ("rm a", 'rm \\"b\\"')
    assert config.get("Nothing", "default") == "default"


def test_a_root_directory_goes_before_a_path_once() -> None:
    """RootDir holds for every place of apt's, however many parents its name has."""
    config = parse_dump(
        'RootDir "/srv/x/";\nDir "/";\nDir::State "var/lib/apt";\nDir::State::lists "lists/";\n'
    )
    assert (config.root, config.path("Dir::State")) == ("/srv/x", "/srv/x/var/lib/apt")
    assert config.path("Dir::State::lists") == "/srv/x/var/lib/apt/lists"


def test_marks() -> None:
    """Only packages with Auto-Installed: 1 are automatic."""
    record = "Package: {0}\nArchitecture: amd64\nAuto-Installed: {1}\n\n"
    text = record.format("a", 1) + record.format("b", 0)
    assert parse_extended_states(text) == {("a", "amd64")}


def test_simulation() -> None:
    """New, upgraded, foreign and removed packages are read from a simulation."""
    output = (
        "NOTE: This is only a simulation!\nRemv old [1.0]\n"
        "Inst libc6:i386 [2.36-8] (2.36-9 Debian:12/stable, Other:x [i386]) []\n"
        "Inst tool (1:2~rc1 Debian:12/stable [all])\nConf tool (1:2~rc1 Debian:12/stable [all])\n"
        "Purg older:i386 [0.1]\n"
    )
    assert parse_simulation(output) == Plan(
        install=(
            PlannedPackage("libc6", "i386", "2.36-9", "2.36-8"),
            PlannedPackage("tool", "all", "1:2~rc1"),
        ),
        remove=(PlannedRemoval("old", "1.0"), PlannedRemoval("older", "0.1")),
    )


def test_plan_for_people() -> None:
    """A plan reads as one package a line, with a summary of bytes and kB."""
    plan = Plan(
        (PlannedPackage("a", "amd64", "2", "1", 1500, -4), PlannedPackage("b", "all", "1", "", 500, 10)),
        (PlannedRemoval("c", "1"), PlannedRemoval("d", "1", automatic=True)),
    )
    assert plan.lines() == (
        "install a:amd64 2 (now 1)",
        "install b:all 1",
        "remove c 1",
        "remove d 1 (no longer needed)",
        "2,000 bytes to download, 6 kB on disk",
    )


def test_archive_file_name() -> None:
    """A colon and an underscore in a version are escaped, as apt does it."""
    assert archive_file_name("a", "1:2_3~rc", "all") == "a_1%3a2%5f3~rc_all.deb"


def test_records() -> None:
    """Continuation lines do not start a field; a paragraph without a package is no record."""
    text = "Package: a\nVersion: 1\nArchitecture: all\nDescription: x\n more: y\n\nFoo: bar\n"
    assert list(parse_records(text)) == [
        {"Package": "a", "Version": "1", "Architecture": "all", "Description": "x"}
    ]


def test_version_table() -> None:
    """The installed version is marked with stars; source lines are no versions."""
    text = (
        "x:\n  Installed: 1.0\n  Candidate: 2.0\n  Version table:\n     2.0 500\n        500 h Packages\n"
        " *** 1.0 100\n        100 /var/lib/dpkg/status\n"
    )
    assert parse_version_table(text) == ("2.0", "1.0")


def test_similar_names() -> None:
    """The closest names come first, and names that start otherwise do not count."""
    assert most_similar("libpq", ("libpq5", "libpq-dev", "xlibpq", "zsh"))[0] == "libpq5"
    assert most_similar("nosuch", ("libpq5",)) == ()


def test_callers_settings_reach_every_command() -> None:
    """Settings among the caller's options go to update as well; flags go to install alone."""
    apt = AptGet(extra=("-o", "A::B=1", "--fix-missing", "-oC::D=2", "-c", "/file"))
    assert apt.update()[-6:] == ("-o", "A::B=1", "-oC::D=2", "-c", "/file", "update")
    assert "--fix-missing" not in apt.update()
    assert apt.install(["x"])[-4:] == ("--fix-missing", "install", "--", "x")
