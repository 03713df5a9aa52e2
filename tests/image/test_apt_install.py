"""apt-install against real archives: what it leaves in place, what it refuses, what it does not touch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.layers import added, files, merged

if TYPE_CHECKING:
    from pathlib import Path

    from support.engine import Engine

pytestmark = pytest.mark.image

# A local archive with demo 2.0, while demo 1.0 is installed and on hold.
HELD = r"""
set -e
make_package() {
    mkdir -p "/tmp/demo-$1/DEBIAN"
    printf '%s\n' 'Package: demo' "Version: $1" 'Architecture: all' 'Maintainer: demo' 'Description: demo' \
        > "/tmp/demo-$1/DEBIAN/control"
    dpkg-deb --build "/tmp/demo-$1" "/srv/demo_$1_all.deb" >/dev/null
}
make_package 1.0
make_package 2.0
dpkg --install /srv/demo_1.0_all.deb >/dev/null 2>&1
apt-mark hold demo >/dev/null
package=/srv/demo_2.0_all.deb
{
    dpkg-deb --field "$package"
    echo "Filename: ./demo_2.0_all.deb"
    echo "Size: $(stat --format %s "$package")"
    echo "SHA256: $(sha256sum "$package" | cut -d ' ' -f 1)"
} > /srv/Packages
echo 'deb [trusted=yes] file:/srv ./' > /etc/apt/sources.list.d/local.list
/opt/tools/bin/apt-install demo hello >&2
dpkg-query --show --showformat='${Package} ${Version} ${db:Status-Want}\n' demo
command -v hello
apt-get -qq update
apt-cache policy demo | grep Candidate
"""


def test_held_package_stays(engine: Engine, tools: str) -> None:
    """A package on hold, named beside others, stays at its version though the archive has a newer one."""
    said = engine.output(tools, "bash", "-c", HELD)
    assert said.splitlines() == ["demo 1.0 hold", "/usr/bin/hello", "  Candidate: 2.0"]


@pytest.fixture(scope="module")
def nginx(engine: Engine, tools: str, nothing: Path) -> str:
    """Return an image with nginx, installed by apt-install."""
    text = f"FROM {tools}\nRUN PYTHONDONTWRITEBYTECODE=1 /opt/tools/bin/apt-install nginx-light\n"
    return engine.build(text, "multistage-docker-test:nginx", context=nothing)


def test_nginx_keeps_its_log_directory(engine: Engine, nginx: str) -> None:
    """A directory below /var/log that a package owns stays, so that nginx can start."""
    assert engine.output(nginx, "stat", "--format", "%F", "/var/log/nginx").strip() == "directory"
    engine.output(nginx, "nginx", "-t")


def test_apt_leaves_nothing(engine: Engine, tools: str, nginx: str) -> None:
    """No index, cache, log or backup that apt and dpkg write is in the image."""
    addition = files(added(merged(engine.layers(tools)), merged(engine.layers(nginx))))
    folders = ("/var/lib/apt/lists/", "/var/cache/apt/", "/var/cache/ldconfig/", "/var/log/apt/")
    assert [path for path in addition if path.startswith(folders)] == []
    assert [path for path in addition if path.endswith((".deb", "-old", "/dpkg.log", "/eipp.log.xz"))] == []
    assert "/usr/sbin/nginx" in addition


def test_empty_list_is_no_work(engine: Engine, tools: str) -> None:
    """An empty list, read by xargs, changes nothing and succeeds."""
    script = "touch /tmp/empty && xargs -ra /tmp/empty /opt/tools/bin/apt-install && ls -A /var/lib/apt/lists"
    assert engine.output(tools, "sh", "-c", script) == ""


def test_no_argument_is_a_usage_error(engine: Engine, tools: str) -> None:
    """Called without any package, apt-install says how it is called."""
    done = engine.run(tools, "/opt/tools/bin/apt-install")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "apt-install" in done.stderr


def test_needs_root(engine: Engine, tools: str) -> None:
    """Called without privileges, apt-install says so in one line, and nothing has been tried."""
    done = engine.run(tools, "/opt/tools/bin/apt-install", "hello", options=("--user", "1000:1000"))
    assert done.returncode == 1
    assert "root" in done.stderr
    assert "Traceback" not in done.stderr
