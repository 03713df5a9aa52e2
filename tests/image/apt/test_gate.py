"""apt-install refuses what was not asked for, before anything changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.bench import Bench

pytestmark = pytest.mark.image

INSTALL = "apt-install -q {0} || exit; "
HOLD = INSTALL.format("demo-held=1.0") + "apt-mark hold demo-held"

HOSTILE = (
    *(
        "",
        " ",
        "foo bar",
        "foo\nbar",
        "demo-app\n",
        "demo-app-",
        "demo-app:amd64-",
        "demo-app=1-",
        "demo-app^",
    ),
    *("fo.*", "^foo$", "demo|lib", "demo?", "*", "demo-[al]*", "(demo)", "demo-app=1*", "?name(x)", "~ndemo"),
    *("~n x", "-oDpkg::Pre-Invoke::=touch /tmp/owned", "--allow-unauthenticated", "-", "..", "/", ".", "./"),
    *(
        "../x.deb",
        "./../x.deb",
        "./",
        "/srv/repository/demo-lib_1.0_all.deb",
        "libé1",
        "x" * 10_000,
        "Demo-App",
    ),
    *("x", "demo-app=", "demo-app/", "demo-app:", "demo-app=1/demo", "demo-app,demo-lib", "demo-app;reboot"),
    *(
        "$(touch /tmp/owned)",
        "`touch /tmp/owned`",
        "demo-app:any",
        "demo-app#1",
        "\x1b[2J",
        "!",
        "demo-app+-",
    ),
)

TRY_ALL = """
import json, os, subprocess, sys
os.mkdir('/tmp/bin')
with open('/tmp/bin/apt-get', 'w') as file: file.write('#!/bin/sh\\necho started >> /tmp/started\\n')
os.chmod('/tmp/bin/apt-get', 0o755)
os.environ['PATH'] = '/tmp/bin:' + os.environ['PATH']
for spec in json.loads(sys.argv[1]):
    for argv in (['apt-install', spec], ['apt-install', '-r', '-']):
        if argv[1] == '-r' and (not spec.strip() or '\\n' in spec or '#' in spec): continue
        run = subprocess.run(argv, input=spec, capture_output=True, text=True)
        lines = run.stderr.splitlines()
        if run.returncode != 2 or 'Traceback' in run.stderr or not lines: print(repr(spec[:50]), argv, run)
print('tried', os.path.exists('/tmp/started'), os.path.exists('/tmp/owned'))
"""


def test_hostile_specs_never_reach_apt(bench: Bench) -> None:
    """More than thirty specs that apt would misread end with exit status 2, and apt-get is not started."""
    assert len(set(HOSTILE)) > 30
    observed = bench.observe("python3", "-c", TRY_ALL, json.dumps(HOSTILE))
    assert observed.out == "tried False False\n"


def test_arguments(bench: Bench) -> None:
    """No package is a usage error; an empty file means that there is nothing to do."""
    script = (
        "apt-install; echo $?; : > empty; xargs -ra empty apt-install; echo $?;"
        "apt-install -r empty; echo $?;"
        "apt-install -r missing; echo $?; apt-install demo-app -- demo-lib; echo $?;"
        "apt-install demo-app -- --simulate; echo $?"
    )
    observed = bench.observe("bash", "-c", script)
    assert observed.out.split() == ["2", "0", "0", "2", "2", "2"]
    assert observed.requests == ()


def test_usual_flags_of_apt_get(bench: Bench) -> None:
    """What scripts pass to apt-get is accepted, and options for it stand behind --."""
    script = (
        "printf 'demo-lib # why\\r\\n' > list; apt-install -y -qq --no-install-recommends --no-upgrade "
        "--auto-remove -f -r list demo-app -- -o Acquire::http::Timeout=5 && dpkg-query -W demo-lib demo-app"
    )
    observed = bench.observe("bash", "-c", script)
    assert observed.code == 0, observed.err
    assert observed.out.splitlines()[-2:] == ["demo-app\t1.0", "demo-lib\t1.0"]


@pytest.mark.parametrize(
    ("specs", "before", "said"),
    [
        pytest.param(("demo-lbi",), "", "did you mean demo-lib", id="unknown"),
        pytest.param(("demo-virtual",), "", "demo-virtual is a virtual package", id="virtual"),
        pytest.param(("demo-virtual",), "", "demo-app", id="provider"),
        pytest.param(("demo.app",), "", "there is no package demo.app", id="regular expression"),
        pytest.param(("demo-app=3",), "", "available: 1.0, 0.9", id="vanished version"),
        pytest.param(("demo-app/nosuch",), "", "nosuch", id="suite"),
        pytest.param(("-t", "nosuch", "demo-app"), "", "no release nosuch", id="release"),
        pytest.param(("demo-app:i386",), "", "there is no package demo-app:i386", id="architecture"),
        pytest.param(("demo-rival",), INSTALL.format("demo-app"), "removes demo-app, demo-lib", id="removal"),
        pytest.param(("demo-app", "demo-rival"), "", "cannot be installed together", id="conflict"),
        pytest.param(
            ("demo-app=1.0",), INSTALL.format("demo-app=0.9"), "is installed at 0.9", id="skipped pin"
        ),
        pytest.param(
            ("--upgrade", "demo-app=0.9"), INSTALL.format("demo-app"), "back to 0.9", id="downgrade"
        ),
        pytest.param(("demo-needs-new",), HOLD, "demo-held is on hold at 1.0", id="hold in the way"),
        pytest.param(("demo-held=2.0",), HOLD, "demo-held is on hold at 1.0", id="pinned against a hold"),
    ],
)
def test_refusals(bench: Bench, specs: tuple[str, ...], before: str, said: str) -> None:
    """What cannot be had, or would bring more than was asked for, ends with 1 and changes nothing."""
    observed = bench.observe("apt-install", *specs, before=before, after="dpkg-query -W 'demo-*'")
    assert observed.code == 1, observed.err
    assert said in observed.last
    assert observed.left == ()
    assert not [path for path in observed.requests if path.endswith(".deb")]


LENIENT = "".join(
    f'echo "APT::Get::{name} true;" >> /etc/apt/apt.conf.d/zz-lenient; '
    for name in (
        "allow-downgrades",
        "allow-change-held-packages",
        "allow-remove-essential",
        "force-yes",
        "Remove",
    )
)


@pytest.mark.parametrize(
    ("specs", "before", "said"),
    [
        (("demo-rival",), INSTALL.format("demo-app"), "removes demo-app, demo-lib"),
        (("--upgrade", "demo-app=0.9"), INSTALL.format("demo-app"), "back to 0.9"),
        (("demo-needs-new",), HOLD, "demo-held is on hold at 1.0"),
    ],
    ids=["removal", "downgrade", "hold"],
)
def test_what_the_image_allows_is_refused_all_the_same(
    bench: Bench, specs: tuple[str, ...], before: str, said: str
) -> None:
    """Apt's configuration in the image does not opt in for those who call apt-install there."""
    observed = bench.observe("apt-install", *specs, before=f"{before}\n{LENIENT}")
    assert observed.code == 1, observed.err
    assert said in observed.last


