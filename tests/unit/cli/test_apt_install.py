"""The apt-install command as users run it: exit codes, streams, and what reaches apt-get."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from multistage_docker import __version__

if TYPE_CHECKING:
    from pathlib import Path

APT_CONFIG = """#!/bin/sh
cat <<'END'
RootDir "{root}";
Dir "/";
Dir::State "var/lib/apt";
Dir::State::lists "lists/";
Dir::Cache "var/cache/apt";
Dir::Cache::archives "archives/";
Dir::Log "var/log/apt";
END
"""
# Writes down how it is called; a simulation brings tool and, for fighter, removes victim.
APT_GET = """#!/bin/sh
echo "$*" >> {root}/asked
case "$*" in
*--simulate*fighter)
    echo 'Remv victim [1]'
    echo 'Inst fighter (1 Debian:12/stable [amd64])' ;;
*--simulate*) echo 'Inst tool (2 Debian:12/stable [amd64])' ;;
*update)
    {update} ;;
esac
"""
APT_CACHE = """#!/bin/sh
case "$*" in
*" policy "*)
    for name in tool victim fighter; do
        printf '%s:\\n  Candidate: 2\\n  Version table:\\n     2 500\\n        500 an archive\\n' $name
    done
    exit ;;
esac
printf 'Package: tool\\nVersion: 2\\nArchitecture: amd64\\nSize: 1234\\nInstalled-Size: 5\\n'
"""
DPKG = """#!/bin/sh
echo amd64
"""
DPKG_QUERY = """#!/bin/sh
printf 'victim\\037amd64\\0371\\037install\\037installed\\037\\037optional\\0371\\037\\037\\037\\036'
"""


class Shell:
    """A made-up Debian: programs first on PATH, and apt's places below a directory."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.write("apt-config", APT_CONFIG)
        self.write("apt-get", APT_GET, update="echo 'Hit:1 an archive'")
        self.write("apt-cache", APT_CACHE)
        self.write("dpkg", DPKG)
        self.write("dpkg-query", DPKG_QUERY)

    def write(self, name: str, script: str, **values: str) -> None:
        """Put a program first on PATH."""
        program = self.top / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(script.format(root=self.top, **values) if "{root}" in script else script)
        program.chmod(0o755)

    def asked(self) -> str:
        """Return how apt-get was called, a run a line."""
        path = self.top / "asked"
        return path.read_text() if path.exists() else ""

    @property
    def environment(self) -> dict[str, str]:
        """Where these programs come first, and python-apt, which would ask the real system, is missing."""
        without = self.top / "without"
        without.mkdir(exist_ok=True)
        (without / "apt_pkg.py").write_text("raise ImportError\n")
        path = f"{self.top}/bin:{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "PYTHONPATH": str(without), "TMPDIR": str(self.top)}

    def run(self, *arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command; whatever happens, it must not end in a traceback."""
        code = "from multistage_docker.cli.apt_install import main; main()"
        done = subprocess.run(
            (sys.executable, "-c", code, *arguments),
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
            cwd=self.top,
            env={**self.environment, "PYTHONWARNINGS": "error", **environment},
            timeout=60,
        )
        assert "Traceback" not in done.stderr
        return done


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Give each test a made-up Debian."""
    return Shell(tmp_path)


# Settings for apt-get have the plan made by apt's commands with every Python.
SETTING = ("--", "-o", "A::B=1")


def test_the_plan_is_the_only_output(shell: Shell) -> None:
    """--dry-run prints the plan to stdout and nothing to stderr, and asks apt-get for nothing but it."""
    done = shell.run("--dry-run", "tool", *SETTING)
    assert done.stdout == "install tool:amd64 2\n1,234 bytes to download, 5 kB on disk\n"
    assert (done.stderr, done.returncode) == ("", 0)
    assert [line.rpartition(" ")[2] for line in shell.asked().splitlines()] == ["update", "tool"]


def test_nothing_to_do(shell: Shell) -> None:
    """What is installed costs no run of apt-get."""
    done = shell.run("-s", "victim")
    assert (done.stdout, done.returncode) == ("0 bytes to download, 0 kB on disk\n", 0)
    assert shell.asked() == ""


def test_options_reach_apt_get(shell: Shell) -> None:
    """What was opted in to, and what stands behind --, is in the installation's arguments."""
    options = (
        "-y",
        "-f",
        "-m",
        "--install-recommends",
        "--upgrade",
        "-t",
        "backports",
        "--no-install-suggests",
    )
    shell.run("-s", *options, "tool", "--", "-o", "A::B=1", "--allow-change-held-packages")
    update, simulation = shell.asked().splitlines()
    for option in (
        "--install-recommends",
        "--target-release backports",
        "--allow-change-held-packages",
        "-f -m",
    ):
        assert option in simulation
    assert "-o A::B=1" in update
    assert "--no-upgrade" not in simulation


@pytest.mark.parametrize("source", ["file", "stdin"])
def test_packages_from_a_file(shell: Shell, source: str) -> None:
    """-r takes one package a line from a file or from stdin, comments left out."""
    text = "# needed by app\r\ntool  # by hand\r\n\r\nvictim\r\n"
    (shell.top / "pkgdeps.txt").write_text(text, newline="")
    name = "pkgdeps.txt" if source == "file" else "-"
    done = shell.run("-s", "-r", name, *SETTING, stdin=text)
    assert done.returncode == 0
    assert shell.asked().splitlines()[-1].endswith("-- tool victim")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "no package given"),
        (("-r", "gone.txt"), "cannot read gone.txt: No such file or directory"),
        (("app-",), "apt would remove the package"),
        (("--no-such-option", "tool"), "No such option"),
        (("-o", "A=1", "tool"), "options for apt-get stand after --: apt-install PACKAGE -- -o A=1"),
        (("-oA::B::=touch owned", "tool"), "options for apt-get stand after --"),
        (("tool", "--", "other"), "where only options for apt-get may stand"),
        (("tool", "--", "--purge"), "--purge is not for apt-install to pass on"),
        (("tool", "--", "-o", "A=1", "--download-only"), "--download-only is not for apt-install"),
        (("--receipt", "gone/receipt.json", "tool"), "cannot write gone/receipt.json: No such file"),
        (("--receipt", "receipt.json", "-s", "tool"), "--receipt has no meaning beside --dry-run"),
        (("tool", "--", "-yd"), "-yd is not for apt-install to pass on"),
        (("tool", "--", "--download-only=true"), "--download-only=true is not for apt-install"),
        (("tool", "--", "-y", "-o"), "-o stands behind -- without its value"),
        (("./gone.deb",), "there is no file ./gone.deb"),
    ],
    ids=[
        *("nothing", "no file", "removal", "option", "setting", "setting in one word"),
        *("package behind --", "another run"),
        *("another run later", "receipt", "receipt of a plan", "another run among letters"),
        *("another run with a value", "setting without a value", "no package file"),
    ],
)
def test_usage(shell: Shell, arguments: tuple[str, ...], message: str) -> None:
    """What cannot be meant ends with exit code 2 before apt-get runs."""
    done = shell.run(*arguments)
    assert (done.stdout, done.returncode) == ("", 2)
    assert message in done.stderr
    assert shell.asked() == ""


