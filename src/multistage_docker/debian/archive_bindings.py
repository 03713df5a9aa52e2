"""The archive by python-apt: Debian's python3-apt, where the running Python can import it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import apt_pkg

from multistage_docker.debian.archive import most_similar
from multistage_docker.debian.archive_commands import CommandsArchive
from multistage_docker.debian.plan import Plan, PlannedPackage, PlannedRemoval, archive_file_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from multistage_docker.debian.aptget import AptGet
    from multistage_docker.debian.spec import Spec
    from multistage_docker.process import Runner

Error: type[Exception] = apt_pkg.Error
"""What apt refuses to do, as python-apt raises it."""


class BindingsArchive:
    """Reads apt's cache in this process; what only apt-get itself can say is left to it."""

    def __init__(self, runner: Runner, apt: AptGet) -> None:
        self._runner = runner
        self._apt = apt
        apt_pkg.init_config()
        for setting in apt.settings:
            key, _, value = setting.partition("=")
            apt_pkg.config.set(key, value)
        if apt.target_release:
            apt_pkg.config.set("APT::Default-Release", apt.target_release)
        apt_pkg.config.set("APT::Install-Recommends", "1" if apt.recommends else "0")
        apt_pkg.init_system()
        self._cache: Any = apt_pkg.Cache(None)

    @property
    def label(self) -> str:
        """Which implementation this is."""
        return "python-apt"

    def candidate(self, name: str) -> str:
        """Return the version that apt would install."""
        version = self._candidate(name)
        return version.ver_str if version else ""

    def versions(self, name: str) -> tuple[str, ...]:
        """Return the versions in apt's order."""
        package = self._package(name)
        return tuple(version.ver_str for version in package.version_list) if package else ()

    def all_versions(self, names: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """Return the versions of each."""
        return {name: self.versions(name) for name in names}

    def priority(self, name: str) -> str:
        """Return the candidate's priority."""
        version = self._candidate(name)
        return version.priority_str if version else ""

    def providers(self, name: str) -> tuple[str, ...]:
        """Return the packages of the name's provides list."""
        package = self._package(name)
        found = {version.parent_pkg.name for _, _, version in package.provides_list} if package else set()
        return tuple(sorted(found - {name}))

    def similar_names(self, name: str) -> tuple[str, ...]:
        """Return the closest of all package names."""
        return most_similar(name, {package.name for package in self._cache.packages if package.has_versions})

    def plan(self, specs: Sequence[Spec]) -> Plan:
        """Return what apt's solver decides here; where it cannot, apt-get says why."""
        if self._apt.extra or any(spec.path or spec.suite for spec in specs):
            return CommandsArchive(self._runner, self._apt).plan(specs)
        depcache: Any = apt_pkg.DepCache(self._cache)
        # All of a cache's DepCaches are one: marks of an earlier plan would count here.
        depcache.init()
        resolver: Any = apt_pkg.ProblemResolver(depcache)
        with apt_pkg.ActionGroup(depcache):
            for spec in specs:
                if not self._mark(spec, depcache, resolver):
                    return CommandsArchive(self._runner, self._apt).plan(specs)
        if depcache.broken_count:
            # python-apt knows only that it failed; apt-get explains, and may know better.
            return CommandsArchive(self._runner, self._apt).plan(specs)
        return self._read(depcache)

    def _mark(self, spec: Spec, depcache: Any, resolver: Any) -> bool:  # noqa: ANN401 - python-apt has no types
        package = self._package(spec.qualified_name)
        if package is None or not package.has_versions:
            return False
        wanted = [version for version in package.version_list if version.ver_str == spec.version]
        if spec.version and not wanted:
            return False
        if package.current_ver and not self._apt.upgrade:
            return True
        if wanted:
            depcache.set_candidate_ver(package, wanted[0])
        resolver.clear(package)
        resolver.protect(package)
        depcache.mark_install(package, True, True)  # noqa: FBT003 - positional in python-apt
        return True

    def _read(self, depcache: Any) -> Plan:  # noqa: ANN401 - python-apt has no types
        install, remove = [], []
        for package in self._cache.packages:
            now = package.current_ver
            if depcache.marked_delete(package):
                remove.append(PlannedRemoval(package.name, now.ver_str))
            elif now and self._apt.auto_remove and depcache.is_garbage(package):
                remove.append(PlannedRemoval(package.name, now.ver_str, automatic=True))
            elif self._comes(package, depcache):
                install.append(self._planned(package.name, now, depcache.get_candidate_ver(package)))
        return Plan(tuple(sorted(install)), tuple(sorted(remove)))

    def _comes(self, package: Any, depcache: Any) -> bool:  # noqa: ANN401 - python-apt has no types
        marked = depcache.marked_install(package) or depcache.marked_upgrade(package)
        return bool(marked and not depcache.is_garbage(package))

    def _planned(self, name: str, now: Any, new: Any) -> PlannedPackage:  # noqa: ANN401 - python-apt has no types
        fetched = os.path.join(self._apt.archives, archive_file_name(name, new.ver_str, new.arch))
        there = os.path.isfile(fetched) and os.path.getsize(fetched) == new.size
        return PlannedPackage(
            name=name,
            architecture=new.arch,
            version=new.ver_str,
            installed_version=now.ver_str if now else "",
            download_size=0 if there else new.size,
            disk_change=(new.installed_size - (now.installed_size if now else 0)) // 1024,
        )

    def _package(self, name: str) -> Any:  # noqa: ANN401 - python-apt has no types
        plain, _, architecture = name.partition(":")
        key = (plain, architecture) if architecture else plain
        try:
            return self._cache[key]
        except KeyError:
            return None

    def _candidate(self, name: str) -> Any:  # noqa: ANN401 - python-apt has no types
        package = self._package(name)
        return apt_pkg.DepCache(self._cache).get_candidate_ver(package) if package else None
