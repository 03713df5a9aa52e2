"""The closure of Essential packages: what every Debian system has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from multistage_docker.debian.dpkg import InstalledPackage
from multistage_docker.debian.essential import essential_closure

BASH = InstalledPackage("bash", "amd64", "5", essential=True)
OTHER = InstalledPackage("other", "amd64", "1")


def closure(depends: str, *packages: InstalledPackage) -> set[str]:
    """Return the names in the closure of bash with the given dependencies, bash itself aside."""
    found = essential_closure((replace(BASH, depends=depends), OTHER, *packages), "amd64")
    return {package.qualified_name("amd64") for package in found} - {"bash"}


def package(name: str, **other: str) -> InstalledPackage:
    """Return an installed package of this architecture."""
    return replace(InstalledPackage(name, "amd64", "1"), **other)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "depends",
    [
        pytest.param("libc6 (>= 2.36), libgone", id="version"),
        pytest.param("libc6:any", id="qualifier"),
        pytest.param("libgone | libc6 [amd64]", id="alternatives"),
        pytest.param(" libc6 ,", id="blanks"),
        pytest.param("base-files,\n libc6", id="folded"),
    ],
)
def test_direct_dependencies(depends: str) -> None:
    """A dependency that is installed is in the closure, however it is written."""
    assert closure(depends, package("libc6")) == {"libc6"}


def test_dependencies_of_dependencies() -> None:
    """The closure goes on to the end, through circles as well."""
    assert closure(
        "libc6",
        package("libc6", depends="libgcc-s1"),
        package("libgcc-s1", depends="gcc-base, libc6"),
        package("gcc-base"),
    ) == {"libc6", "libgcc-s1", "gcc-base"}


def test_the_first_installed_alternative_counts() -> None:
    """Of alternatives that are both installed the first is what a small system has."""
    assert closure("one | two", package("two"), package("one")) == {"one"}


def test_providers_go_by_priority() -> None:
    """Of several packages that provide a name the one of the highest priority counts, then the first."""
    mawk = package("mawk", priority="required", provides="awk")
    gawk = package("gawk", provides="awk (= 1), editor")
    assert closure("awk", gawk, mawk) == {"mawk"}
    assert closure("awk", gawk, package("original-awk", provides="awk")) == {"gawk"}
    assert closure("awk", package("odd", priority="unheard-of", provides="awk"), gawk) == {"gawk"}


def test_a_real_package_wins_over_a_provider() -> None:
    """A package of that name is taken before one that provides it."""
    assert closure("awk", package("mawk", provides="awk"), package("awk")) == {"awk"}


def test_foreign_packages_stand_apart() -> None:
    """A package of another architecture neither is essential nor meets a dependency."""
    assert closure("libc6", replace(package("libc6"), architecture="i386")) == set()
    foreign = replace(BASH, architecture="i386")
    assert essential_closure((foreign,), "amd64") == frozenset()
    assert closure("tzdata", replace(package("tzdata"), architecture="all")) == {"tzdata"}
