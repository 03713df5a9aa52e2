"""The Dockerfiles of a case."""

from __future__ import annotations

from corpus import dockerfiles
from corpus.cases import SUITES, Case

CASE = Case(name="one", kind="sdist", pip="--no-binary one 'one<2'", check="import one", apt="libone-dev")


def test_the_builder_installs_what_the_case_names() -> None:
    """The packages and the requirements stand in the builder's steps, each with the case's mark."""
    text = dockerfiles.builder(CASE, "bookworm")
    assert text.startswith("FROM python:3.11-bookworm\n")
    assert "libone-dev" in text
    assert "/usr/share/python3/app/bin/pip install -q --no-binary one 'one<2'\n" in text
    assert text.count("corpus=one;") == text.count("RUN ") == 2


def test_wheels_stay_on_their_suite() -> None:
    """The cache of pip, which holds wheels that were built on one suite, is never seen by another."""
    caches = [dockerfiles.builder(CASE, suite).count(f"id=corpus-pip-{suite},") for suite in SUITES]
    assert caches == [1] * len(SUITES)


def test_a_case_without_packages_has_no_apt_step() -> None:
    """A case that needs nothing in the builder is built without apt."""
    case = Case(name="one", kind="wheel", pip="one", check="import one")
    assert "apt-get" not in dockerfiles.builder(case, "bookworm")


def test_the_final_image_gets_two_layers() -> None:
    """The virtualenv is copied, and the listed packages are installed by a tool that stays outside."""
    lines = dockerfiles.final(CASE, "trixie", "builder", "tools").splitlines()
    assert [line.split()[0] for line in lines] == ["FROM", "COPY", "RUN"]
    assert lines[0] == "FROM python:3.11-slim-trixie"
    assert lines[2].endswith("corpus_final=one; xargs -ra /pkgdeps.txt /opt/tools/bin/apt-install")
