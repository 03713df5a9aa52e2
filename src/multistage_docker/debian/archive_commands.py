"""The archive by apt's own commands: apt-cache for what is known, a simulation for what would be done."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from multistage_docker.debian.archive import PlanError, most_similar
from multistage_docker.debian.doctor import diagnose
from multistage_docker.debian.plan import Plan, archive_file_name, parse_simulation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from multistage_docker.debian.aptget import AptGet
    from multistage_docker.debian.spec import Spec
    from multistage_docker.process import Completed, Runner

_VERSION_COLUMN = 5


@dataclass(frozen=True, slots=True)
class CommandsArchive:
    """Works with any Python: it needs apt alone."""

    runner: Runner
    apt: AptGet

    @property
    def label(self) -> str:
        """Which implementation this is."""
        return "apt's commands"

    def candidate(self, name: str) -> str:
        """Return the version that apt would install."""
        for line in self._policy(name).splitlines():
            if line.startswith("  Candidate: "):
                version = line.split()[1]
                return "" if version == "(none)" else version
        return ""

    def versions(self, name: str) -> tuple[str, ...]:
        """Return all versions of the policy's version table."""
        return parse_version_table(self._policy(name))

    def all_versions(self, names: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """Return the versions of each: one ``apt-cache policy``, and one more for each ``name:arch``."""
        plain = [name for name in names if ":" not in name]
        found = {name: self.versions(name) for name in names if ":" in name}
        if not plain:
            return found
        done = self.runner.capture(("apt-cache", *self.apt.settings_as_options(), "policy", *plain))
        if done.returncode:
            raise _plan_error(done)
        return found | {name: parse_version_table(_about(done.stdout, name)) for name in plain}

    def priority(self, name: str) -> str:
        """Return the candidate's priority."""
        candidate = self.candidate(name)
        for record in parse_records(self._cache("show", f"{name}={candidate}")) if candidate else ():
            return record.get("Priority", "")
        return ""

    def providers(self, name: str) -> tuple[str, ...]:
        """Return the packages of ``apt-cache showpkg``'s reverse provides."""
        output = self._cache("showpkg", name)
        # A name that no package has is a regular expression to apt: the answer may be about others.
        _, _, provides = output.partition("\nReverse Provides: ") if _is_about(output, name) else ("", "", "")
        found = {line.split()[0].partition(":")[0] for line in provides.splitlines() if line.strip()}
        return tuple(sorted(found - {name}))

    def similar_names(self, name: str) -> tuple[str, ...]:
        """Return the closest of all package names."""
        return most_similar(name, self._cache("pkgnames").split())

    def plan(self, specs: Sequence[Spec]) -> Plan:
        """Return what apt-get says it would do."""
        plan = self._simulate(self.apt, specs)
        if plan.remove and self.apt.auto_remove:
            # What goes only with --auto-remove is not in anybody's way.
            needed = {
                removal.name for removal in self._simulate(replace(self.apt, auto_remove=False), specs).remove
            }
            removals = (replace(removal, automatic=removal.name not in needed) for removal in plan.remove)
            plan = replace(plan, remove=tuple(removals))
        return self._with_sizes(plan, specs)

    def _simulate(self, apt: AptGet, specs: Sequence[Spec]) -> Plan:
        done = self.runner.capture(apt.simulate(map(str, specs)))
        if done.returncode:
            raise _plan_error(done)
        return parse_simulation(done.stdout)

    def _with_sizes(self, plan: Plan, specs: Sequence[Spec]) -> Plan:
        asked = [f"{p.name}:{p.architecture}={p.version}" for p in plan.install]
        if not asked:
            return plan
        records = {
            (record["Package"], record["Architecture"], record["Version"]): record
            for record in parse_records(self._cache("show", *asked))
        }
        for spec in specs:
            if spec.path:
                records.update(self._file_record(spec.path))
        before = self._installed_sizes([p.name for p in plan.install if p.installed_version])
        sized = []
        for p in plan.install:
            record = records.get((p.name, p.architecture, p.version), {})
            fetched = os.path.join(self.apt.archives, archive_file_name(p.name, p.version, p.architecture))
            size = int(record.get("Size", "0"))
            there = os.path.isfile(fetched) and os.path.getsize(fetched) == size
            change = int(record.get("Installed-Size", "0")) - before.get((p.name, p.architecture), 0)
            sized.append(replace(p, download_size=0 if there else size, disk_change=change))
        return replace(plan, install=tuple(sized))

    def _file_record(self, path: str) -> dict[tuple[str, str, str], dict[str, str]]:
        control = self.runner.capture(("dpkg-deb", "--field", path)).require_success().stdout
        return {
            (record["Package"], record["Architecture"], record["Version"]): record
            for record in parse_records(control)
        }

    def _installed_sizes(self, names: Sequence[str]) -> Mapping[tuple[str, str], int]:
        if not names:
            return {}
        form = "${Package} ${Architecture} ${Installed-Size}\n"
        lines = self.runner.capture(
            ("dpkg-query", "--show", f"--showformat={form}", *names)
        ).stdout.splitlines()
        return {(fields[0], fields[1]): int(fields[2]) for fields in map(str.split, lines) if len(fields) > 2}  # noqa: PLR2004

    def _policy(self, name: str) -> str:
        output = self._cache("policy", name)
        return output if _is_about(output, name) else ""

    def _cache(self, verb: str, *names: str) -> str:
        return self.runner.capture(("apt-cache", *self.apt.settings_as_options(), verb, *names)).stdout


def _plan_error(done: Completed) -> PlanError:
    output = f"{done.stdout}\n{done.stderr}"
    return PlanError(str(diagnose(output)), returncode=done.returncode, output=output)


def _about(policy: str, name: str) -> str:
    """Return what apt-cache policy says of one package: from its name to the next one's."""
    found = re.search(rf"^{re.escape(name)}:\n(?:[ \t].*\n?)*", policy, re.MULTILINE)
    return found.group() if found else ""


def _is_about(output: str, name: str) -> bool:
    """Tell whether apt-cache's answer, which starts with ``name:`` or ``Package: name``, is about it."""
    subject = output.partition("\n")[0].removeprefix("Package: ").removesuffix(":")
    return subject in (name, name.partition(":")[0])


def parse_records(text: str) -> Iterator[dict[str, str]]:
    """Parse control records (Debian Policy 5.1), continuation lines left out: no field here has them."""
    for paragraph in text.split("\n\n"):
        record = {}
        for line in paragraph.splitlines():
            field, colon, value = line.partition(":")
            if colon and not line[0].isspace():
                record[field] = value.strip()
        if {"Package", "Architecture", "Version"} <= record.keys():
            yield record


def parse_version_table(policy: str) -> tuple[str, ...]:
    """Return the versions that ``apt-cache policy`` lists for one package, in its order."""
    _, _, table = policy.partition("Version table:\n")
    return tuple(
        line[_VERSION_COLUMN:].split()[0]
        for line in table.splitlines()
        if line[:_VERSION_COLUMN].strip() in ("", "***")
        and len(line) > _VERSION_COLUMN
        and line[_VERSION_COLUMN] != " "
    )
