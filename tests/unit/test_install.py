"""The use case apt-install on a made-up Debian: phases, gate, proof, cleaning and receipt."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from multistage_docker import __version__
from multistage_docker.debian.archive_commands import CommandsArchive
from multistage_docker.debian.gate import Allowed, PlanRefusedError
from multistage_docker.debian.phases import AptGetFailedError
from multistage_docker.debian.spec import parse_specs
from multistage_docker.errors import (
    MultistageDockerError,
    OutputError,
    ProgramFailedError,
    ProgramNotFoundError,
    RefusedError,
    StoppedError,
    UsageError,
)
from multistage_docker.install import apt_install, plan_install
from multistage_docker.installation import Request, System, Voice
from support.fake_debian import FakeDebian, Package, held, marked_automatic

if TYPE_CHECKING:
    from pathlib import Path

    from multistage_docker.receipt import Receipt

ARCHIVE = {
    "tool": (Package("tool", "2", depends=("libtool1",)), Package("tool", "1")),
    "libtool1": (Package("libtool1", "1:1_a", size=500, installed_size=20),),
    "fighter": (Package("fighter", conflicts=("victim",)),),
    "data": (Package("data", architecture="all"),),
}
PROVIDES = {"virtual": ("tool",)}
HASH = "E: Failed to fetch http://a/x  Hash Sum mismatch"
NO_SPACE = "E: Write error - write (28: No space left on device)"


@dataclass(slots=True)
class Desk:
    """A made-up Debian, and what a run on it says."""

    debian: FakeDebian
    said: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    mounts: tuple[str, ...] = ("/",)
    is_root: bool = True
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def system(self) -> System:
        """The system as the use case takes it."""
        return System(self.debian, self.mounts, self.is_root, self.environment, CommandsArchive)

    @property
    def voice(self) -> Voice:
        """Where messages go."""
        return Voice(self.said.append, self.details.append)

    def install(self, *specs: str, request: Request | None = None) -> Receipt:
        """Install packages."""
        request = replace(request or Request(()), specs=parse_specs(specs))
        return apt_install(request, self.system, self.voice)

    def lines(self, *specs: str, request: Request | None = None) -> tuple[str, ...]:
        """Return the plan for packages."""
        request = replace(request or Request(()), specs=parse_specs(specs))
        return plan_install(request, self.system, self.voice).lines()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Give each test a made-up Debian of its own."""
    return Desk(FakeDebian(tmp_path / "root", ARCHIVE, PROVIDES))


def test_a_run_from_nothing(desk: Desk) -> None:
    """The phases go in order, the receipt says what came, and no file of the run is left."""
    receipt = desk.install("tool")
    assert desk.debian.streamed() == ["update", "install"]
    assert receipt.asked == ("tool",)
    assert [(one.name, one.version, one.installed_size) for one in receipt.installed] == [
        ("libtool1", "1:1_a", 20),
        ("tool", "2", 10),
    ]
    assert (receipt.already_installed, receipt.removed) == ((), ())
    assert receipt.downloaded_bytes == len("written by the run")
    # The index, the package and the log in the run's own directory, and /etc/passwd-; what had been fetched.
    assert receipt.freed_bytes > 4 * len("written by the run")
    assert (receipt.apt_version, receipt.tool_version) == ("2.6.1", __version__)
    assert desk.debian.files_below_root() == set()
    assert (desk.debian.root / "var/cache/apt").is_dir()
    assert desk.said == []
    assert "planning with apt's commands" in desk.details


def test_files_that_stay(desk: Desk) -> None:
    """With cleaning off, apt's files are where apt puts them."""
    desk.install("tool", request=Request((), clean=False))
    assert desk.debian.files_below_root() == {
        "etc/passwd-",
        "var/cache/apt/archives/new.deb",
        "var/lib/apt/lists/index",
        "var/log/apt/history.log",
    }


def test_files_of_packages_stay(desk: Desk) -> None:
    """What dpkg says that a package owns is no leftover, even where leftovers lie."""
    desk.debian.install(Package("owner"))
    desk.debian.owned = (str(desk.debian.root / "etc/passwd-"),)
    desk.install("tool")
    assert desk.debian.files_below_root() == {"etc/passwd-"}


