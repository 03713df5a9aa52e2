"""Runs a program and prints what it cost: seconds of wall time, of processor time, kB of memory, exit status.

    python -I -S spawn.py DESCRIPTOR PROGRAM ARGUMENT...

The program's output goes to the file with that descriptor. A process of its own, and a small one, because
Linux counts the memory of the process that starts a program as the program's.
"""

from __future__ import annotations

import os
import sys
import time


def main() -> None:
    """Run what the command line says."""
    descriptor, *argv = sys.argv[1:]
    silence = os.open(os.devnull, os.O_RDWR)
    outputs = [(os.POSIX_SPAWN_DUP2, *pair) for pair in ((silence, 0), (int(descriptor), 1), (silence, 2))]
    start = time.perf_counter()
    child = os.posix_spawnp(argv[0], argv, os.environ, file_actions=outputs)
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - start
    print(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
