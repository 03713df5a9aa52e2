"""Work on many files in several processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

from multistage_docker.errors import MultistageDockerError

Progress = Callable[[int, int], None]
"""Called with the number of files done so far, and of all that there are to do."""

_Result = TypeVar("_Result")

_CHUNK = 400
# One more process pays for its start when it has about this many files to open.
_FILES_PER_JOB = 3000


def map_chunks(
    function: Callable[[list[str]], _Result],
    paths: Sequence[str],
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Iterator[_Result]:
    """Yield what a picklable function returns for each chunk of paths, in order.

    ``jobs`` is the number of processes, None for what fits the number of paths and the machine. Raises
    MultistageDockerError where a process is killed; an exception of the function comes through.
    """
    chunks = [list(paths[start : start + _CHUNK]) for start in range(0, len(paths), _CHUNK)]
    if jobs is None:
        jobs = min(len(os.sched_getaffinity(0)), 1 + len(paths) // _FILES_PER_JOB)
    done = 0
    for chunk, result in zip(chunks, _results(function, chunks, jobs), strict=True):
        done += len(chunk)
        if progress:
            progress(done, len(paths))
        yield result


def _results(
    function: Callable[[list[str]], _Result], chunks: list[list[str]], jobs: int
) -> Iterator[_Result]:
    if jobs == 1 or len(chunks) <= 1:
        yield from map(function, chunks)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork"), initializer=_ignore_interrupt) as pool:
        try:
            with _no_interrupt():
                results = pool.map(function, chunks)
            yield from results
        except BrokenExecutor:
            message = "a worker process was ended from outside while it read files"
            raise MultistageDockerError(
                message, hint="where memory is short, --jobs 1 needs the least"
            ) from None
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Hold Ctrl-C back while processes start: until they ignore it, it would reach them too."""
    earlier = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, earlier)


def _ignore_interrupt() -> None:
    # Ctrl-C reaches every process of the terminal's group; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
