"""Running programs: what they write comes through, signals reach them, and nothing waits for a daemon."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from multistage_docker.errors import ProgramFailedError, ProgramNotFoundError, StoppedError
from multistage_docker.process import SystemRunner, stopping_by_error, uninterrupted

if TYPE_CHECKING:
    from pathlib import Path

RUNNER = SystemRunner()

# A child that says when it is ready to be stopped, and which signal stopped it.
PATIENT = """
import os, signal, sys, time
def stop(number, frame):
    sys.stderr.write(f"got {signal.Signals(number).name}")
    sys.exit(7)
signal.signal(signal.SIGINT, stop)
os.kill(os.getppid(), signal.Signals[sys.argv[1]])
while True:
    time.sleep(0.05)
"""
# One that takes no notice of SIGINT and is stopped only by what reaches the whole group.
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
while True:
    os.kill(os.getppid(), signal.SIGINT)
    time.sleep(0.05)
"""


def python(code: str, *arguments: str) -> tuple[str, ...]:
    """Return the argv of a small program."""
    return (sys.executable, "-S", "-c", code, *arguments)


def test_captured_output_is_complete_and_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both streams, the exit status and bytes that are no UTF-8 come back; the locale is C.UTF-8."""
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    code = (
        "import os, sys; sys.stdout.buffer.write(b'\\xff' + os.environb[b'LC_ALL']); "
        "sys.stderr.write(sys.stdin.read() + 'err'); sys.exit(3)"
    )
    done = RUNNER.capture(python(code))
    assert (done.returncode, done.stdout, done.stderr) == (3, "\udcffC.UTF-8", "err")


@pytest.mark.parametrize(
    ("code", "message", "status"),
    [
        ("import sys; sys.exit('first\\nlast')", "failed: last", 1),
        ("import sys; sys.exit(9)", "failed: exit status 9", 9),
    ],
    ids=["said", "silent"],
)
def test_a_failure_is_told_in_the_programs_last_line(code: str, message: str, status: int) -> None:
    """The error carries the exit status, and what the program said last."""
    with pytest.raises(ProgramFailedError, match=message) as caught:
        RUNNER.capture(python(code)).require_success()
    assert caught.value.returncode == status


def test_success_needs_no_error() -> None:
    """A program that went well is returned as it is."""
    done = RUNNER.capture(python(""))
    assert done.require_success() is done


def test_programs_that_are_missing() -> None:
    """Both ways to run a program name the one that is not installed."""
    with pytest.raises(ProgramNotFoundError, match="no-such-program is not installed"):
        RUNNER.capture(("no-such-program",))
    with pytest.raises(ProgramNotFoundError, match="no-such-program is not installed"):
        RUNNER.stream(("no-such-program",), {})


def test_streamed_output_is_passed_on_and_returned(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """What a program writes, to either stream and more than a pipe holds, is shown and kept."""
    code = (
        "import os, sys; sys.stdout.write('o' * 200_000); sys.stdout.flush(); "
        "sys.stderr.write(os.environ['GREETING'] + sys.stdin.read())"
    )
    done = RUNNER.stream(python(code), {"GREETING": "hello"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "o" * 200_000, "hello")
    assert capfdbinary.readouterr() == (b"o" * 200_000, b"hello")


@pytest.mark.parametrize("status", [0, 5])
def test_quiet_output_is_shown_only_on_failure(
    capfdbinary: pytest.CaptureFixture[bytes], status: int
) -> None:
    """Without ``show`` nothing is seen of a program that went well, and everything of one that failed."""
    code = f"import sys; print('out'); sys.stderr.write('err'); sys.exit({status})"
    done = RUNNER.stream(python(code), {}, show=False)
    assert (done.returncode, done.stdout, done.stderr) == (status, "out\n", "err")
    assert capfdbinary.readouterr() == ((b"out\n", b"err") if status else (b"", b""))


def test_a_daemon_that_keeps_the_pipes_open_is_not_waited_for(tmp_path: Path) -> None:
    """The run ends with the program, not with what it left running; that keeps running."""
    marker = tmp_path / "daemon.pid"
    daemon = (
        "import os, sys, time; open(sys.argv[1] + '.new', 'w').write(str(os.getpid())); "
        "os.rename(sys.argv[1] + '.new', sys.argv[1]); time.sleep(600)"
    )
    code = (
        "import os, subprocess, sys, time; "
        "subprocess.Popen([sys.executable, '-S', '-c', sys.argv[1], sys.argv[2]]); "
        "exec('while not os.path.exists(sys.argv[2]): time.sleep(0.01)'); print('done')"
    )
    done = RUNNER.stream(python(code, daemon, str(marker)), {}, show=False)
    pid = int(marker.read_text())
    try:
        assert (done.returncode, done.stdout) == (0, "done\n")
        os.kill(pid, 0)
    finally:
        os.kill(pid, signal.SIGKILL)


def test_a_program_that_closes_its_output_early_is_waited_for() -> None:
    """A program that has nothing more to say is not done yet."""
    code = "import os, sys, time; os.close(1); os.close(2); time.sleep(0.3); os._exit(4)"
    assert RUNNER.stream(python(code), {}).returncode == 4


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signals_reach_the_program_as_an_interrupt(
    capfdbinary: pytest.CaptureFixture[bytes], name: str
) -> None:
    """Whatever asks to stop, the program gets SIGINT, is waited for, and the signal is told on."""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(StoppedError) as caught:
        RUNNER.stream(python(PATIENT, name), {})
    assert caught.value.signal_number == signal.Signals[name]
    assert capfdbinary.readouterr().err == b"got SIGINT"
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_third_signal_ends_the_whole_group() -> None:
    """A program that takes no notice of SIGINT is not waited for for ever."""
    with pytest.raises(StoppedError):
        RUNNER.stream(python(STUBBORN), {})


def test_a_program_that_must_finish_gets_no_signal(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Without ``forward`` the program goes on to its end, and the stop is told then."""
    code = (
        "import os, signal, time; os.kill(os.getppid(), signal.SIGTERM); time.sleep(0.2); print('finished')"
    )
    with pytest.raises(StoppedError) as caught:
        RUNNER.stream(python(code), {}, forward=False)
    assert caught.value.signal_number == signal.SIGTERM
    assert capfdbinary.readouterr().out == b"finished\n"