def test_indexes_of_an_earlier_layer_are_used_and_not_kept(desk: Desk) -> None:
    """Where lists are already, apt updates them in place; what the run changed there is removed."""
    (desk.debian.root / "var/lib/apt/lists/earlier").write_text("earlier")
    (desk.debian.root / "var/cache/apt/archives/earlier.deb").write_text("earlier")
    desk.install("tool")
    assert desk.debian.files_below_root() == {
        "var/cache/apt/archives/earlier.deb",
        "var/lib/apt/lists/earlier",
    }


def test_cache_mounts_are_filled(desk: Desk) -> None:
    """What lies on a mount stays, packages out of reach of the hook that would delete them."""
    root = desk.debian.root
    desk.mounts = ("/", f"{root}/var/cache/apt", f"{root}/var/lib/apt/lists")
    desk.debian.config = 'DPkg::Post-Invoke:: "rm -f /var/cache/apt/archives/*.deb || true";\n'
    desk.install("tool")
    assert desk.debian.files_below_root() == {
        "var/cache/apt/archives/keep/new.deb",
        "var/lib/apt/lists/index",
    }


def test_a_mount_over_all_of_apts_state_is_warned_of(desk: Desk) -> None:
    """Apt's automatic marks would not come into the image."""
    desk.mounts = ("/", f"{desk.debian.root}/var/lib/apt")
    desk.install("tool")
    assert desk.said[0].startswith(f"warning: {desk.debian.root}/var/lib/apt is a mount")


def test_a_hook_that_only_asks_questions_is_left_out(desk: Desk) -> None:
    """The preconfiguration of packages is switched off by a configuration file in the run's directory."""
    desk.debian.config = 'DPkg::Pre-Install-Pkgs:: "/usr/sbin/dpkg-preconfigure --apt || true";\n'
    desk.install("tool")
    update = next(argv for argv in desk.debian.asked if argv[-1] == "update")
    assert update[update.index("-c") + 1].endswith("/apt.conf")


@pytest.mark.parametrize("hook", ["", 'DPkg::Pre-Install-Pkgs:: "/usr/sbin/dpkg-preconfigure";\n'])
def test_other_hooks_run(desk: Desk, hook: str) -> None:
    """A hook of the image's own is not switched off with the one that only asks."""
    desk.debian.config = f'{hook}DPkg::Pre-Install-Pkgs:: "/usr/bin/audit";\n'
    desk.install("tool")
    assert not [argv for argv in desk.debian.asked if "-c" in argv]


@pytest.mark.parametrize("specs", [(), ("tool",), ("tool=2",)], ids=["no package", "name", "version"])
def test_nothing_to_do(desk: Desk, specs: tuple[str, ...]) -> None:
    """What is there already costs no run of apt-get."""
    desk.debian.install(ARCHIVE["tool"][0], ARCHIVE["libtool1"][0])
    receipt = desk.install(*specs)
    assert desk.debian.streamed() == []
    assert desk.said[0].startswith("nothing to do")
    assert [one.name for one in receipt.already_installed] == ["tool"] * len(specs)
    assert receipt.installed == ()
    assert desk.lines(*specs) == ("0 bytes to download, 0 kB on disk",)


def test_what_is_asked_for_is_marked_manual(desk: Desk) -> None:
    """An automatically installed package that is asked for by name is not removed with its dependents."""
    tool, data = Package("tool", "2"), Package("data", architecture="all")
    desk.debian.install(tool, data)
    marked_automatic(desk.debian, tool, replace(data, architecture="amd64"), Package("libtool1"))
    desk.install("tool", "data")
    mark = next(argv for argv in desk.debian.asked if argv[0] == "apt-mark")
    assert mark[-3:] == ("manual", "data:amd64", "tool:amd64")


def test_packages_that_are_manual_are_not_marked(desk: Desk) -> None:
    """Where nothing is marked automatic, apt-mark does not run."""
    desk.debian.install(Package("tool", "2"))
    marked_automatic(desk.debian, Package("libtool1"))
    desk.install("tool")
    assert not [argv for argv in desk.debian.asked if argv[0] == "apt-mark"]


