"""The archive by apt's own commands, with answers as apt writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from multistage_docker.debian.aptget import AptGet
from multistage_docker.debian.archive import PlanError
from multistage_docker.debian.archive_commands import CommandsArchive
from multistage_docker.debian.plan import PlannedPackage, PlannedRemoval
from multistage_docker.debian.spec import parse_specs
from support.fake_debian import FakeDebian, Package

if TYPE_CHECKING:
    from pathlib import Path

ARCHIVE = {
    "tool": (Package("tool", "2", depends=("lib",)), Package("tool", "1")),
    "lib": (Package("lib", "1:1_a", size=500, installed_size=20),),
    "fighter": (Package("fighter", conflicts=("victim",)),),
}


@pytest.fixture
def debian(tmp_path: Path) -> FakeDebian:
    """Give each test a made-up Debian."""
    return FakeDebian(tmp_path / "root", ARCHIVE, {"virtual": ("tool", "lib")})


def archive(debian: FakeDebian) -> CommandsArchive:
    """Return its archive."""
    return CommandsArchive(debian, AptGet(archives=str(debian.root / "archives")))


def test_a_package(debian: FakeDebian) -> None:
    """Candidate, versions and priority are those of the newest version's records."""
    known = archive(debian)
    assert known.candidate("tool") == "2"
    assert known.versions("tool") == ("2", "1")
    assert known.priority("tool") == "optional"
    assert known.providers("tool") == ()


@pytest.mark.parametrize("name", ["virtual", "gone"])
def test_names_that_no_package_has(debian: FakeDebian, name: str) -> None:
    """Neither a virtual name nor an unknown one has versions; only one has providers."""
    known = archive(debian)
    assert (known.candidate(name), known.versions(name), known.priority(name)) == ("", (), "")
    assert known.providers(name) == (("lib", "tool") if name == "virtual" else ())


def test_mistyped_names(debian: FakeDebian) -> None:
    """Similar names are looked for among all of apt's."""
    assert archive(debian).similar_names("toool") == ("tool",)


def test_a_plan_with_sizes(debian: FakeDebian) -> None:
    """Bytes to fetch come from the index, kB on disk against what is installed."""
    debian.install(Package("lib", "1:0", installed_size=15), Package("tool", "1", installed_size=4))
    plan = CommandsArchive(debian, AptGet(upgrade=True)).plan(parse_specs(("tool",)))
    assert plan.install == (
        PlannedPackage("lib", "amd64", "1:1_a", "1:0", 500, 5),
        PlannedPackage("tool", "amd64", "2", "1", 1000, 6),
    )


def test_what_has_been_fetched_is_not_fetched_again(debian: FakeDebian) -> None:
    """A package file of the right size in the archives costs no download; one of another size does."""
    directory = debian.root / "archives"
    directory.mkdir()
    (directory / "lib_1%3a1%5fa_amd64.deb").write_bytes(bytes(500))
    (directory / "tool_2_amd64.deb").write_bytes(bytes(10))
    plan = archive(debian).plan(parse_specs(("tool",)))
    assert [package.download_size for package in plan.install] == [0, 1000]


def test_removals_are_told_apart(debian: FakeDebian) -> None:
    """What conflicts goes in any case; what nobody needs only with --auto-remove."""
    debian.install(Package("victim"), Package("unneeded1"))
    plan = archive(debian).plan(parse_specs(("fighter",)))
    assert plan.remove == (PlannedRemoval("unneeded1", "1", automatic=True), PlannedRemoval("victim", "1"))


def test_a_plan_that_cannot_be_made(debian: FakeDebian) -> None:
    """The error has apt's own output and exit status."""
    with pytest.raises(PlanError) as caught:
        archive(debian).plan(parse_specs(("gone",)))
    assert (caught.value.returncode, "Unable to locate package gone" in caught.value.output) == (100, True)


def test_nothing_to_plan(debian: FakeDebian) -> None:
    """An empty plan asks for no sizes."""
    debian.install(Package("lib", "1:1_a"))
    assert archive(debian).plan(parse_specs(("lib",))).install == ()
    assert [argv[0] for argv in debian.asked] == ["apt-get"]
