"""Reading what ld.so, dpkg-shlibdeps, dpkg-query and the peers' scripts print."""

from __future__ import annotations

import pytest

from corpus.inside import glibc, shlibdeps
from corpus.inside.debian import parse_installed
from corpus.peers import parse_packages
from multistage_docker.elf.loader import Link

TRACE = """\
\tlinux-vdso.so.1 (0x00007ffd3d5f2000)
\tlibpq-1a2b.so.5 => /app/psycopg2.libs/libpq-1a2b.so.5 (0x00007f6c8c600000)
\tlibGL.so.1 => not found
\t/app/lib/liteal.so => /app/lib/liteal.so (0x00007f6c8c200000)
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f6c8c41f000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f6c8c90b000)
"""


def test_trace_of_the_loader() -> None:
    """Each line of ld.so is a name with its path, "" for what is not found; the vdso is no file."""
    assert glibc.parse_trace(TRACE) == {
        "libpq-1a2b.so.5": "/app/psycopg2.libs/libpq-1a2b.so.5",
        "libGL.so.1": "",
        "/app/lib/liteal.so": "/app/lib/liteal.so",
        "libc.so.6": "/lib/x86_64-linux-gnu/libc.so.6",
        "/lib64/ld-linux-x86-64.so.2": "/lib64/ld-linux-x86-64.so.2",
    }


@pytest.mark.parametrize(
    ("ours", "name", "answer"),
    [
        pytest.param("/l/libone.so.1", "libone.so.1", None, id="the same path"),
        pytest.param(None, "libtwo.so.1", None, id="found by neither"),
        pytest.param("/l/libone.so.1", "alias.so", None, id="another name of a listed object"),
        pytest.param("/l/ld.so", "ld-linux.so.2", None, id="the loader itself"),
        pytest.param("/x/libone.so.1", "libone.so.1", "/l/libone.so.1", id="another path"),
        pytest.param("/app/file", "file.so", None, id="the file itself, needed in a circle"),
        pytest.param(None, "libone.so.1", "/l/libone.so.1", id="found by glibc alone"),
        pytest.param("/l/libtwo.so.1", "libtwo.so.1", "not found", id="found by us alone"),
        pytest.param(None, "libthree.so.1", "(no line)", id="a name that glibc never saw"),
    ],
)
def test_judging_a_link(ours: str | None, name: str, answer: str | None) -> None:
    """The answer of ld.so is returned exactly where the two differ."""
    theirs = {"libone.so.1": "/l/libone.so.1", "libtwo.so.1": ""}
    assert glibc.judge(Link("/app/file", name, ours), theirs, ("/l/ld.so", "/app/file")) == answer


def test_packages_of_dpkg_shlibdeps() -> None:
    """Versions, architectures and later alternatives are left out of its substitution variable."""
    text = "shlibs:Depends=libc6 (>= 2.34), libpq5 (>= 15~beta), libgl1 | libgl2, libz1:i386\n"
    assert shlibdeps.parse_depends(text) == ("libc6", "libgl1", "libpq5", "libz1")
    assert shlibdeps.parse_depends("shlibs:Depends=\n") == ()


def test_providers_of_virtual_packages() -> None:
    """A virtual package leads to the package that provides it, whatever version it says."""
    text = "libgir1\tlibgir1-with-ffi8 (= 1.74), libgir-abi\nlibpq5\t\n"
    assert shlibdeps.parse_provides(text) == {"libgir1-with-ffi8": "libgir1", "libgir-abi": "libgir1"}


def test_files_that_dpkg_shlibdeps_refuses() -> None:
    """Its errors name the files; other lines do not."""
    text = (
        "dpkg-shlibdeps: warning: binaries to analyze should already be installed\n"
        "dpkg-shlibdeps: error: cannot find library libGL.so.1 needed by /app/cv2.abi3.so (ELF format: "
        "'elf64-x86-64'; RPATH: '')\n"
        "dpkg-shlibdeps: error: cannot continue due to the error above\n"
    )
    assert shlibdeps.parse_refused(text) == ("/app/cv2.abi3.so",)


def test_installed_packages() -> None:
    """Only installed packages count, without their architecture; a package may have no size."""
    text = "ii \tlibpq5:amd64\t15.8\t1001\nrc \tnginx\t1.22\t1\nii \tempty\t1\t\n"
    assert parse_installed(text) == {"libpq5": ("15.8", 1001), "empty": ("1", 0)}


def test_packages_of_a_script() -> None:
    """Several owners of a path stand on one line with commas; architectures are dropped."""
    assert parse_packages("libb2, liba1:amd64\nlibb2\n\n") == ("liba1", "libb2")
