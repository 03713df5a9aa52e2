"""Runs one command in a container, against the repository of misbehave.py, and reports on it as JSON.

usage: observe.py JSON, with the keys: argv; and at will orders (for misbehave.py), before and after (shell),
source (options of the source entry), signal (a number) and when (the output after which it is sent).
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from typing import Any

PORT = 8000
REQUESTS = "/run/requests"
PLACES = (
    *("/var/lib/apt/lists/**", "/var/cache/apt/**", "/var/log/**", "/var/cache/ldconfig/*", "/srv/apt-*"),
    *("/var/lib/dpkg/*-old", "/etc/*-", "/var/cache/debconf/*-old"),
)


def main() -> None:
    """Do what the first argument says and print what came of it."""
    task = json.loads(sys.argv[1])
    with open(REQUESTS, "wb") as log:
        orders = json.dumps(task.get("orders", {}))
        server = [sys.executable, "/srv/misbehave.py", "/srv/repository", str(PORT), orders]
        subprocess.Popen(server, stderr=log, stdin=subprocess.DEVNULL)
    source = task.get("source", "[trusted=yes]")
    for other in glob.glob("/etc/apt/sources.list.d/*"):
        os.unlink(other)
    with open("/etc/apt/sources.list", "w") as sources:
        sources.write(f"deb {source} http://127.0.0.1:{PORT}/ ./\n")
    wait_for_server()
    before = subprocess.run(
        ["bash", "-c", task.get("before", "")], capture_output=True, text=True, check=False
    )
    open(REQUESTS, "wb").close()
    there = files()
    started = time.monotonic()
    code, out, err = run(task)
    seconds = time.monotonic() - started
    left = sorted(path for path, content in files().items() if there.get(path) != content)
    with open(REQUESTS) as log_file:
        requests = [line.split('"')[1].split()[1] for line in log_file if '"GET' in line]
    after = subprocess.run(["bash", "-c", task.get("after", "")], capture_output=True, text=True, check=False)
    audit = subprocess.run(["dpkg", "--audit"], capture_output=True, text=True, check=False).stdout
    result = {"code": code, "out": out, "err": err, "left": left, "requests": requests, "audit": audit}
    result |= {
        "seconds": seconds,
        "after": after.stdout + after.stderr,
        "before": before.stdout + before.stderr,
    }
    json.dump(result, sys.stdout)


def wait_for_server() -> None:
    """Return once something answers on the port."""
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", PORT)):
            return
        time.sleep(0.02)


def run(task: dict[str, Any]) -> tuple[int, str, str]:
    """Run the command, with the signal on its way where one is asked for."""
    child = subprocess.Popen(
        task["argv"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/srv/repository"
    )
    said: dict[str, bytearray] = {"out": bytearray(), "err": bytearray()}

    def read(name: str) -> None:
        pipe = child.stdout if name == "out" else child.stderr
        while pipe and (chunk := os.read(pipe.fileno(), 4096)):
            said[name] += chunk

    threads = [threading.Thread(target=read, args=(name,)) for name in said]
    for thread in threads:
        thread.start()
    if "signal" in task:
        wanted = str(task["when"]).encode()
        while wanted not in said["out"] + said["err"] and child.poll() is None:
            time.sleep(0.01)
        child.send_signal(int(str(task["signal"])))
    code = child.wait()
    for thread in threads:
        thread.join(2)
    return code, said["out"].decode(errors="replace"), said["err"].decode(errors="replace")


def files() -> dict[str, str]:
    """Return the files where apt leaves some, with their content's digest."""
    found = {}
    for pattern in PLACES:
        for path in glob.glob(pattern, recursive=True):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    found[path] = hashlib.sha256(file.read()).hexdigest()
    return found


main()