def test_an_upgrade(desk: Desk) -> None:
    """With upgrades allowed the newer version comes, and the receipt has the one before."""
    desk.debian.install(Package("tool", "1"))
    receipt = desk.install("tool", request=Request((), allowed=Allowed(upgrade=True)))
    assert [(one.name, one.previous_version) for one in receipt.installed] == [
        ("libtool1", ""),
        ("tool", "1"),
    ]


def test_a_package_file(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is asked dpkg-deb for its name, planned with its sizes, and proven like any other."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.deb").write_bytes(b"")
    desk.debian.files["./own.deb"] = Package("own", "7", "all", installed_size=30)
    assert desk.lines("./own.deb") == ("install own:all 7", "1,000 bytes to download, 30 kB on disk")
    assert [one.name for one in desk.install("./own.deb").installed] == ["own"]
    assert desk.lines("./own.deb") == ("0 bytes to download, 0 kB on disk",)


def test_files_that_are_no_packages(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path without a file, and a file that is no package, are usage errors with the path."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.deb").write_text("text")
    with pytest.raises(UsageError, match=r"there is no file \./gone\.deb"):
        desk.install("./gone.deb")
    with pytest.raises(UsageError, match=r"\./text\.deb is not a Debian package"):
        desk.install("./text.deb")


def test_a_plan_changes_nothing(desk: Desk) -> None:
    """Only an update runs, into a directory of its own that is gone afterwards."""
    desk.debian.install(Package("unneeded1"))
    assert desk.lines("tool") == (
        "install libtool1:amd64 1:1_a",
        "install tool:amd64 2",
        "remove unneeded1 1 (no longer needed)",
        "1,500 bytes to download, 30 kB on disk",
    )
    assert desk.debian.streamed() == ["update"]
    assert desk.debian.files_below_root() == set()


@pytest.mark.parametrize(
    ("spec", "message", "hint"),
    [
        ("toool", "there is no package toool", "did you mean tool?"),
        ("zzz", "there is no package zzz", "check its name"),
        ("virtual", "virtual is a virtual package", "name one that provides it: tool"),
        ("tool=3", "tool has no version 3", "available: 2, 1"),
        ("fighter", "the plan removes victim", "--allow-removals"),
        ("held=2", "held is on hold at 1, and 2 is asked for", "apt-mark unhold held"),
        ("victim=2", "victim is installed at 1, not at 2", "--upgrade"),
    ],
)
def test_what_is_refused(desk: Desk, spec: str, message: str, hint: str) -> None:
    """What was not asked for, or cannot be had, ends the run before anything changes."""
    desk.debian.install(Package("victim"), held(Package("held")))
    before = dict(desk.debian.installed)
    with pytest.raises(PlanRefusedError, match=message) as caught:
        desk.install(spec)
    assert hint in caught.value.hint
    assert desk.debian.installed == before
    assert set(desk.debian.streamed()) <= {"update", "install"}
    assert desk.debian.files_below_root() == set()


def test_removals_that_are_allowed(desk: Desk) -> None:
    """With the option, the plan is carried out, and the receipt names what went."""
    desk.debian.install(Package("victim"))
    receipt = desk.install("fighter", request=Request((), allowed=Allowed(removals=True)))
    assert receipt.removed == ("victim",)


def test_indexes_that_do_not_match_are_fetched_again(desk: Desk) -> None:
    """A hash mismatch of indexes is worth one more update, and no third."""
    desk.debian.fails["update"] = [HASH]
    desk.install("tool")
    assert desk.debian.streamed() == ["update", "update", "install"]
    assert desk.said == ["the indexes do not match each other: fetching them again"]
    desk.debian.fails["update"] = [HASH, HASH]
    with pytest.raises(AptGetFailedError, match="apt-get update failed") as caught:
        desk.install("data")
    assert caught.value.returncode == 100


@pytest.mark.parametrize("output", [HASH, "E: Failed to fetch http://a/x  404  Not Found"])
def test_packages_that_moved_are_fetched_again(desk: Desk, output: str) -> None:
    """A package that is not what the index says is fetched once more by a fresh index."""
    desk.debian.fails["download"] = [output]
    desk.install("tool")
    assert desk.debian.streamed() == ["update", "install", "update", "install"]


