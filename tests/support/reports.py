"""A small Report that has something of everything."""

from __future__ import annotations

from multistage_docker.elf.scan import Skip, SkippedFile
from multistage_docker.python.distributions import Distribution
from multistage_docker.report import ListedPackage, Report, Requirement

ROOT = "/app"
PSYCOPG2 = Distribution("psycopg2", "2.9.10")


def requirement(
    soname: str, path: str, file: str, distribution: Distribution | None = None, *, plugin: bool = False
) -> Requirement:
    """Return a need of a file below the root."""
    return Requirement(soname, path, f"{ROOT}/{file}", distribution, plugin)


LIBPQ = ListedPackage(
    "libpq5",
    "15.8-0+deb12u1",
    "amd64",
    (
        requirement("libpq.so.5", "/lib/libpq.so.5", "plugins/sql.so", plugin=True),
        requirement("libpq.so.5", "/lib/libpq.so.5", "site/_psycopg.so", PSYCOPG2),
    ),
)
ZLIB = ListedPackage(
    "zlib1g:i386",
    "1:1.2.13",
    "i386",
    (
        requirement("liba.so", "/lib/liba.so", "plugins/a.so", plugin=True),
        requirement("libz.so.1", "/lib/libz.so.1", "plugins/a.so", plugin=True),
    ),
)

EVERYTHING = Report(
    roots=(ROOT,),
    packages=(LIBPQ, ZLIB),
    missing=(
        requirement("libGL.so.1", "", "site/cv2.so", Distribution("opencv-python", "4.10")),
        requirement("libGL.so.1", "", "site/other.so"),
        requirement("libmysql.so", "", "plugins/sql.so", plugin=True),
    ),
    unpackaged=(requirement("libown.so", "/usr/local/lib/libown.so", "site/own.so"),),
    preloaded=(requirement("libcuda.so.1", "/app/nvidia/libcuda.so.1", "site/torch.so"),),
    interpreter=(requirement("libpython3.11.so.1.0", "/opt/libpython3.11.so.1.0", "bin/uwsgi"),),
    skipped=(
        SkippedFile("/app/arm.so", Skip.FOREIGN, "aarch64"),
        SkippedFile("/app/text.so", Skip.NOT_ELF),
        SkippedFile("/app/torn.so", Skip.MALFORMED, "truncated in its ELF header"),
    ),
    unsafe_search=("/app/site/here.so",),
    files=1234,
    objects=5,
)
NOTHING = Report((ROOT,), (), (), (), (), (), (), (), 0, 0)