def test_ctrl_c_at_a_terminal_reaches_the_program_only_from_here() -> None:
    """The program has a session of its own: a terminal's signal goes to its group once, not twice."""
    code = "import os; print(os.getsid(0) == os.getpid(), os.getpgrp() == os.getpid())"
    assert RUNNER.stream(python(code), {}, show=False).stdout == "True True\n"


@pytest.mark.parametrize("show", [True, False])
@pytest.mark.parametrize("outlet", ["no reader", "full", "closed"])
def test_output_that_nobody_takes_does_not_stop_the_program(outlet: str, show: bool) -> None:  # noqa: FBT001
    """The program is run to its end all the same, and the interpreter ends without a complaint."""
    code = """
        import os, sys
        from multistage_docker.process import SystemRunner
        child = "import sys; sys.stdout.write('x' * 200_000); sys.stdout.flush(); sys.exit(6)"
        done = SystemRunner().stream((sys.executable, "-c", child), {}, show=sys.argv[1] == "True")
        os.write(2, str(done.returncode).encode())
    """
    reading, writing = os.pipe()
    os.close(reading)
    redirection = {"no reader": "", "full": ">/dev/full", "closed": ">&-"}[outlet]
    done = subprocess.run(
        (
            "sh",
            "-c",
            f'exec "$@" {redirection}',
            "sh",
            sys.executable,
            "-c",
            textwrap.dedent(code),
            str(show),
        ),
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (done.stderr, done.returncode) == (b"6", 0)


def test_signals_become_errors_while_a_block_runs() -> None:
    """SIGTERM raises StoppedError with its number, and the earlier handler is back afterwards."""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(StoppedError, match="stopped by SIGTERM"), stopping_by_error():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_signals_are_held_back_until_a_block_is_done() -> None:
    """A stop in the middle of cleaning is told after it."""
    steps = []

    def interrupted_while_cleaning() -> None:
        with stopping_by_error():
            with uninterrupted():
                os.kill(os.getpid(), signal.SIGINT)
                steps.append("cleaned")
            steps.append("never reached")

    with pytest.raises(StoppedError, match="interrupted"):
        interrupted_while_cleaning()
    assert steps == ["cleaned"]
