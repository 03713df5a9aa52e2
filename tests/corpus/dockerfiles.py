"""The Dockerfiles of a case: text only, in the shape that users write."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from corpus.cases import Case

PYTHON = "3.11"
VIRTUALENV = "/usr/share/python3/app"
TOOLS = "/opt/tools"

# Shared by all cases of a suite, in no image. pip keeps the wheels that it builds, and a wheel that was built
# on one suite asks for libraries that another does not have.
_APT_CACHES = (
    "--mount=type=cache,id=corpus-lists-{suite},target=/var/lib/apt/lists "
    "--mount=type=cache,id=corpus-archives-{suite},target=/archives"
)
_PIP_CACHE = "--mount=type=cache,id=corpus-pip-{suite},target=/root/.cache/pip"


def builder_image(suite: str) -> str:
    """Return the name of the image that cases are built in."""
    return f"python:{PYTHON}-{suite}"


def slim_image(suite: str) -> str:
    """Return the name of the image that cases are to run in."""
    return f"python:{PYTHON}-slim-{suite}"


def builder_mark(case: Case) -> str:
    """Return what stands in each step of a builder image, so that its cache can be told from others'."""
    return f"corpus={case.name}"


def final_mark(case: Case) -> str:
    """Return what stands in each step of a final image."""
    return f"corpus_final={case.name}"


def tools(suite: str, wheel: str) -> str:
    """Return the Dockerfile of the image that holds the commands, installed from a wheel of the context."""
    cache = _PIP_CACHE.format(suite=suite)
    return "\n".join(
        (
            f"FROM {builder_image(suite)}",
            f"COPY {wheel} /tmp/",
            f"RUN {cache} python3 -m venv {TOOLS} && {TOOLS}/bin/pip install -q /tmp/{wheel}",
            "",
        )
    )


def builder(case: Case, suite: str) -> str:
    """Return the Dockerfile of the builder stage: the case's packages, and its virtualenv."""
    lines = [f"FROM {builder_image(suite)}"]
    if case.apt:
        lines.append(
            f"RUN {_APT_CACHES.format(suite=suite)} {builder_mark(case)}; apt-get -qq update "
            "&& DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "
            f"-o Dir::Cache::archives=/archives {case.apt}"
        )
    lines.append(
        f"RUN {_PIP_CACHE.format(suite=suite)} {builder_mark(case)}; python3 -m venv {VIRTUALENV} "
        f"&& {VIRTUALENV}/bin/pip install -q {case.pip}"
    )
    return "\n".join((*lines, ""))


def final(case: Case, suite: str, builder_tag: str, tools_tag: str) -> str:
    """Return the Dockerfile of the final stage; its context holds the listed packages in pkgdeps.txt."""
    mounts = (
        f"--mount=type=bind,from={tools_tag},source={TOOLS},target={TOOLS} "
        "--mount=type=bind,source=pkgdeps.txt,target=/pkgdeps.txt"
    )
    return "\n".join(
        (
            f"FROM {slim_image(suite)}",
            f"COPY --from={builder_tag} {VIRTUALENV} {VIRTUALENV}",
            f"RUN {mounts} {final_mark(case)}; xargs -ra /pkgdeps.txt {TOOLS}/bin/apt-install",
            "",
        )
    )
