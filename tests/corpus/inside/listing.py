"""Prints what find-libdeps lists and knows, with the options given, and how long the plain list took."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time

_LONGEST_SECONDS = 1200


def main() -> None:
    """Run the command twice: for the plain list, which is timed, and for everything it knows."""
    command = sys.argv[1:]
    start = time.perf_counter()
    plain = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LONGEST_SECONDS)
    seconds = round(time.perf_counter() - start, 2)
    kilobytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    full = subprocess.run(
        (*command, "--quiet", "--format", "json"),
        capture_output=True,
        text=True,
        check=False,
        timeout=_LONGEST_SECONDS,
    )
    document = {
        "returncode": plain.returncode or full.returncode,
        "packages": plain.stdout.splitlines(),
        "said": plain.stderr.splitlines(),
        "seconds": seconds,
        "peak_kilobytes": kilobytes,
        "known": json.loads(full.stdout or "{}"),
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
