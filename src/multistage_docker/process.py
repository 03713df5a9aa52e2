"""The only place where a program is run: argument tuples, never a shell."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from multistage_docker.errors import ProgramFailedError, ProgramNotFoundError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType
    from typing import IO

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_IMPATIENT = 3
_CHUNK = 65536
_POLL = 0.1


@dataclass(frozen=True, slots=True)
class Completed:
    """A program that has ended: its arguments, exit status and output.

    Output is text in UTF-8; bytes that are no UTF-8 (file names may hold any) survive as surrogate
    escapes, as in ``os.fsdecode``.
    """

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str

    def require_success(self) -> Completed:
        """Return self, or raise ProgramFailedError with the last line that the program wrote to stderr."""
        if self.returncode:
            said = self.stderr.strip().splitlines()
            status = f"exit status {self.returncode}" if self.returncode > 0 else f"signal {-self.returncode}"
            reason = said[-1] if said else status
            message = f"{self.argv[0]} failed: {reason}"
            raise ProgramFailedError(message, returncode=self.returncode)
        return self


class Runner(Protocol):
    """Runs programs for the rest of the package, so that tests can stand in for the system."""

    def capture(self, argv: tuple[str, ...]) -> Completed:
        """Run a program to its end, its messages in English, and return what it wrote.

        Raises ProgramNotFoundError where the program is missing; any exit status is returned.
        """
        ...


class StreamingRunner(Runner, Protocol):
    """Also runs programs that change the system, and lets people watch them."""

    def stream(
        self,
        argv: tuple[str, ...],
        environment: Mapping[str, str],
        *,
        show: bool = True,
        forward: bool = True,
    ) -> Completed:
        """Run a program with these additions to the environment, pass its output on, and return it.

        Without ``show`` the output is passed on only where the program fails.
        A signal to stop reaches the program as SIGINT (with ``forward``), the way apt takes it without
        leaving dpkg half way; once the program has ended, StoppedError is raised.
        """
        ...


class SystemRunner:
    """Runs real programs, found by PATH."""

    def capture(self, argv: tuple[str, ...]) -> Completed:
        """Run a program with no stdin and LC_ALL=C.UTF-8, since its output is going to be parsed."""
        try:
            done = subprocess.run(  # noqa: S603 - an argument tuple, and no shell, by design
                argv,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
            )
        except FileNotFoundError:
            raise ProgramNotFoundError(argv[0]) from None
        return Completed(argv, done.returncode, os.fsdecode(done.stdout), os.fsdecode(done.stderr))

    def stream(
        self,
        argv: tuple[str, ...],
        environment: Mapping[str, str],
        *,
        show: bool = True,
        forward: bool = True,
    ) -> Completed:
        """Run a program with no stdin, in a session of its own, so that Ctrl-C reaches it only from here."""
        received: list[int] = []
        started: list[subprocess.Popen[bytes]] = []

        def stop(number: int, _frame: FrameType | None) -> None:
            received.append(number)
            for child in started:
                with contextlib.suppress(ProcessLookupError):
                    if forward and len(received) < _IMPATIENT:
                        child.send_signal(signal.SIGINT)
                    elif len(received) >= _IMPATIENT:
                        os.killpg(child.pid, signal.SIGTERM)

        # From before the program starts: a signal that comes meanwhile must not leave it running unwatched.
        with _handling(stop), _started(argv, environment) as child:
            started.append(child)
            if received and forward:
                child.send_signal(signal.SIGINT)
            stdout, stderr = _watch(child, show=show)
        if child.returncode and not show:
            for outlet, said in zip(_outlets(), (stdout, stderr), strict=True):
                _write(outlet, said)
        if received:
            raise StoppedError(received[0])
        return Completed(argv, child.returncode, os.fsdecode(stdout), os.fsdecode(stderr))


def _started(argv: tuple[str, ...], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - an argument tuple, and no shell, by design
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    except FileNotFoundError:
        raise ProgramNotFoundError(argv[0]) from None


def _watch(child: subprocess.Popen[bytes], *, show: bool) -> tuple[bytes, bytes]:
    """Pass output on until the program ends: a daemon that it started may hold the pipes open for ever."""
    # Popen with PIPE always has both.
    pipes = tuple(pipe for pipe in (child.stdout, child.stderr) if pipe)
    outlets = dict(zip(pipes, _outlets(), strict=True)) if show else {}
    said = {pipe: bytearray() for pipe in pipes}
    with selectors.DefaultSelector() as selector:
        for pipe in pipes:
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ, pipe)
        while selector.get_map() and child.poll() is None:
            for key, _ in selector.select(_POLL):
                if not _pass_on(key.data, said[key.data], outlets.get(key.data)):
                    selector.unregister(key.fileobj)
    for pipe in pipes:
        while _pass_on(pipe, said[pipe], outlets.get(pipe)):
            pass
    child.wait()
    stdout, stderr = said.values()
    return bytes(stdout), bytes(stderr)


def _pass_on(pipe: IO[bytes], said: bytearray, outlet: IO[bytes] | None) -> bool:
    """Move what the pipe holds now; false when there is nothing or the writer has gone."""
    try:
        chunk = os.read(pipe.fileno(), _CHUNK)
    except BlockingIOError:
        return False
    said += chunk
    if outlet and chunk:
        _write(outlet, chunk)
    return bool(chunk)


def _outlets() -> tuple[IO[bytes] | None, IO[bytes] | None]:
    """Return stdout and stderr, None for one that the caller has closed."""
    return (sys.stdout.buffer if sys.stdout else None), (sys.stderr.buffer if sys.stderr else None)


def _write(outlet: IO[bytes] | None, chunk: bytes) -> None:
    # A reader that has gone must not stop a program that is changing the system, nor make it a failure.
    if outlet is None:
        return
    try:
        outlet.write(chunk)
        outlet.flush()
    except OSError:
        forget(outlet)


def forget(outlet: IO[Any]) -> None:
    """Let whatever is still to be written to a stream that takes nothing go nowhere.

    At exit the interpreter would try to write what is buffered again, complain, and make it a failure.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), outlet.fileno())


@contextlib.contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    earlier = {number: signal.signal(number, handler) for number in _STOPPING}
    try:
        yield
    finally:
        for number, before in earlier.items():
            signal.signal(number, before)


@contextlib.contextmanager
def stopping_by_error() -> Iterator[None]:
    """Have signals to stop raise StoppedError while the block runs, so that it can clean up behind itself.

    In another thread than the main one, which is where Python handles signals, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _frame: FrameType | None) -> NoReturn:
        raise StoppedError(number)

    with _handling(stop):
        yield


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold signals to stop back until the block is done."""
    earlier = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, earlier)
