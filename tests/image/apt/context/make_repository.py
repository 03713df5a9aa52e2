"""Makes a small Debian repository in a directory: packages that behave, and some that do not.

Runs inside a container that has dpkg-deb. usage: make_repository.py DIRECTORY
"""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import tempfile
from email.utils import formatdate
from pathlib import Path

SLOW_SCRIPT = '#!/bin/sh\nset -e\nif [ "$1" = configure ]; then sleep 3; fi\n'

# name, version, further control fields, maintainer scripts
PACKAGES: tuple[tuple[str, str, dict[str, str], dict[str, str]], ...] = (
    ("demo-lib", "1.0", {}, {}),
    ("demo-app", "1.0", {"Depends": "demo-lib (>= 1.0)", "Provides": "demo-virtual"}, {}),
    ("demo-app", "0.9", {"Depends": "demo-lib"}, {}),
    ("demo-rival", "1.0", {"Conflicts": "demo-lib"}, {}),
    ("demo-large", "1.0", {}, {}),
    ("demo-slow", "1.0", {}, {"postinst": SLOW_SCRIPT}),
    ("demo-slow-unpack", "1.0", {"Depends": "demo-lib"}, {"preinst": "#!/bin/sh\nsleep 3\n"}),
    ("demo-broken", "1.0", {}, {"postinst": "#!/bin/sh\necho 'broken: no such thing' >&2\nexit 1\n"}),
    ("demo-daemon", "1.0", {}, {"postinst": "#!/bin/sh\nsleep 600 &\n"}),
    ("demo-held", "1.0", {}, {}),
    ("demo-held", "2.0", {}, {}),
    ("demo-needs-old", "1.0", {"Depends": "demo-held (>= 1.0)"}, {}),
    ("demo-needs-new", "1.0", {"Depends": "demo-held (>= 2.0)"}, {}),
    ("demo-asks", "1.0", {}, {"postinst": "#!/bin/sh\nif read -r answer; then exit 1; fi\nexit 0\n"}),
)


def main() -> None:
    """Build every package and the indexes that name them."""
    root = Path(sys.argv[1])
    root.mkdir(parents=True, exist_ok=True)
    entries = [build(root, *package) for package in PACKAGES]
    index = "\n".join(entries).encode()
    (root / "Packages").write_bytes(index)
    write_release(root, "Release", {})
    write_release(root, "Release.expired", {"Valid-Until": formatdate(86_400, usegmt=True)})
    write_release(root, "Release.future", {}, date=formatdate(4_000_000_000, usegmt=True))


def build(root: Path, name: str, version: str, fields: dict[str, str], scripts: dict[str, str]) -> str:
    """Build one package and return its entry in the index."""
    control = {
        "Package": name,
        "Version": version,
        "Architecture": "all",
        "Maintainer": "Nobody <nobody@localhost>",
        "Installed-Size": "16",
        "Description": "a package for tests",
        **fields,
    }
    text = "".join(f"{field}: {value}\n" for field, value in control.items())
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory)
        (tree / "DEBIAN").mkdir()
        (tree / "DEBIAN/control").write_text(text)
        for script, content in scripts.items():
            (tree / "DEBIAN" / script).write_text(content)
            (tree / "DEBIAN" / script).chmod(0o755)
        share = tree / "usr/share" / name
        share.mkdir(parents=True)
        size = 4_000_000 if name == "demo-large" else 2_000
        (share / "data").write_bytes(random.Random(name).randbytes(size))  # noqa: S311 - filler
        (tree / "etc").mkdir()
        (tree / "etc" / f"{name}.conf").write_text(f"version = {version}\n")
        (tree / "DEBIAN/conffiles").write_text(f"/etc/{name}.conf\n")
        os.chmod(tree, 0o755)  # noqa: S103 - as packages have it
        path = root / f"{name}_{version}_all.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "--build", str(tree), str(path)], check=True)
    packed = path.read_bytes()
    digest = hashlib.sha256(packed).hexdigest()
    return f"{text}Filename: ./{path.name}\nSize: {len(packed)}\nSHA256: {digest}\n"


def write_release(root: Path, name: str, fields: dict[str, str], date: str = "") -> None:
    """Write a Release file for the one index."""
    index = (root / "Packages").read_bytes()
    head = {"Suite": "demo", "Codename": "demo", "Date": date or formatdate(usegmt=True), **fields}
    text = "".join(f"{field}: {value}\n" for field, value in head.items())
    digest = hashlib.sha256(index).hexdigest()
    (root / name).write_text(f"{text}SHA256:\n {digest} {len(index)} Packages\n")


if __name__ == "__main__":
    main()
