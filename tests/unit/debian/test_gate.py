"""The plan gate: which plans pass, and what is said of those that do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from multistage_docker.debian.archive import PlanError
from multistage_docker.debian.dpkg import InstalledPackage
from multistage_docker.debian.gate import Allowed, Gate, Installed, PlanRefusedError
from multistage_docker.debian.plan import Plan, PlannedPackage, PlannedRemoval
from multistage_docker.debian.spec import Spec, parse_spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNMET = """\
Reading package lists...
Some packages could not be installed.
The following packages have unmet dependencies:
 app : Depends: cuda (>= 2) but 1 is to be installed

E: Unable to correct problems, you have held broken packages.
"""


@dataclass(frozen=True, slots=True)
class Shelf:
    """An archive of versions and providers."""

    known: dict[str, tuple[str, ...]]
    provided: dict[str, tuple[str, ...]]
    label: str = "a shelf"

    def candidate(self, name: str) -> str:
        """Return the first version."""
        return next(iter(self.versions(name)), "")

    def versions(self, name: str) -> tuple[str, ...]:
        """Return the versions."""
        return self.known.get(name, ())

    def all_versions(self, names: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """Return the versions of each."""
        return {name: self.versions(name) for name in names}

    def priority(self, _name: str) -> str:
        """Return the same for all."""
        return "optional"

    def providers(self, name: str) -> tuple[str, ...]:
        """Return the providers."""
        return self.provided.get(name, ())

    def similar_names(self, _name: str) -> tuple[str, ...]:
        """Return two names."""
        return ("app", "apply")

    def plan(self, _specs: Sequence[Spec]) -> Plan:
        """Make no plan: a gate asks for none."""
        raise AssertionError


SHELF = Shelf(
    {"app": ("3", "2", "1"), "app:i386": ("3",), "many": tuple("987654321")},
    {"mta": tuple(f"mailer{number}" for number in range(9)), "blas": ("atlas",)},
)
CUDA = InstalledPackage("cuda", "amd64", "1", held=True)
LIB = InstalledPackage("lib", "amd64", "2")
FOREIGN = InstalledPackage("app", "i386", "3")
DATA = InstalledPackage("data", "all", "1")


def gate(*specs: str, allowed: Allowed | None = None) -> Gate:
    """Return a gate for specs on a system of four packages."""
    installed = Installed((FOREIGN, CUDA, DATA, LIB), "amd64")
    parsed = tuple(map(parse_spec, specs))
    return Gate(parsed, installed, allowed or Allowed(), lambda one, other: one < other)


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("lib", LIB),
        ("lib:amd64", LIB),
        ("lib=2", LIB),
        ("lib=1", None),
        ("lib/stable", None),
        ("lib:i386", None),
        ("app", None),
        ("app:i386", FOREIGN),
        ("data", DATA),
        ("data:i386", DATA),
        ("gone", None),
    ],
)
def test_what_holds_already(spec: str, found: InstalledPackage | None) -> None:
    """A name without architecture means dpkg's own; ``all`` serves every one; dpkg knows of no suites."""
    assert gate().installed.satisfies(parse_spec(spec)) == found


def test_pins_that_pass() -> None:
    """A version that is there, one of a package that is not, and an upgrade that is allowed."""
    gate("lib=2", "gone=1", "lib", "cuda=1").check_pins()
    gate("lib=3", allowed=Allowed(upgrade=True)).check_pins()


@pytest.mark.parametrize(
    ("spec", "upgrade", "message"),
    [
        ("lib=3", False, "lib is installed at 2, not at 3"),
        ("cuda=2", False, "cuda is on hold at 1, and 2 is asked for"),
        ("cuda=2", True, "cuda is on hold at 1, and 2 is asked for"),
    ],
    ids=["installed", "held", "held against an upgrade"],
)
def test_pins_that_apt_would_skip(spec: str, message: str, *, upgrade: bool) -> None:
    """apt-get would leave the installed version and report success."""
    with pytest.raises(PlanRefusedError, match=message):
        gate(spec, allowed=Allowed(upgrade=upgrade)).check_pins()


APP = PlannedPackage("app", "amd64", "3")
OLDER = PlannedPackage("lib", "amd64", "1", installed_version="2")
NEWER = PlannedPackage("lib", "amd64", "3", installed_version="2")


