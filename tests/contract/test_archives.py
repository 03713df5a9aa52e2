"""Both views of the archive against this machine's apt, which is only asked: nothing is fetched."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from multistage_docker.debian.aptconfig import read_config
from multistage_docker.debian.aptget import AptGet
from multistage_docker.debian.archive import PlanError, open_archive
from multistage_docker.debian.archive_commands import CommandsArchive
from multistage_docker.debian.dpkg import installed_packages, native_architecture
from multistage_docker.debian.plan import Plan
from multistage_docker.debian.spec import parse_specs
from multistage_docker.process import SystemRunner

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
RUNNER = SystemRunner()
DEBIANS_PYTHON = "/usr/bin/python3"


@pytest.fixture
def apt(tmp_path: Path) -> AptGet:
    """Give an apt that keeps its caches out of the system's own."""
    return AptGet(settings=(f"Dir::Cache::pkgcache={tmp_path}/pkgcache.bin", "Dir::Cache::srcpkgcache="))


def output(*command: str) -> str:
    """Return what a program writes, in English."""
    done = subprocess.run(
        command, capture_output=True, check=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"}
    )
    return done.stdout


def test_an_installed_package(apt: AptGet) -> None:
    """The version that dpkg has is among apt's, and the priority is the one that dpkg shows."""
    archive = CommandsArchive(RUNNER, apt)
    dpkg = next(package for package in installed_packages(RUNNER) if package.name == "dpkg")
    assert dpkg.version in archive.versions("dpkg")
    assert archive.candidate("dpkg") in archive.versions("dpkg")
    assert archive.priority("dpkg") == dpkg.priority
    assert archive.candidate(f"dpkg:{native_architecture(RUNNER)}") == archive.candidate("dpkg")


def test_names_that_are_no_packages(apt: AptGet) -> None:
    """A regular expression and an unknown name have no answer; a mistyped one is close to the real."""
    archive = CommandsArchive(RUNNER, apt)
    for name in ("dpk.", "no-such-package-at-all"):
        assert (archive.candidate(name), archive.versions(name), archive.providers(name)) == ("", (), ())
    assert "dpkg" in archive.similar_names("dpgk")


def test_plans(apt: AptGet) -> None:
    """What is installed needs nothing done; what nobody has, cannot be planned."""
    archive = CommandsArchive(RUNNER, AptGet(settings=apt.settings, auto_remove=False))
    assert archive.plan(parse_specs(("dpkg",))) == Plan()
    with pytest.raises(PlanError, match="no-such-package-at-all"):
        archive.plan(parse_specs(("no-such-package-at-all",)))


def test_the_choice_of_a_view(apt: AptGet) -> None:
    """Whichever this Python can use, it answers, and says which it is."""
    archive = open_archive(RUNNER, apt)
    assert archive.label in ("python-apt", "apt's commands")
    assert archive.candidate("dpkg") == CommandsArchive(RUNNER, apt).candidate("dpkg")


def test_both_views_agree(tmp_path: Path) -> None:
    """On Debian's own Python, python-apt and apt's commands give equal answers, and not empty ones."""
    if subprocess.run((DEBIANS_PYTHON, "-c", "import apt_pkg"), capture_output=True, check=False).returncode:
        pytest.skip("Debian's Python has no python3-apt here; the image tests install it")
    done = subprocess.run(
        (
            *(DEBIANS_PYTHON, "-B", f"{ROOT}/tests/image/apt/context/compare_archives.py"),
            f"{tmp_path}/pkgcache.bin",
        ),
        stdout=subprocess.PIPE,
        check=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT}/src", "LC_ALL": "C.UTF-8"},
    )
    bindings, commands = json.loads(done.stdout)
    assert bindings == commands
    assert bindings["dpkg"][0]
    assert bindings["nosuch"] == ["", [], "", []]


UNKNOWN_RELEASE = """
import sys
from multistage_docker.debian.archive import PlanError, open_archive
from multistage_docker.debian.aptget import AptGet
from multistage_docker.debian.spec import parse_specs
from multistage_docker.process import SystemRunner
settings = (f"Dir::Cache::pkgcache={sys.argv[1]}", "Dir::Cache::srcpkgcache=")
try:
    archive = open_archive(SystemRunner(), AptGet(target_release="nosuch", settings=settings))
    archive.plan(parse_specs(("dpkg",)))
except PlanError as error:
    print(error)
"""


def test_an_unknown_release(tmp_path: Path) -> None:
    """Debian's own Python, whether it has python-apt or not, says in a line that no source has a release."""
    done = subprocess.run(
        (DEBIANS_PYTHON, "-B", "-c", UNKNOWN_RELEASE, f"{tmp_path}/pkgcache.bin"),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT}/src", "LC_ALL": "C.UTF-8"},
    )
    assert (
        done.stdout
        == "there is no release nosuch in apt's sources; check its name, or add a source that has it\n"
    )


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("Dir::State::lists", "/d"),
        ("Dir::Cache::archives", "/d"),
        ("Dir::Log", "/d"),
        ("Dir::State::extended_states", "/f"),
        ("Dir::State::status", "/f"),
    ],
)
@pytest.mark.parametrize("setting", ["RootDir={0}", "RootDir={0}/", "Dir::Log={0}", "Dir::Cache={0}"])
def test_places_are_those_that_apt_uses(tmp_path: Path, key: str, kind: str, setting: str) -> None:
    """Each place is the one that apt-config makes of the same settings."""
    # Without dpkg's status file and tables of architectures below its root, apt does not start.
    (tmp_path / "usr/share").mkdir(parents=True)
    (tmp_path / "usr/share/dpkg").symlink_to("/usr/share/dpkg")
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").touch()
    options = ("-o", setting.format(tmp_path))
    shell = output("apt-config", *options, "shell", "place", f"{key}{kind}")
    expected = shell.strip().removeprefix("place=").strip("'").rstrip("/")
    assert read_config(RUNNER, options).path(key) == expected