@pytest.mark.parametrize("phase", ["update", "download", "install"])
def test_other_failures_are_told_at_once(desk: Desk, phase: str) -> None:
    """A full disk is not tried again, ends with apt's own status, and leaves no file of the run."""
    desk.debian.fails[phase] = [NO_SPACE]
    with pytest.raises(AptGetFailedError, match="the disk is full") as caught:
        desk.install("tool")
    assert caught.value.returncode == 100
    assert desk.debian.streamed()[-1] == ("update" if phase == "update" else "install")
    assert str(caught.value).startswith(
        {"update": "apt-get update", "download": "the download"}.get(phase, "the in")
    )
    assert desk.debian.files_below_root() == set()


def test_a_plan_that_apt_cannot_make(desk: Desk) -> None:
    """What has nothing to do with the packages is told as it is."""
    desk.debian.fails["simulate"] = [NO_SPACE]
    with pytest.raises(ProgramFailedError, match="the disk is full"):
        desk.lines("tool")


def test_an_installation_is_not_tried_again(desk: Desk) -> None:
    """Once dpkg has begun, what looks like trouble with the mirror is a script's, and ends the run."""
    desk.debian.fails["install"] = [HASH]
    with pytest.raises(AptGetFailedError, match="the installation failed"):
        desk.install("tool")
    assert desk.debian.streamed() == ["update", "install"]


def test_what_nothing_needs_any_more_goes(desk: Desk) -> None:
    """apt-get says what it would remove with --auto-remove, and only then is asked for it."""
    desk.debian.install(Package("unneeded1"))
    receipt = desk.install("tool")
    assert desk.debian.streamed() == ["update", "install", "unneeded"]
    assert receipt.removed == ("unneeded1",)


@pytest.mark.parametrize("option", ["--no-remove", "--no-auto-remove"])
def test_what_nothing_needs_any_more_may_stay(desk: Desk, option: str) -> None:
    """An option for apt-get that speaks against removing it is heard."""
    desk.debian.install(Package("unneeded1"))
    assert desk.install("tool", request=Request((), apt_options=(option,))).removed == ()


def test_a_stop_while_downloading(desk: Desk) -> None:
    """Where dpkg has not begun there is nothing to configure."""
    desk.debian.stops = "download"
    with pytest.raises(StoppedError):
        desk.install("tool")
    assert desk.debian.streamed() == ["update", "install"]
    assert desk.debian.files_below_root() == set()


def test_a_stop_while_installing(desk: Desk) -> None:
    """What has been unpacked is configured, the run's files are removed, and the stop is told on."""
    desk.debian.stops = "install"
    with pytest.raises(StoppedError):
        desk.install("tool")
    assert desk.debian.streamed() == ["update", "install", "configure"]
    assert desk.debian.files_below_root() == set()


def test_success_is_not_taken_on_trust(desk: Desk) -> None:
    """What dpkg does not know of has not been installed, whatever apt-get says."""
    desk.debian.forgets = True
    with pytest.raises(ProgramFailedError, match="dpkg says that tool is not installed") as caught:
        desk.install("tool")
    assert caught.value.returncode == 100
    desk.debian.install(Package("tool", "1"))
    with pytest.raises(ProgramFailedError, match="dpkg says that tool=2 is at 1"):
        desk.install("tool=2", request=Request((), allowed=Allowed(upgrade=True)))


def test_a_receipt_is_written(desk: Desk, tmp_path: Path) -> None:
    """The file holds what was done, with the version of its schema."""
    path = tmp_path / "receipt.json"
    receipt = desk.install("tool", request=Request((), receipt=str(path)))
    document = json.loads(path.read_text())
    assert list(document)[:3] == ["schema_version", "asked", "installed"]
    assert document["installed"][1]["name"] == receipt.installed[1].name == "tool"


def test_receipts_that_cannot_be_written(desk: Desk, tmp_path: Path) -> None:
    """A place that cannot be written is said before the run; what goes wrong later has a name as well."""
    for place, said in (
        (tmp_path / "gone/receipt", "No such file or directory"),
        (tmp_path, "Is a directory"),
    ):
        with pytest.raises(UsageError, match=said):
            desk.install("tool", request=Request((), receipt=str(place)))
    assert desk.debian.streamed() == []
    with pytest.raises(OutputError, match="No space left on device"):
        desk.install("tool", request=Request((), receipt="/dev/full"))


