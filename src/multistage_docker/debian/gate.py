"""The plan gate: what must not be done, or cannot be had, is said before anything changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from multistage_docker.debian.doctor import Cause, diagnose
from multistage_docker.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from multistage_docker.debian.archive import Archive, PlanError
    from multistage_docker.debian.dpkg import InstalledPackage
    from multistage_docker.debian.plan import Plan, PlannedPackage
    from multistage_docker.debian.spec import Spec

_SHOWN_VERSIONS = 5
_SHOWN_PROVIDERS = 8
# What apt-get itself refuses because of the packages that were asked for.
ABOUT_PACKAGES = frozenset(
    {
        *(Cause.HELD, Cause.REMOVAL, Cause.ESSENTIAL, Cause.DOWNGRADE),
        *(Cause.UNMET, Cause.UNKNOWN_PACKAGE, Cause.NO_VERSION, Cause.NO_RELEASE),
    }
)


class PlanRefusedError(RefusedError):
    """What would be done is not what was asked for; ``shown`` is the plan, or apt's explanation."""

    def __init__(self, message: str, *, hint: str = "", shown: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.shown = shown


@dataclass(frozen=True, slots=True)
class Installed:
    """What is installed before the run, and how to look a spec up in it."""

    packages: tuple[InstalledPackage, ...]
    native_architecture: str

    def find(self, spec: Spec) -> InstalledPackage | None:
        """Return the installed package that a spec names, whatever its version."""
        wanted = spec.architecture or self.native_architecture
        for package in self.packages:
            if package.name == spec.name and package.architecture in (wanted, "all"):
                return package
        return None

    def satisfies(self, spec: Spec) -> InstalledPackage | None:
        """Return the installed package that makes a spec true; dpkg does not know of suites."""
        package = self.find(spec)
        wrong = package is None or spec.suite or (spec.version and spec.version != package.version)
        return None if wrong else package


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the caller has opted in to."""

    upgrade: bool = False
    removals: bool = False
    downgrades: bool = False


@dataclass(frozen=True, slots=True)
class Gate:
    """What a run was asked for, found and may do; ``is_older`` compares versions (Debian Policy 5.6.12)."""

    specs: Sequence[Spec]
    installed: Installed
    allowed: Allowed
    is_older: Callable[[str, str], bool]

    def check_pins(self) -> None:
        """Refuse a pinned version that apt-get would silently skip: --no-upgrade leaves what is there."""
        for spec in self.specs:
            package = self.installed.find(spec) if spec.version else None
            if package is None or package.version == spec.version:
                continue
            if package.held:
                raise PlanRefusedError(
                    f"{spec.qualified_name} is on hold at {package.version}, and {spec.version} is asked for",
                    hint=f"apt-mark unhold {spec.qualified_name} lets it go",
                )
            if not self.allowed.upgrade:
                raise PlanRefusedError(
                    f"{spec.qualified_name} is installed at {package.version}, not at {spec.version}",
                    hint="--upgrade allows another version (an older one needs --allow-downgrades as well)",
                )

    def check_names(self, archive: Archive) -> None:
        """Refuse what is no package's name: apt-get would take it for a pattern, or take a provider."""
        wanted = [spec for spec in self.specs if not spec.path and not self.installed.satisfies(spec)]
        known = archive.all_versions([spec.qualified_name for spec in wanted])
        for spec in wanted:
            versions = known[spec.qualified_name]
            if not versions or (spec.version and spec.version not in versions):
                explain_missing(spec, archive)

    def check_plan(self, plan: Plan, archive: Archive) -> None:
        """Refuse a plan with anything that was not asked for; raise PlanRefusedError with the plan."""
        planned = {(package.name, package.architecture) for package in plan.install}
        for spec in self.specs:
            architecture = spec.architecture or self.installed.native_architecture
            wanted = {(spec.name, architecture), (spec.name, "all")}
            if not wanted & planned and not self.installed.find(spec):
                explain_missing(spec, archive)
                raise PlanRefusedError(f"apt would not install {spec}", shown=plan.lines())
        conflicting = [removal.name for removal in plan.remove if not removal.automatic]
        if conflicting and not self.allowed.removals:
            raise PlanRefusedError(
                f"the plan removes {', '.join(conflicting)}",
                hint="--allow-removals allows it",
                shown=plan.lines(),
            )
        for package in plan.install:
            if package.installed_version:
                self._check_change(package, plan)

    def _check_change(self, package: PlannedPackage, plan: Plan) -> None:
        key = (package.name, package.architecture)
        if any(there.held for there in self.installed.packages if (there.name, there.architecture) == key):
            raise PlanRefusedError(
                f"{package.name} is on hold at {package.installed_version}, "
                f"and the plan needs {package.version}",
                hint=f"apt-mark unhold {package.name} lets it go",
                shown=plan.lines(),
            )
        if not self.allowed.downgrades and self.is_older(package.version, package.installed_version):
            raise PlanRefusedError(
                f"the plan takes {package.name} from {package.installed_version} back to {package.version}",
                hint="--allow-downgrades allows it",
                shown=plan.lines(),
            )

    def explain(self, error: PlanError, archive: Archive) -> None:
        """Raise PlanRefusedError where apt made no plan because of the packages; return for other reasons."""
        diagnosis = diagnose(error.output)
        if diagnosis.cause not in ABOUT_PACKAGES:
            return
        for spec in self.specs:
            if not spec.path and not self.installed.satisfies(spec):
                explain_missing(spec, archive)
        if diagnosis.cause is Cause.NO_VERSION:
            for spec in self.specs:
                if spec.suite and f"'{spec.suite}' for '{spec.name}'" in error.output:
                    raise PlanRefusedError(
                        diagnosis.what, hint=_available(archive.versions(spec.qualified_name))
                    )
        shown = _explanation(error.output)
        for package in self.installed.packages:
            if package.held and any(f" {package.name} " in f"{line} " for line in shown):
                raise PlanRefusedError(
                    f"{package.name} is on hold at {package.version}, and another version is needed",
                    hint=f"apt-mark unhold {package.name} lets it go",
                    shown=shown,
                )
        raise PlanRefusedError(diagnosis.what, hint=diagnosis.way_out, shown=shown)


def explain_missing(spec: Spec, archive: Archive) -> None:
    """Raise PlanRefusedError where the archive does not have what a spec asks for, with what it does have."""
    name = spec.qualified_name
    versions = archive.versions(name)
    if not versions:
        providers = archive.providers(name)
        if providers:
            few = ", ".join(providers[:_SHOWN_PROVIDERS]) + (
                ", …" if len(providers) > _SHOWN_PROVIDERS else ""
            )
            raise PlanRefusedError(f"{name} is a virtual package", hint=f"name one that provides it: {few}")
        similar = archive.similar_names(spec.name)
        hint = (
            f"did you mean {' or '.join(similar)}?"
            if similar
            else "check its name and the suite that it is in"
        )
        raise PlanRefusedError(f"there is no package {name}", hint=hint)
    if spec.version and spec.version not in versions:
        raise PlanRefusedError(f"{name} has no version {spec.version}", hint=_available(versions))


def _available(versions: Sequence[str]) -> str:
    return f"available: {', '.join(versions[:_SHOWN_VERSIONS])}"


def _explanation(output: str) -> tuple[str, ...]:
    lines = output.splitlines()
    starts = [
        number for number, line in enumerate(lines) if line.startswith("The following packages have unmet")
    ]
    return tuple(line for line in lines[starts[0] :] if line.strip()) if starts else ()
