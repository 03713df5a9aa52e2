"""What apt-install puts into a layer of an image: the packages, and none of apt's leftovers."""

from __future__ import annotations

import io
import json
import re
import subprocess
import tarfile
import uuid
from typing import TYPE_CHECKING

import pytest

from support.layers import added, files, merged

if TYPE_CHECKING:
    from pathlib import Path

    from support.bench import Bench
    from support.layers import Layer

pytestmark = [
    pytest.mark.image,
    # Tests name their base images themselves; the bench lends them the command.
    pytest.mark.parametrize("bench", ["bookworm"], indirect=True),
]

EPOCH = 1_700_000_000
# The interpreter and the command come from another image for the time of one step, and leave no byte.
TOOLS = "--mount=from={image},source=/usr/local,target=/usr/local"
LEFTOVER = re.compile(
    r"/var/(lib/apt/lists|cache/apt|log)/|-old$|/etc/(passwd|group|g?shadow|sub[ug]id)-$|/aux-cache$|\.pyc$"
)
PACKAGES = ("tcpdump", "libpq5", "nginx", "fontconfig", "openssh-client", "libgl1")


def build(bench: Bench, folder: Path, base: str, command: str, *, mounts: str = "") -> str:
    """Run one command in a layer of its own on a base image, without any cache, and return the image."""
    tag = f"multistage-docker-test/layer:{uuid.uuid4().hex[:12]}"
    tools = TOOLS.format(image=bench.image)
    dockerfile = (
        f"FROM {base}\nARG NONCE\n"
        f"RUN {tools} {mounts} : $NONCE; export LD_LIBRARY_PATH=/usr/local/lib; {command}\n"
    )
    bench.engine.build(dockerfile, tag, context=folder, arguments={"NONCE": tag})
    return tag


def remove(bench: Bench, *tags: str) -> None:
    """Remove images that one test built."""
    subprocess.run([bench.engine.client, "rmi", "--force", *tags], capture_output=True, check=True)


def new_in(bench: Bench, image: str) -> Layer:
    """Return what the last layer adds to, or changes in, those below it."""
    layers = bench.engine.layers(image)
    return added(merged(layers[:-1]), merged(layers))


@pytest.mark.parametrize("base", ["debian:bookworm-slim", "debian:bookworm", "debian:trixie-slim"])
def test_content_of_a_layer(bench: Bench, tmp_path: Path, base: str) -> None:
    """Tcpdump's layer has no leftovers, no whiteout in apt's places, and is no larger than 2.95 MB."""
    image = build(bench, tmp_path, base, "apt-install tcpdump")
    layer = bench.engine.layers(image)[-1]
    new = new_in(bench, image)
    remove(bench, image)
    assert "/usr/bin/tcpdump" in new
    assert [path for path in files(new) if LEFTOVER.search(path)] == []
    whiteouts = [path.replace("/.wh.", "/") for path in layer if "/.wh." in path]
    assert [path for path in whiteouts if LEFTOVER.search(path)] == []
    assert sum(entry.size for entry in layer.values()) <= 2_950_000


@pytest.mark.parametrize("base", ["debian:bookworm-slim"])
def test_hookless_base(bench: Bench, tmp_path: Path, base: str) -> None:
    """Without the hooks of the Docker images, too, nothing of apt's 80 MB of caches stays."""
    bare = "rm -f /etc/apt/apt.conf.d/docker-*; "
    image = build(bench, tmp_path, base, f"sh -c '{bare} apt-install tcpdump'")
    new = new_in(bench, image)
    remove(bench, image)
    assert [path for path in files(new) if LEFTOVER.search(path)] == []
    assert sum(entry.size for entry in new.values()) <= 2_950_000


@pytest.mark.parametrize("package", PACKAGES)
def test_two_builds_are_equal(bench: Bench, tmp_path: Path, package: str) -> None:
    """Two builds without a cache give equal layers, with SOURCE_DATE_EPOCH even in their times."""
    command = f"SOURCE_DATE_EPOCH={EPOCH} apt-install {package}"
    images = [build(bench, tmp_path, "debian:bookworm-slim", command) for _ in range(2)]
    first, second = (bench.engine.layers(image)[-1] for image in images)
    times = [times_of(bench, image) for image in images]
    remove(bench, *images)
    assert {path for path in {*first, *second} if first.get(path) != second.get(path)} == set()
    differing = {path for path in times[0] if times[0][path] != times[1].get(path)}
    assert {path for path in differing if "/.wh." not in path} <= {"/etc", "/etc/"}
    assert max(time for path, time in times[0].items() if path in times[1] and path not in differing) <= EPOCH


