"""Installs packages into a slim container with plain apt-get, runs a check, and prints what came of it.

The virtualenv is mounted where it belongs. Standard library only: a slim image has no more.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time

from corpus.inside.debian import installed

_LONGEST_SECONDS = 900
_APT = ("apt-get", "-qq", "-o", "Dir::Cache::archives=/archives")
_OUTPUT_KEPT = 600
_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "DEBIAN_FRONTEND": "noninteractive",
    "HOME": "/root",
}


def main() -> None:
    """Install, check, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--python", required=True)
    parser.add_argument("--check", required=True)
    parser.add_argument("packages", nargs="*")
    choices = parser.parse_args()
    before = installed()
    start = time.perf_counter()
    failure = _install(choices.packages) if choices.packages else ""
    seconds = round(time.perf_counter() - start, 2)
    after = installed()
    new = sorted(set(after) - set(before))
    complaint = failure or _run(choices.python, "-c", choices.check)
    document = {
        "runs": not complaint,
        "complaint": complaint,
        "installed": new,
        "kilobytes": sum(after[name][1] for name in new),
        "seconds": seconds,
    }
    print(json.dumps(document))


def _install(packages: list[str]) -> str:
    update = _run(*_APT, "update")
    return update or _run(*_APT, "install", "-y", "--no-install-recommends", *packages)


def _run(*argv: str) -> str:
    """Return the end of what a failing program wrote, "" for one that succeeds."""
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=_LONGEST_SECONDS,
        env=_ENVIRONMENT,
    )
    if done.returncode == 0:
        return ""
    return (done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}")[-_OUTPUT_KEPT:]


if __name__ == "__main__":
    main()
