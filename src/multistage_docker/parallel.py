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

# One more process pays for its start when it has about this many chunks to do.
_CHUNKS_PER_JOB = 8


def map_chunks(
    function: Callable[[list[str]], _Result],
    paths: Sequence[str],
    *,
    jobs: int | None = None,
    chunk: int = 400,
    progress: Progress | None = None,
) -> Iterator[_Result]:
    """Return an iterator over what a picklable function returns for each chunk of paths, in order.

    Several processes begin at once; a single one works when it is asked for the next result. ``jobs`` is the
    number of processes, None for what fits the number of chunks and the machine. The iterator raises
    MultistageDockerError where a process is killed; an exception of the function comes through.
    """
    chunks = [list(paths[start : start + chunk]) for start in range(0, len(paths), chunk)]
    if jobs is None:
        jobs = min(len(os.sched_getaffinity(0)), 1 + len(chunks) // _CHUNKS_PER_JOB)
    alone = jobs == 1 or len(chunks) <= 1
    results = map(function, chunks) if alone else _begin(function, chunks, jobs)
    return results if progress is None else _reported(results, chunks, progress)


def _reported(
    results: Iterator[_Result], chunks: Sequence[Sequence[str]], progress: Progress
) -> Iterator[_Result]:
    done, total = 0, sum(map(len, chunks))
    for chunk, result in zip(chunks, results, strict=True):
        done += len(chunk)
        progress(done, total)
        yield result


def _begin(function: Callable[[list[str]], _Result], chunks: list[list[str]], jobs: int) -> Iterator[_Result]:
    try:
        pool = ProcessPoolExecutor(jobs, mp_context=get_context("fork"), initializer=_ignore_interrupt)
    except (OSError, ImportError):
        # Without /dev/shm processes have nothing to wait for each other with (sem_overview(7)).
        return map(function, chunks)
    with _no_interrupt():
        results = pool.map(function, chunks)
    return _awaited(pool, results)


def _awaited(pool: ProcessPoolExecutor, results: Iterator[_Result]) -> Iterator[_Result]:
    with pool:
        try:
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
