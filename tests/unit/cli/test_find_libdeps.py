"""The find-libdeps command as users run it: exit codes, streams, and no traceback whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from multistage_docker import __version__
from support.elf_writer import ElfFile

if TYPE_CHECKING:
    from support.elf_data import ElfData

EM_ALPHA = 0x9026

DPKG = """#!/bin/sh
echo amd64
"""
DPKG_QUERY = """#!/bin/sh
case $1 in
--show)
    printf 'libbase\\037amd64\\0371\\037install\\037installed\\037yes\\037required\\0371\\037\\037\\037\\036'
    printf 'liblisted\\037amd64\\0372\\037install\\037installed\\037\\037optional\\0371\\037\\037\\037\\036'
    ;;
--search)
    for path; do
        case $path in
        */system/listed/*) echo "liblisted:amd64: $path" ;;
        */system/base/*) echo "libbase:amd64: $path" ;;
        esac
    done
    exit 1
    ;;
esac
"""


class Shell:
    """A made-up Debian: dpkg on PATH, two packages' libraries, and a tree to search."""

    def __init__(self, top: Path) -> None:
        self.top = Path(os.path.realpath(top))
        self.tree = self.top / "tree"
        self.tree.mkdir()
        self.install("dpkg", DPKG)
        self.install("dpkg-query", DPKG_QUERY)
        for package in ("listed", "base"):
            ElfFile(soname=f"lib{package}.so.1").write(self.top / f"system/{package}/lib{package}.so.1")

    def install(self, name: str, script: str) -> None:
        """Put a program first on PATH."""
        program = self.top / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(script)
        program.chmod(0o755)

    def extension(self, name: str, *needed: str) -> None:
        """Put an extension into the tree that finds the packages' libraries."""
        path = f"{self.top}/system/listed:{self.top}/system/base"
        ElfFile(needed=needed, runpath=path).write(self.tree / name)

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a run."""
        path = f"{self.top}/bin:{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "PYTHONWARNINGS": "error", **more}

    def command(self, *arguments: str) -> tuple[str, ...]:
        """Return the argument list of a run."""
        code = "from multistage_docker.cli.find_libdeps import main; main()"
        return (sys.executable, "-c", code, *arguments)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command; whatever happens, it must not end in a traceback."""
        done = subprocess.run(
            self.command(*arguments),
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
            env=self.environment(**environment),
            timeout=60,
        )
        assert "Traceback" not in done.stderr
        return done


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Give each test a made-up Debian."""
    return Shell(tmp_path)


def test_plain(shell: Shell) -> None:
    """Packages go to stdout, one a line, and nothing else goes anywhere."""
    shell.extension("ext.so", "liblisted.so.1", "libbase.so.1")
    done = shell.run(str(shell.tree))
    assert (done.stdout, done.stderr, done.returncode) == ("liblisted\n", "", 0)


def test_include_essential(shell: Shell) -> None:
    """The packages that every system has are listed on request."""
    shell.extension("ext.so", "liblisted.so.1", "libbase.so.1")
    assert shell.run("--include-essential", str(shell.tree)).stdout == "libbase\nliblisted\n"


def test_pin(shell: Shell) -> None:
    """Names come with the versions that are installed here."""
    shell.extension("ext.so", "liblisted.so.1")
    assert shell.run("--pin", str(shell.tree)).stdout == "liblisted=2\n"


def test_nothing_needed(shell: Shell) -> None:
    """An empty result is an empty stdout and success."""
    done = shell.run(str(shell.tree))
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_json(shell: Shell) -> None:
    """The document on stdout is valid, and says what was searched."""
    shell.extension("ext.so", "liblisted.so.1")
    document = json.loads(shell.run("--format", "json", str(shell.tree)).stdout)
    assert (document["elf_files"], document["packages"][0]["name"]) == (1, "liblisted")


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"LC_ALL": "C.UTF-8"}, id="UTF-8"),
        pytest.param({"LC_ALL": "C"}, id="C"),
        pytest.param({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, id="ASCII"),
    ],
)
def test_tree_in_any_locale(shell: Shell, environment: dict[str, str]) -> None:
    """The tree's lines are drawn in UTF-8 wherever the command runs, without colours in a pipe."""
    shell.extension("ext.so", "liblisted.so.1")
    done = shell.run("--format", "tree", str(shell.tree), **environment)
    assert done.stdout == "liblisted 2\n└── liblisted.so.1\n    └── ext.so\n"


def test_missing_libraries(shell: Shell) -> None:
    """A missing library is a warning; with --strict it is a failure, and the result is there all the same."""
    shell.extension("ext.so", "liblisted.so.1", "libgone.so.1")
    done = shell.run(str(shell.tree))
    assert (done.stdout, done.returncode) == ("liblisted\n", 0)
    assert done.stderr.startswith("find-libdeps: warning: libgone.so.1 is missing on this system")
    strict = shell.run("--strict", str(shell.tree))
    assert (strict.stdout, strict.returncode) == ("liblisted\n", 1)
    assert "find-libdeps: error: 1 required library missing: libgone.so.1" in strict.stderr


def test_plugins(shell: Shell) -> None:
    """What only a plugin misses is a note, no failure; --no-plugins leaves plugins' needs out."""
    shell.extension("qt/plugins/sql.so", "liblisted.so.1", "libgone.so.1")
    done = shell.run("--strict", str(shell.tree))
    assert (done.stdout, done.returncode) == ("liblisted\n", 0)
    assert "1 missing library only for plugins: libgone.so.1" in done.stderr
    without = shell.run("--no-plugins", str(shell.tree))
    assert (without.stdout, without.stderr) == ("", "")


def test_exclude(shell: Shell) -> None:
    """Excluded files need nothing; the option may be given again."""
    shell.extension("one.so", "liblisted.so.1")
    shell.extension("two.so", "libgone.so.1")
    done = shell.run("--exclude", "one*", "--exclude", "two*", str(shell.tree))
    assert (done.stdout, done.stderr) == ("", "")


def test_quiet_and_verbose(shell: Shell) -> None:
    """--quiet keeps warnings back, --verbose adds counts; errors are said in any case."""
    shell.extension("ext.so", "libgone.so.1")
    assert shell.run("--quiet", str(shell.tree)).stderr == ""
    assert "1 ELF file among 1 file" in shell.run("--verbose", str(shell.tree)).stderr
    assert "error:" in shell.run("--quiet", "--strict", str(shell.tree)).stderr


def test_broken_files(shell: Shell) -> None:
    """A text file named like a library and a torn one are warnings beside a complete result."""
    shell.extension("ext.so", "liblisted.so.1")
    (shell.tree / "text.so").write_text("INPUT(libfoo.so.1)")
    (shell.tree / "torn.so").write_bytes(ElfFile().content()[:99])
    done = shell.run(str(shell.tree))
    assert (done.stdout, done.returncode) == ("liblisted\n", 0)
    assert len(done.stderr.splitlines()) == 2


def test_hostile_file_names(shell: Shell) -> None:
    """A name cannot forge a line or a package, in any format."""
    names = (b"new\nline\x1b[31m.so", b"\xff\xfe.so", b"'quote\".so")
    for name in names:
        shell.extension(os.fsdecode(name), "liblisted.so.1", "lib\ngone.so")
    for form in ("plain", "tree", "json"):
        done = shell.run("--format", form, "--verbose", str(shell.tree))
        assert done.returncode == 0
        assert all(line.startswith("find-libdeps: ") for line in done.stderr.splitlines())
        assert "\x1b" not in done.stdout + done.stderr
    assert shell.run(str(shell.tree)).stdout == "liblisted\n"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param((), id="no path"),
        pytest.param(("/no/such/dir",), id="no such path"),
        pytest.param(("",), id="empty path"),
        pytest.param(("/no\nsuch\x1bdir",), id="hostile path"),
        pytest.param(("--nope", "/"), id="unknown option"),
        pytest.param(("--format", "xml", "/"), id="unknown format"),
        pytest.param(("--check", "--pin", "/"), id="a check and pins"),
        pytest.param(("--check", "--format", "json", "/"), id="a check and a format"),
        pytest.param(("--check", "--include-essential", "/"), id="a check and more to list"),
        pytest.param(("--check", "--resolve-missing", "/"), id="a check and a lookup"),
        pytest.param(("--check", "--cache-dir", "cache", "/"), id="a check and a cache"),
        pytest.param(("--cache-dir", "cache", "/"), id="a cache for nothing"),
        pytest.param(("--jobs", "0", "/"), id="no jobs"),
        pytest.param(("--jobs", "many", "/"), id="jobs in words"),
    ],
)
def test_usage_errors(shell: Shell, arguments: tuple[str, ...]) -> None:
    """A request that cannot be meant ends with 2, a reason on stderr and nothing on stdout."""
    done = shell.run(*arguments)
    assert (done.stdout, done.returncode) == ("", 2)
    assert done.stderr.strip()
    assert "\x1b" not in done.stderr


def test_no_such_path_is_one_line(shell: Shell) -> None:
    """The path that does not exist is named, even beside one that does."""
    done = shell.run(str(shell.tree), "/no/such/dir")
    assert done.stderr == "find-libdeps: error: /no/such/dir: no such file or directory\n"


def test_check_of_a_sound_tree(shell: Shell) -> None:
    """--check prints nothing and succeeds where all is there, and needs no dpkg."""
    shell.extension("ext.so", "liblisted.so.1")
    shell.install("dpkg-query", "#!/bin/sh\nexit 2\n")
    done = shell.run("--check", str(shell.tree))
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_check_finds_what_is_missing(shell: Shell) -> None:
    """--check names each missing library, of the tree's files and of the libraries that they need."""
    ElfFile(soname="liblisted.so.1", needed=("libdeep.so.1",)).write(
        shell.top / "system/listed/liblisted.so.1"
    )
    shell.extension("ext.so", "liblisted.so.1", "libgone.so.1")
    done = shell.run("--check", str(shell.tree))
    assert (done.stdout, done.returncode) == ("", 1)
    lines = done.stderr.splitlines()
    assert [line.split()[1] for line in lines[:-1]] == ["libdeep.so.1", "libgone.so.1"]
    assert lines[-1].startswith("find-libdeps: error: 2 problems found")


def test_check_leaves_out_what_is_excluded(shell: Shell) -> None:
    """--check asks nothing of an excluded library, though another file of the tree finds it."""
    ElfFile(needed=("libvendored.so.1",), runpath="$ORIGIN").write(shell.tree / "ext.so")
    ElfFile(soname="libvendored.so.1", needed=("libgone.so.1",)).write(shell.tree / "libvendored.so.1")
    assert shell.run("--check", str(shell.tree)).returncode == 1
    assert shell.run("--check", "--exclude", "libvendored.so.1", str(shell.tree)).returncode == 0


def test_check_looks_into_what_is_opened_by_name(shell: Shell) -> None:
    """--check with --dlopen sees what a library lacks that code opens by name."""
    ElfFile(soname="libopened.so.1", needed=("libgone.so.1",)).write(shell.top / "system/libopened.so.1")
    (shell.tree / "opener.py").write_text('import ctypes\nctypes.CDLL("libopened.so.1")\n')
    shell.extension("ext.so")
    place = f"{shell.top}/system"
    assert shell.run("--check", str(shell.tree), LD_LIBRARY_PATH=place).returncode == 0
    done = shell.run("--check", "--dlopen", str(shell.tree), LD_LIBRARY_PATH=place)
    assert (done.returncode, "libgone.so.1 is missing" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("defined", "returncode"),
    [pytest.param(b"SAMPLE_2.0", 0, id="here"), pytest.param(b"SAMPLE_3.0", 1, id="gone")],
)
def test_check_of_symbol_versions(shell: Shell, elf_data: ElfData, defined: bytes, returncode: int) -> None:
    """--check sees that a library is here, but not in the version that a file was built against."""
    (shell.tree / "user.so").write_bytes(elf_data.read("versioned-user.so"))
    library = elf_data.read("versioned.so").replace(b"SAMPLE_2.0", defined)
    (shell.top / "system/libversioned.so.1").write_bytes(library)
    done = shell.run("--check", str(shell.tree), LD_LIBRARY_PATH=f"{shell.top}/system")
    assert done.returncode == returncode
    assert ("SAMPLE_2.0 is not defined by" in done.stderr) is bool(returncode)


def test_check_of_a_tree_for_another_machine(shell: Shell) -> None:
    """--check fails where the tree holds nothing but files for other machines."""
    ElfFile(machine=EM_ALPHA).write(shell.tree / "ext.so")
    done = shell.run("--check", str(shell.tree))
    assert done.returncode == 1
    assert "built for another machine" in done.stderr


def test_version_and_help(shell: Shell) -> None:
    """--version and --help write to stdout and succeed."""
    assert shell.run("--version").stdout == f"find-libdeps {__version__}\n"
    help_text = shell.run("--help")
    assert help_text.returncode == 0
    for option in ("--format", "--pin", "--strict", "--exclude", "--no-plugins", "--check", "--jobs"):
        assert option in help_text.stdout


def test_help_does_not_load_what_it_does_not_need(shell: Shell) -> None:
    """--help stays quick: neither process pools nor formatting libraries are imported for it."""
    done = shell.run("--help", PYTHONPROFILEIMPORTTIME="1")
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "multistage_docker.cli.find_libdeps" in loaded
    assert not loaded & {"rich", "pydantic", "asyncio"}


def test_no_dpkg(shell: Shell) -> None:
    """A system without dpkg is named as the trouble."""
    shell.extension("ext.so", "liblisted.so.1")
    for name in ("dpkg", "dpkg-query"):
        (shell.top / "bin" / name).unlink()
    done = shell.run(str(shell.tree), PATH=str(shell.top / "bin"))
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.startswith("find-libdeps: error: dpkg")


def test_a_dpkg_that_cannot_be_run(shell: Shell) -> None:
    """A dpkg without the right to run it is one line as well."""
    (shell.top / "bin/dpkg").chmod(0o644)
    done = shell.run(str(shell.tree), PATH=str(shell.top / "bin"))
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.startswith("find-libdeps: error: ")


def test_dpkg_fails(shell: Shell) -> None:
    """The complaint of dpkg is passed on; its exit status 2 is not, because that is for usage here."""
    shell.install("dpkg-query", "#!/bin/sh\necho 'dpkg-query: error: database is broken' >&2\nexit 2\n")
    done = shell.run(str(shell.tree))
    assert done.returncode == 1
    assert "dpkg-query: error: database is broken" in done.stderr


def test_an_interrupt_while_modules_are_imported(tmp_path: Path) -> None:
    """Ctrl-C before the command begins is one line as well."""
    (tmp_path / "typer.py").write_text("import os\nos.kill(os.getpid(), 2)\n")
    program = Path(sys.executable).with_name("find-libdeps")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    done = subprocess.run((program, "/"), env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("", "find-libdeps: interrupted\n", 130)


def test_an_interrupt(shell: Shell) -> None:
    """Ctrl-C ends the run with 130 and one line."""
    shell.install("dpkg", "#!/bin/sh\nkill -INT $PPID\nsleep 5\n")
    done = shell.run(str(shell.tree), PYTHONWARNINGS="default::SyntaxWarning")
    assert (done.stdout, done.stderr, done.returncode) == ("", "find-libdeps: interrupted\n", 130)


def test_a_reader_that_has_gone(shell: Shell) -> None:
    """A closed pipe ends the run without a word."""
    shell.extension("ext.so", "liblisted.so.1")
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        shell.command(str(shell.tree)),
        stdout=write_end,
        stderr=subprocess.PIPE,
        check=False,
        env=shell.environment(),
    )
    os.close(write_end)
    assert (done.stderr, done.returncode) == (b"", 1)


@pytest.mark.parametrize("form", ["plain", "tree", "json"])
def test_a_full_disk(shell: Shell, form: str) -> None:
    """A result that cannot be written is a failure, said in one line."""
    shell.extension("ext.so", "liblisted.so.1")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            shell.command("--format", form, str(shell.tree)),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            env=shell.environment(),
        )
    expected = b"find-libdeps: error: cannot write the result: No space left on device\n"
    assert (done.stderr, done.returncode) == (expected, 1)


def test_a_closed_stdout(shell: Shell) -> None:
    """Without a stdout the result has nowhere to go, and that is said."""
    shell.extension("ext.so", "liblisted.so.1")
    done = subprocess.run(
        ("sh", "-c", 'exec "$@" >&-', "sh", *shell.command(str(shell.tree))),
        stderr=subprocess.PIPE,
        check=False,
        env=shell.environment(),
    )
    assert done.returncode == 1
    assert done.stderr == b"find-libdeps: error: cannot write the result: stdout is closed\n"


@pytest.mark.parametrize("outlet", ["/dev/full", "closed"])
def test_notes_that_cannot_be_written(shell: Shell, outlet: str) -> None:
    """The result does not depend on whether somebody can read the warnings."""
    shell.extension("ext.so", "liblisted.so.1", "libgone.so.1")
    redirection = "2>&-" if outlet == "closed" else f"2>{outlet}"
    done = subprocess.run(
        ("sh", "-c", f'exec "$@" {redirection}', "sh", *shell.command(str(shell.tree))),
        stdout=subprocess.PIPE,
        check=False,
        env=shell.environment(),
    )
    assert (done.stdout, done.returncode) == (b"liblisted\n", 0)


def test_a_working_directory_that_is_gone(shell: Shell) -> None:
    """A relative path from a removed directory is an error like any other."""
    command = subprocess.list2cmdline(shell.command("."))
    script = f"mkdir {shell.top}/gone && cd {shell.top}/gone && rmdir {shell.top}/gone && {command}"
    done = subprocess.run(
        ("sh", "-c", script), capture_output=True, text=True, check=False, env=shell.environment()
    )
    assert "Traceback" not in done.stderr
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.count("find-libdeps: error: ") == 1


def test_a_progress_line_only_on_a_terminal(shell: Shell) -> None:
    """On a terminal a long scan shows a line that is wiped in the end; the result is the same."""
    shell.extension("ext.so", "liblisted.so.1")
    for number in range(900):
        (shell.tree / str(number)).touch()
    slow = (
        "import time\n"
        "from multistage_docker.cli import find_libdeps\n"
        "start = time.monotonic()\n"
        "steps = iter(range(0, 1000, 2))\n"
        "find_libdeps.time.monotonic = lambda: start + next(steps)\n"
        "find_libdeps.main()\n"
    )
    terminal, their_end = os.openpty()
    command = (sys.executable, "-c", slow, "--jobs", "1", str(shell.tree))
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=their_end, env=shell.environment()
    ) as child:
        stdout, _ = child.communicate(timeout=60)
    os.close(their_end)
    shown = os.read(terminal, 65536)
    os.close(terminal)
    assert stdout == b"liblisted\n"
    assert b"\rfind-libdeps: 400 of 901 files" in shown
    assert shown.endswith(b"\r\x1b[K")


def test_an_interrupt_while_workers_read(shell: Shell) -> None:
    """Ctrl-C on the whole group ends command and workers with 130, one line, and no traceback of either."""
    for number in range(3000):
        (shell.tree / f"{number}.so").write_bytes(b"text")
    waiting = (
        "import os, time\n"
        "from multistage_docker.elf import scan\n"
        "read = scan.read_file\n"
        "def slow(path, **options):\n"
        "    os.write(2, b'reading\\n')\n"
        "    time.sleep(0.002)\n"
        "    return read(path, **options)\n"
        "scan.read_file = slow\n"
        "from multistage_docker.cli.find_libdeps import main\n"
        "main()\n"
    )
    child = subprocess.Popen(
        (sys.executable, "-c", waiting, "--jobs", "2", str(shell.tree)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=shell.environment(),
        start_new_session=True,
    )
    assert child.stderr
    assert child.stderr.readline() == b"reading\n"
    os.killpg(child.pid, signal.SIGINT)
    stdout, stderr = child.communicate(timeout=120)
    assert stdout == b""
    assert child.returncode == 130
    said = [line for line in stderr.splitlines() if line != b"reading"]
    assert said == [b"find-libdeps: interrupted"]
