"""A sample of the corpus: one case of each kind of need, judged by the oracles and in the final image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from corpus.bench import CORPUS, prepared
from corpus.cases import parse_cases
from corpus.engine import Engine
from corpus.records import Records, digest_of
from corpus.run import Choices, run_case
from corpus.verdict import problems

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from corpus.bench import Bench
    from support.engine import Engine as BaseEngine

pytestmark = pytest.mark.image

SUITE = "bookworm"
SAMPLE = ("psycopg2", "uwsgi", "opencv", "python-magic", "pure", "i386")
PARTS = ("final", "glibc", "shlibdeps", "needless")


@pytest.fixture(scope="module")
def bench(base_images: BaseEngine, wheel: Path, root: Path) -> Iterator[Bench]:
    """Return a place to work at with this checkout's commands."""
    version = digest_of(root / "src" / "multistage_docker")
    with prepared(Engine(base_images.client), SUITE, wheel, f"{version}-sample") as bench:
        yield bench


@pytest.mark.parametrize("name", SAMPLE)
def test_a_case_of_the_corpus(name: str, bench: Bench, tmp_path: Path) -> None:
    """The case builds, runs in the slim image with what is listed, and no oracle has anything against it."""
    case = parse_cases((CORPUS / "cases.json").read_text(encoding="utf-8"), SUITE)[name]
    record = run_case(case, bench, Records(tmp_path / "results.json", "sample"), Choices(PARTS, keep=True))
    assert problems(record) == []
    assert set(PARTS) <= record.keys()
    assert record["final"]["layers"] == 2
    assert record["glibc"]["refused"] == []
