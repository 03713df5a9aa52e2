"""apt-install when things go wrong: the exit code, one line of cause, nothing left behind, dpkg whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from support.bench import Bench, Observed

pytestmark = pytest.mark.image

HOLD_LOCK = (
    "python3 -c \"import fcntl,os,time; f=open('{0}','w'); fcntl.lockf(f,fcntl.LOCK_EX); "
    "open('/tmp/held','w'); time.sleep({1})\" > /dev/null 2>&1 & "
    "while [ ! -e /tmp/held ]; do sleep 0.02; done"
)


def assert_clean(observed: Observed) -> None:
    """Nothing is left in apt's places and every package is whole."""
    assert observed.left == ()
    assert observed.audit == ""


def test_plain_installation(bench: Bench) -> None:
    """A package and what it depends on are installed, and no file of apt's stays."""
    observed = bench.observe("apt-install", "demo-app", after="dpkg-query -W demo-app demo-lib")
    assert observed.code == 0, observed.err
    assert observed.after == "demo-app\t1.0\ndemo-lib\t1.0\n"
    assert observed.last == ""
    assert_clean(observed)


@pytest.mark.parametrize(
    ("orders", "requests"),
    [
        pytest.param({"demo-lib_1.0_all.deb": ["500", "500"]}, 3, id="500 twice"),
        pytest.param({"demo-lib_1.0_all.deb": ["cut"]}, 2, id="connection cut"),
        pytest.param({"demo-lib_1.0_all.deb": ["corrupt"]}, 2, id="wrong hash once"),
        pytest.param({"demo-lib_1.0_all.deb": ["404"]}, 2, id="404 once"),
        pytest.param({"Packages": ["corrupt"]}, 1, id="wrong index once"),
        pytest.param({"demo-lib_1.0_all.deb": ["drip"]}, 1, id="slow drip"),
    ],
)
def test_passing_trouble_is_overcome(bench: Bench, orders: dict[str, list[str]], requests: int) -> None:
    """What another try can mend does not fail the build."""
    observed = bench.observe("apt-install", "demo-app", orders=orders)
    assert observed.code == 0, observed.err
    assert len([path for path in observed.requests if path.endswith("demo-lib_1.0_all.deb")]) == requests
    assert_clean(observed)


LIB = "demo-lib_1.0_all.deb"
TINY, READ_ONLY = (
    ("--tmpfs=/var/cache/apt:size=40k",),
    ("--read-only", "--tmpfs=/etc/apt", "--tmpfs=/tmp", "--tmpfs=/run"),
)
LASTING: dict[str, tuple[dict[str, object], str]] = {
    "500 always": ({"orders": {LIB: ["500", "*"]}}, "could not be fetched"),
    "wrong hash": ({"orders": {LIB: ["corrupt", "*"]}}, "does not match its index"),
    "wrong index": ({"orders": {"Packages": ["corrupt", "*"]}}, "does not match its index"),
    "404": ({"orders": {LIB: ["404", "*"]}}, "not on the mirror (404)"),
    "expired": ({"orders": {"/Release": ["expired", "*"]}}, "has expired"),
    "clock skew": ({"orders": {"/Release": ["future", "*"]}}, "clock is behind"),
    "unsigned": ({"source": ""}, "is not signed"),
    "end of life": ({"orders": {"Release": ["404", "*"]}, "source": ""}, "end of life"),
    "no server": ({"before": "sed -i s/8000/8001/ /etc/apt/sources.list"}, "network cannot be reached"),
    "no DNS": ({"before": "sed -i s/127.0.0.1/no.invalid/ /etc/apt/sources.list"}, "cannot be resolved"),
    "sources": ({"before": "echo nonsense > /etc/apt/sources.list"}, "cannot read its sources"),
    "disk full": ({"options": TINY}, "the disk is full"),
}


@pytest.mark.parametrize(("task", "cause"), LASTING.values(), ids=LASTING.keys())
def test_lasting_trouble_is_named(bench: Bench, task: dict[str, Any], cause: str) -> None:
    """What cannot be mended ends with apt's exit code and one line that names the cause."""
    observed = bench.observe("apt-install", "demo-app", **task)
    assert observed.code == 100, observed.err
    assert [line for line in observed.last.splitlines() if "error: " in line and cause in line], observed.err
    assert_clean(observed)


def test_read_only_file_system(bench: Bench) -> None:
    """Where nothing can be written, the run is refused before apt starts."""
    observed = bench.observe("apt-install", "demo-app", options=READ_ONLY)
    assert observed.code == 1
    assert "Read-only file system" in observed.last
    assert observed.requests == ()
    assert_clean(observed)


@pytest.mark.parametrize("lock", ["/var/lib/apt/lists/lock", "/var/lib/dpkg/lock-frontend"])
def test_locks_are_waited_for(bench: Bench, lock: str) -> None:
    """A lock that another process holds for five seconds delays the run and says so."""
    observed = bench.observe("apt-install", "demo-app", before=HOLD_LOCK.format(lock, 5))
    assert observed.code == 0, observed.err
    assert lock in observed.err + observed.out
    assert "aiting" in observed.err + observed.out
    assert_clean(observed)


def test_failing_maintainer_script(bench: Bench) -> None:
    """The package whose script failed is named; its own message stands before."""
    observed = bench.observe("apt-install", "demo-broken")
    assert observed.code == 100
    assert "broken: no such thing" in observed.err
    assert "the post-installation script of demo-broken failed" in observed.last
    assert observed.left == ()


@pytest.mark.parametrize("number", [2, 15], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize(
    ("package", "orders", "when"),
    [
        pytest.param("demo-large", {"demo-large_1.0_all.deb": ["drip"]}, "Get:", id="download"),
        pytest.param("demo-slow-unpack", {}, "Preparing to unpack .../demo-slow-unpack", id="unpack"),
        pytest.param("demo-slow", {}, "Setting up demo-slow", id="configure"),
    ],
)
def test_signals_end_the_run_in_good_order(
    bench: Bench, number: int, package: str, orders: dict[str, list[str]], when: str
) -> None:
    """Asked to stop, the run ends with 128 + signal, dpkg whole and nothing left behind."""
    observed = bench.observe("apt-install", package, orders=orders, signal=number, when=when)
    assert observed.code == 128 + number, observed.err
    assert_clean(observed)


def test_not_root(bench: Bench) -> None:
    """Another user is refused before anything is done."""
    someone = ("setpriv", "--reuid=1000", "--regid=1000", "--clear-groups")
    observed = bench.observe(*someone, "apt-install", "demo-app")
    assert observed.code == 1
    assert observed.last == "apt-install: error: only root can install packages"


def test_daemon_of_a_maintainer_script_does_not_hang_the_run(bench: Bench) -> None:
    """A process that a script leaves running, with the run's output open, is not waited for."""
    observed = bench.observe("apt-install", "demo-daemon")
    assert observed.code == 0
    assert_clean(observed)


def test_scripts_cannot_ask(bench: Bench) -> None:
    """Maintainer scripts have no stdin to read from."""
    assert bench.observe("apt-install", "demo-asks").code == 0