def test_a_refusal_shows_the_plan(shell: Shell) -> None:
    """The plan stands on stderr above the reason and the way out; the exit code is 1."""
    done = shell.run("-s", "fighter", *SETTING)
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.splitlines() == [
        "apt-install: | install fighter:amd64 1",
        "apt-install: | remove victim 1",
        "apt-install: | 0 bytes to download, 0 kB on disk",
        "apt-install: error: the plan removes victim",
        "apt-install: --allow-removals allows it",
    ]
    assert shell.run("-s", "--allow-removals", "fighter", *SETTING).returncode == 0


def test_apts_exit_code_is_passed_on(shell: Shell) -> None:
    """apt-get's own output comes first, the cause last, and the exit code is apt-get's."""
    update = "echo 'E: Write error - write (28: No space left on device)' >&2; exit 100"
    shell.write("apt-get", APT_GET, update=update)
    done = shell.run("-s", "--quiet", "tool", *SETTING)
    assert (done.stdout, done.returncode) == ("", 100)
    assert done.stderr.splitlines()[0].startswith("E: Write error")
    assert done.stderr.splitlines()[-1].startswith(
        "apt-install: error: apt-get update failed: the disk is full"
    )


def test_a_program_that_a_signal_ended(shell: Shell) -> None:
    """The exit code is the shell's for a signal, as the kernel sends one where memory runs out."""
    shell.write("apt-get", APT_GET, update="kill -9 $$")
    assert shell.run("-s", "tool", *SETTING).returncode == 128 + signal.SIGKILL


