"""Locks that another process holds, with a real second process."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from multistage_docker.debian.locks import LockedError, is_locked, wait_until_free

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLDER = """
import fcntl, sys
with open(sys.argv[1], "w") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Have another process hold a lock until its stdin is closed."""
    command = (sys.executable, "-S", "-c", HOLDER, str(path))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        try:
            yield holder
        finally:
            holder.kill()


def test_a_lock_is_seen_and_neither_taken_nor_made(tmp_path: Path) -> None:
    """A held lock is told from a free one, and looking leaves no file and no lock behind."""
    lock = tmp_path / "lock"
    assert not is_locked(str(lock))
    assert not lock.exists()
    with held(lock):
        assert is_locked(str(lock))
    assert not is_locked(str(lock))
    with held(lock):
        assert is_locked(str(lock))


def test_waiting_is_said_once_and_ends_with_the_lock(tmp_path: Path) -> None:
    """The wait is over when the other process lets go, however often it was looked at."""
    lock = tmp_path / "lock"
    said: list[str] = []
    with held(lock) as holder:

        def say(message: str) -> None:
            said.append(message)
            holder.kill()

        wait_until_free((str(tmp_path / "other"), str(lock)), 60, say)
    assert said == [f"waiting for another process to let go of {lock}"]


def test_waiting_has_an_end(tmp_path: Path) -> None:
    """A lock that is never let go is an error that names the file, with apt's own exit status."""
    lock = tmp_path / "lock"
    said: list[str] = []
    with held(lock), pytest.raises(LockedError, match=r"has held .*lock for 1 seconds") as caught:
        wait_until_free((str(lock),), 1, said.append)
    assert (caught.value.returncode, caught.value.path, len(said)) == (100, str(lock), 1)
