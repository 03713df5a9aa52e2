"""Asks both implementations of the archive the same questions, and prints both answers as JSON.

Runs on Debian's own Python with python3-apt, the package on PYTHONPATH, indexes fetched. Its argument is
where apt may keep its cache of them meanwhile.
"""

from __future__ import annotations

import json
import sys
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from multistage_docker.debian.aptget import AptGet
from multistage_docker.debian.archive import PlanError
from multistage_docker.debian.archive_bindings import BindingsArchive
from multistage_docker.debian.archive_commands import CommandsArchive
from multistage_docker.debian.spec import parse_specs
from multistage_docker.process import SystemRunner

if TYPE_CHECKING:
    from multistage_docker.debian.archive import Archive

NAMES = (
    "tcpdump",
    "libpq5",
    "g++",
    "dpkg",
    "mail-transport-agent",
    "libblas.so.3",
    "nosuch",
    "fo.bar",
    "libpq5:amd64",
)
MISTYPED = ("tcpdmp", "libpq6", "ngnix", "zzzzzzzzzzzz")
PLANS = (
    *(("tcpdump",), ("libpq5", "libgl1"), ("nginx",), ("openssh-client", "fontconfig"), ("dpkg",)),
    *(("g++",), ("postgresql-common",), ("libpq5:amd64",), ("redis-server",), ("nosuch",), ("tcpdump=0",)),
    ("dpkg=0",),
)


def answers(archive: Archive) -> dict[str, Any]:
    """Return everything that an archive says."""
    said: dict[str, Any] = {}
    for name in NAMES:
        said[name] = [
            *(archive.candidate(name), archive.versions(name), archive.priority(name)),
            archive.providers(name),
        ]
    said["all at once"] = dict(archive.all_versions(NAMES))
    said |= {f"like {name}": archive.similar_names(name) for name in MISTYPED}
    return said | {f"plan {specs}": plan_or_error(archive, specs) for specs in PLANS}


def plan_or_error(archive: Archive, specs: tuple[str, ...]) -> object:
    """Return a plan, or why there is none."""
    try:
        return astuple(archive.plan(parse_specs(specs)))
    except PlanError as error:
        return str(error)


settings = (f"Dir::Cache::pkgcache={sys.argv[1]}", "Dir::Cache::srcpkgcache=")
runner, apt = SystemRunner(), AptGet(settings=settings)
json.dump([answers(BindingsArchive(runner, apt)), answers(CommandsArchive(runner, apt))], sys.stdout)