def test_what_dpkg_cannot_read_is_no_usage(shell: Shell) -> None:
    """dpkg-query's own exit status 2 does not come out: that is for usage alone."""
    shell.write("dpkg-query", "#!/bin/sh\necho 'dpkg-query: error: parsing file' >&2; exit 2\n")
    done = shell.run("-s", "tool")
    assert (done.returncode, "parsing file" in done.stderr) == (1, True)


def test_stdin_that_is_closed(shell: Shell) -> None:
    """Where -r - finds no stdin, that is said in a line."""
    code = "from multistage_docker.cli.apt_install import main; main()"
    done = subprocess.run(
        ("sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-c", code, "-r", "-"),
        capture_output=True,
        text=True,
        check=False,
        cwd=shell.top,
    )
    assert (done.returncode, done.stderr) == (2, "apt-install: error: cannot read stdin: it is closed\n")


def test_a_message_that_cannot_be_written(shell: Shell) -> None:
    """A stderr that takes nothing does not make a failure of a success."""
    code = "from multistage_docker.cli.apt_install import main; main()"
    done = subprocess.run(
        ("sh", "-c", 'exec "$@" 2>/dev/full', "sh", sys.executable, "-c", code, "-v", "-s", "tool", *SETTING),
        capture_output=True,
        check=False,
        cwd=shell.top,
        env=shell.environment,
    )
    assert (done.returncode, done.stdout.startswith(b"install tool:amd64 2")) == (0, True)


def test_verbose(shell: Shell) -> None:
    """--verbose says what runs, and who reads the archive."""
    done = shell.run("-s", "-v", "tool", *SETTING)
    assert "apt-install: apt-get " in done.stderr
    assert "apt-install: planning with " in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stop(shell: Shell, number: signal.Signals, code: int) -> None:
    """A signal while apt-get runs ends with its own exit code, and with nothing left in the way."""
    shell.write("apt-get", APT_GET, update=f"kill -{number.value} $PPID; sleep 0.2; exit 0")
    done = shell.run("-s", "tool", *SETTING)
    assert (done.stdout, done.returncode) == ("", code)
    assert not list(shell.top.glob("apt-install-*"))


def test_a_system_without_apt(shell: Shell) -> None:
    """Where there is no apt, that is said."""
    (shell.top / "empty").mkdir()
    done = shell.run("tool", PATH=str(shell.top / "empty"))
    assert done.returncode == 1
    assert done.stderr.startswith("apt-install: error: apt-get is not installed on this system")


def test_version_and_help(shell: Shell) -> None:
    """Both go to stdout and succeed."""
    assert shell.run("--version").stdout == f"apt-install {__version__}\n"
    shown = shell.run("-h")
    assert (shown.returncode, "RUN xargs -ra pkgdeps.txt apt-install" in shown.stdout) == (0, True)