def test_no_receipt_of_a_run_that_failed(desk: Desk, tmp_path: Path) -> None:
    """That the file can be written is tried before the run, and leaves none; one that is there stays."""
    desk.debian.fails["update"] = [NO_SPACE, NO_SPACE]
    (tmp_path / "old").write_text("old")
    for name in ("new", "old"):
        with pytest.raises(AptGetFailedError):
            desk.install("tool", request=Request((), receipt=str(tmp_path / name)))
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "old").read_text() == "old"


def test_nothing_to_do_needs_no_room(desk: Desk) -> None:
    """Where all is there and nothing is to be marked, nothing is written, so that no place for it matters."""
    desk.debian.install(Package("tool", "2"))
    (desk.debian.root / "var/cache/apt/archives").rmdir()
    (desk.debian.root / "var/cache/apt").rmdir()
    (desk.debian.root / "var/cache/apt").write_text("a file")
    receipt = desk.install("tool")
    assert (receipt.downloaded_bytes, receipt.freed_bytes) == (0, 0)


def test_a_program_that_is_killed(desk: Desk) -> None:
    """The kernel ends what takes too much memory, and apt-get says nothing then."""
    desk.debian.killed = "download"
    with pytest.raises(
        AptGetFailedError, match="the download failed: apt-get was ended by SIGKILL"
    ) as caught:
        desk.install("tool")
    assert caught.value.returncode == -9


def test_a_suite_that_does_not_have_it(desk: Desk) -> None:
    """The versions that there are stand beside the refusal: the indexes are gone once the run has ended."""
    output = "E: Release 'nosuch' for 'tool' was not found"
    desk.debian.fails["download"], desk.debian.fails["simulate"] = [output], [output]
    with pytest.raises(PlanRefusedError, match="tool has no nosuch in the archive") as caught:
        desk.install("tool/nosuch")
    assert caught.value.hint == "available: 2, 1"


def test_times_are_clamped_below_the_root(desk: Desk) -> None:
    """With SOURCE_DATE_EPOCH, whatever the run wrote is as old as that, and no file elsewhere is touched."""
    desk.environment["SOURCE_DATE_EPOCH"] = "1000"
    desk.install("tool", request=Request((), clean=False))
    paths = [desk.debian.root / name for name in desk.debian.files_below_root()]
    assert {path.stat().st_mtime for path in paths} == {1000}
    assert desk.debian.root.parent.stat().st_mtime > 1000
    assert desk.details[-1].startswith("times clamped: ")


@pytest.mark.parametrize(
    ("error", "missing", "is_root"),
    [
        (RefusedError("only root can install packages"), (), False),
        (ProgramNotFoundError("apt-get"), ("apt-config",), True),
    ],
    ids=["not root", "no apt"],
)
def test_what_a_run_needs(
    desk: Desk, error: MultistageDockerError, missing: tuple[str, ...], *, is_root: bool
) -> None:
    """Without root or apt nothing is begun, and the error says which."""
    desk.is_root, desk.debian.missing = is_root, missing
    with pytest.raises(type(error), match=str(error)):
        desk.install("tool")
    assert desk.debian.streamed() == []


def test_a_place_that_cannot_be_written(desk: Desk) -> None:
    """Where apt's cache cannot have a directory, the run is refused with the reason."""
    (desk.debian.root / "var/cache/apt/archives").rmdir()
    (desk.debian.root / "var/cache/apt").rmdir()
    (desk.debian.root / "var/cache/apt").write_text("a file")
    with pytest.raises(RefusedError, match=r"cannot write below .*var/cache/apt: "):
        desk.install("tool")


def test_the_system_of_this_process() -> None:
    """What a run works on by default is what the kernel and the environment say."""
    runner = FakeDebian.__new__(FakeDebian)
    system = System.here(runner)
    assert (system.is_root, system.environment) == (os.geteuid() == 0, os.environ)
    assert system.mounts
