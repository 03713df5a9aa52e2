"""The web service among the examples, against a real PostgreSQL."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.engine import Engine

pytestmark = pytest.mark.image

HARDENED = ("--read-only", "--user", "1000:1000", "--cap-drop", "ALL")
PATIENCE = 60.0
DATABASE = """\
FROM {tools}
RUN /opt/tools/bin/apt-install postgresql
USER postgres
RUN service postgresql start \\
 && psql --command "CREATE ROLE visits LOGIN PASSWORD 'visits'" \\
 && createdb --owner visits visits \\
 && service postgresql stop
"""
SERVE = (
    "exec /usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql/15/main"
    " -c config_file=/etc/postgresql/15/main/postgresql.conf -c listen_addresses=127.0.0.1 -c port=$1"
)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait(until: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not until():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} is not ready after {PATIENCE:.0f} s")
        time.sleep(0.2)


@pytest.fixture(scope="module")
def images(base_images: Engine, tools: str, root: Path, nothing: Path) -> tuple[str, str]:
    """Return the image of the service and that of the database."""
    service = base_images.build(
        root / "docker" / "examples" / "web" / "Dockerfile",
        "multistage-docker-test:example-web",
        context=root,
    )
    database = base_images.build(
        DATABASE.format(tools=tools), "multistage-docker-test:postgresql", context=nothing
    )
    return service, database


@pytest.fixture
def database(engine: Engine, images: tuple[str, str]) -> Iterator[tuple[str, int]]:
    """Return a running PostgreSQL: its container and its port."""
    port = _free_port()
    with engine.started(images[1], "sh", "-c", SERVE, "sh", str(port)) as container:
        ready = [engine.client, "exec", container, "pg_isready", "--host=127.0.0.1", f"--port={port}"]
        _wait(lambda: not subprocess.run(ready, capture_output=True, check=False).returncode, "PostgreSQL")
        yield container, port


@pytest.fixture
def service(engine: Engine, images: tuple[str, str], database: tuple[str, int]) -> Iterator[tuple[str, int]]:
    """Return the running service: its container and its port."""
    port = _free_port()
    options = (
        *HARDENED,
        f"--env=DATABASE_URL=postgresql://visits:visits@127.0.0.1:{database[1]}/visits",
        "--env=HOST=127.0.0.1",
        f"--env=PORT={port}",
        "--health-interval=1s",
    )
    with engine.started(images[0], options=options) as container:
        _wait(lambda: _health(engine, container) == "healthy", "the service")
        yield container, port


def _health(engine: Engine, container: str) -> str:
    argv = [engine.client, "inspect", "--format", "{{json .State}}", container]
    state = json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
    if not state["Running"]:
        said = subprocess.run([engine.client, "logs", container], capture_output=True, text=True, check=True)
        pytest.fail(f"the service ended:\n{said.stderr}")
    return str(state["Health"]["Status"])


def test_counts_visits(service: tuple[str, int]) -> None:
    """Each visit is counted in the database and drawn as a JPEG, unprivileged on a read-only file system."""
    for expected in ("1", "2"):
        with urllib.request.urlopen(f"http://127.0.0.1:{service[1]}/") as response:
            assert response.headers["X-Visit"] == expected
            assert response.headers["Content-Type"] == "image/jpeg"
            assert response.read(3) == b"\xff\xd8\xff"


def test_health_is_that_of_the_database(
    service: tuple[str, int], database: tuple[str, int], engine: Engine
) -> None:
    """The health check fails once the database is gone, and says so."""
    check = [engine.client, "exec", service[0], "/usr/share/python3/app/bin/visits-health"]
    assert subprocess.run(check, capture_output=True, check=False).returncode == 0
    subprocess.run([engine.client, "stop", database[0]], capture_output=True, check=True)
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("unhealthy: ")


def test_stops_when_told(service: tuple[str, int], engine: Engine) -> None:
    """The server is the container's first process: docker's signal reaches it, and it ends in order."""
    subprocess.run([engine.client, "stop", "--time=20", service[0]], capture_output=True, check=True)
    argv = [engine.client, "inspect", "--format", "{{.State.ExitCode}}", service[0]]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip() == "0"
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{service[1]}/health")