@pytest.mark.parametrize("package", PACKAGES)
def test_two_builds_without_an_epoch(bench: Bench, tmp_path: Path, package: str) -> None:
    """Content, mode and owner are equal without SOURCE_DATE_EPOCH too, the caches of fc-cache aside."""
    images = [build(bench, tmp_path, "debian:bookworm-slim", f"apt-install {package}") for _ in range(2)]
    first, second = (bench.engine.layers(image)[-1] for image in images)
    remove(bench, *images)
    assert first
    differing = {path for path in {*first, *second} if first.get(path) != second.get(path)}
    assert {path for path in differing if not path.startswith("/var/cache/fontconfig/")} == set()


def times_of(bench: Bench, image: str) -> dict[str, float]:
    """Return the modification times in the last layer: path -> seconds."""
    saved = subprocess.run([bench.engine.client, "save", image], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(saved)) as outer:
        (manifest,) = json.load(outer.extractfile("manifest.json") or io.BytesIO())
        layer = outer.extractfile(manifest["Layers"][-1]) or io.BytesIO()
        with tarfile.open(fileobj=layer) as inner:
            return {f"/{member.name.strip('/')}": member.mtime for member in inner}


@pytest.mark.parametrize(
    ("package", "directory"),
    [
        pytest.param("nginx-light", "/var/log/nginx", id="nginx"),
        pytest.param("postgresql-common", "/var/log/postgresql", id="postgresql-common"),
        pytest.param("redis-server", "/var/log/redis", id="redis-server"),
        pytest.param("redis-server", "/var/lib/redis", id="redis-server data"),
    ],
)
def test_directories_of_packages_stay(bench: Bench, package: str, directory: str) -> None:
    """A package's own log and data directories have the owner and mode that a plain installation gives."""
    look = f"stat -c '%U:%G %a' {directory}"
    install = f"apt-get -qq install -y --no-install-recommends {package}"
    plain = f"(apt-get -qq update && {install}) > /dev/null 2>&1; {look}"
    ours = f"apt-install -q {package} && {look}"
    assert bench.engine.output(bench.image, "bash", "-c", ours) == bench.engine.output(
        bench.image, "bash", "-c", plain
    )


def test_nginx_starts(bench: Bench) -> None:
    """Nginx accepts its configuration after the cleaning: its log directory is there."""
    done = bench.engine.run(bench.image, "bash", "-c", "apt-install -q nginx-light && nginx -t")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("hook", ["kept", "removed"])
def test_cache_mounts_save_downloads(bench: Bench, tmp_path: Path, hook: str) -> None:
    """With cache mounts on apt's directories, a second build downloads no package, docker-clean or not."""
    identity = uuid.uuid4().hex
    mounts = " ".join(
        f"--mount=type=cache,id={identity}{number},target={target},sharing=locked"
        for number, target in enumerate(("/var/cache/apt", "/var/lib/apt/lists"))
    )
    clean = "rm -f /etc/apt/apt.conf.d/docker-clean; " if hook == "removed" else ""
    command = f"sh -c '{clean} apt-install -q --receipt /receipt.json tcpdump'"
    downloaded = []
    for _ in range(2):
        image = build(bench, tmp_path, "debian:bookworm-slim", command, mounts=mounts)
        downloaded.append(json.loads(bench.engine.output(image, "cat", "/receipt.json"))["downloaded_bytes"])
        assert [path for path in files(new_in(bench, image)) if LEFTOVER.search(path)] == []
        remove(bench, image)
    assert downloaded[0] > 800_000
    assert downloaded[1] == 0


def test_mount_over_all_of_apts_state_is_warned_of(bench: Bench) -> None:
    """A mount on /var/lib/apt hides apt's marks: the run says so."""
    done = bench.engine.run(
        bench.image, "apt-install", "tcpdump", options=("--mount=type=tmpfs,target=/var/lib/apt",)
    )
    assert done.returncode == 0
    assert "warning: /var/lib/apt is a mount" in done.stderr