@pytest.mark.parametrize(
    ("arguments", "before", "installed"),
    [
        pytest.param(
            ("--allow-removals", "demo-rival"), INSTALL.format("demo-app"), "demo-rival\t1.0", id="removal"
        ),
        pytest.param(
            ("--upgrade", "demo-app"), INSTALL.format("demo-app=0.9"), "demo-app\t1.0", id="upgrade"
        ),
        pytest.param(
            ("--upgrade", "--allow-downgrades", "demo-app=0.9"),
            INSTALL.format("demo-app"),
            "demo-app\t0.9",
            id="downgrade",
        ),
        pytest.param(("demo-app/demo",), "", "demo-app\t1.0", id="suite"),
        pytest.param(("demo-app=0.9",), "", "demo-app\t0.9", id="version"),
        pytest.param(
            ("./demo-app_0.9_all.deb",), "", "demo-app\t0.9", id="file with a dependency in the archive"
        ),
        pytest.param(("demo-held",), HOLD, "demo-held\t1.0", id="held and named"),
        pytest.param(("demo-held=1.0",), HOLD, "demo-held\t1.0", id="held and named at its version"),
        pytest.param(("demo-needs-old", "demo-held"), HOLD, "demo-held\t1.0", id="held and new enough"),
    ],
)
def test_what_is_allowed_is_done(
    bench: Bench, arguments: tuple[str, ...], before: str, installed: str
) -> None:
    """The matching option lets a plan through, and a hold stays untouched."""
    observed = bench.observe("apt-install", *arguments, before=before, after="dpkg-query -W 'demo-*'")
    assert observed.code == 0, observed.err
    assert installed in observed.after.splitlines()
    assert observed.left == ()
    assert observed.audit == ""


def test_nothing_to_do(bench: Bench) -> None:
    """What is installed is marked manual, without the network."""
    observed = bench.observe(
        "apt-install",
        "demo-lib",
        before=INSTALL.format("demo-app") + "apt-mark showauto | grep demo",
        after="apt-mark showmanual | grep demo",
    )
    assert observed.code == 0
    assert observed.before.split() == ["demo-lib"]
    assert observed.after.split() == ["demo-app", "demo-lib"]
    assert observed.requests == ()
    assert observed.left == ()


def test_dry_run(bench: Bench) -> None:
    """The plan is printed, with sizes, and nothing is changed."""
    observed = bench.observe("apt-install", "--dry-run", "demo-app", after="dpkg-query -W 'demo-*'")
    lines = observed.out.splitlines()
    assert lines[:2] == ["install demo-app:all 1.0", "install demo-lib:all 1.0"]
    assert lines[2].endswith(" bytes to download, 32 kB on disk")
    assert "no packages found" in observed.after
    assert observed.left == ()


def test_receipt(bench: Bench) -> None:
    """The receipt says what was asked, what came, what was there, and how many bytes moved."""
    observed = bench.observe(
        *("apt-install", "-q", "--receipt", "/srv/receipt.json", "demo-app", "demo-lib"),
        before=INSTALL.format("demo-lib"),
        after="stat -c %s /srv/repository/demo-app_1.0_all.deb; dpkg-query -Wf '${Version}\n' apt;"
        "cat /srv/receipt.json",
    )
    size, apt_version, text = observed.after.split("\n", 2)
    receipt = json.loads(text)
    assert receipt["schema_version"] == 1
    assert receipt["asked"] == ["demo-app", "demo-lib"]
    assert receipt["installed"] == [
        {
            "name": "demo-app",
            "version": "1.0",
            "architecture": "all",
            "installed_size": 16,
            "previous_version": "",
        }
    ]
    assert [package["name"] for package in receipt["already_installed"]] == ["demo-lib"]
    assert receipt["downloaded_bytes"] == int(size)
    assert receipt["freed_bytes"] > int(size)
    assert receipt["removed"] == []
    assert receipt["apt_version"] == apt_version
    assert observed.out == ""
    assert observed.err == ""