def test_plans_that_pass() -> None:
    """What was asked for, a newer dependency, what nobody needs any more, and what was allowed."""
    plan = Plan((APP, NEWER), (PlannedRemoval("old", "1", automatic=True),))
    gate("app", "data").check_plan(plan, SHELF)
    everything = Allowed(removals=True, downgrades=True)
    gate("app", allowed=everything).check_plan(Plan((APP, OLDER), (PlannedRemoval("other", "1"),)), SHELF)
    gate("app:i386", "many").check_plan(Plan((PlannedPackage("many", "all", "9"),)), SHELF)


@pytest.mark.parametrize(
    ("spec", "plan", "message", "hint"),
    [
        ("app", Plan(), "apt would not install app", ""),
        ("app", Plan((PlannedPackage("app", "i386", "3"),)), "apt would not install app", ""),
        ("app", Plan((APP,), (PlannedRemoval("a", "1"),)), "the plan removes a", "--allow-removals"),
        ("app", Plan((APP, OLDER)), "takes lib from 2 back to 1", "--allow-downgrades"),
        (
            "app",
            Plan((APP, PlannedPackage("cuda", "amd64", "2", "1"))),
            "cuda is on hold at 1, and the plan needs 2",
            "unhold",
        ),
        ("app=4", Plan(), "app has no version 4", "available: 3, 2, 1"),
        ("many=10", Plan(), "many has no version 10", "available: 9, 8, 7, 6, 5"),
        ("mta", Plan((APP,)), "mta is a virtual package", "mailer7, …"),
        ("blas", Plan((APP,)), "blas is a virtual package", "name one that provides it: atlas"),
        ("ap.p", Plan((APP,)), r"there is no package ap\.p", "did you mean app or apply?"),
    ],
    ids=[
        *("not planned", "other architecture", "removal", "downgrade", "hold", "version", "versions"),
        *("virtual", "one provider", "unknown"),
    ],
)
def test_plans_that_are_refused(spec: str, plan: Plan, message: str, hint: str) -> None:
    """The message names the package, the hint the way out."""
    with pytest.raises(PlanRefusedError, match=message) as caught:
        gate(spec).check_plan(plan, SHELF)
    assert hint in caught.value.hint


def test_the_plan_is_shown_with_the_refusal() -> None:
    """People see what would have been done."""
    plan = Plan((APP,), (PlannedRemoval("a", "1"),))
    with pytest.raises(PlanRefusedError) as caught:
        gate("app").check_plan(plan, SHELF)
    assert caught.value.shown == plan.lines()


def failure(output: str) -> PlanError:
    """Return the error of a plan that apt could not make."""
    return PlanError("no plan", returncode=100, output=output)


def test_a_hold_in_the_way_is_named() -> None:
    """Where apt's explanation has a held package in it, that is the cause."""
    with pytest.raises(PlanRefusedError, match="cuda is on hold at 1, and another version") as caught:
        gate("app").explain(failure(UNMET), SHELF)
    assert caught.value.hint == "apt-mark unhold cuda lets it go"
    assert len(caught.value.shown) == 3


def test_other_reasons_are_apts_own() -> None:
    """Without a hold in it, the explanation is apt's diagnosis, shown as apt gave it."""
    with pytest.raises(PlanRefusedError) as caught:
        gate("app", "lib").explain(failure(UNMET.replace("cuda", "other")), SHELF)
    assert "on hold at" not in str(caught.value)
    assert caught.value.shown[1] == " app : Depends: other (>= 2) but 1 is to be installed"


def test_an_unknown_package_is_explained_without_apts_lines() -> None:
    """What apt cannot find may be known under another name."""
    with pytest.raises(PlanRefusedError, match="there is no package nosuch"):
        gate("nosuch").explain(failure("E: Unable to locate package nosuch"), SHELF)
    with pytest.raises(PlanRefusedError) as caught:
        gate("app").explain(failure("E: Unable to locate package nosuch"), SHELF)
    assert caught.value.shown == ()


def test_failures_of_another_kind_are_left_to_the_caller() -> None:
    """A full disk has nothing to do with the packages."""
    gate("nosuch").explain(failure("E: No space left on device"), SHELF)


def test_a_package_file_is_no_name_to_look_up() -> None:
    """What stands in a file needs no archive; its dependencies may."""
    one = Gate((Spec("own", path="./own.deb"),), gate().installed, Allowed(), lambda _one, _other: False)
    with pytest.raises(PlanRefusedError) as caught:
        one.explain(failure(UNMET.replace("cuda", "other")), SHELF)
    assert "own" not in str(caught.value)
