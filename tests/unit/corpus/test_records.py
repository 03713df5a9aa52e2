"""Results that are kept, judged and shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from corpus.records import Records, digest_of
from corpus.table import render
from corpus.verdict import problems

if TYPE_CHECKING:
    from pathlib import Path

CASES = """{
 "good": {"kind": "sdist", "pip": "good", "check": "import good"},
 "bad": {"kind": "wheel", "pip": "bad", "check": "import bad", "reason": "it is known"}
}"""


def right() -> dict[str, Any]:
    """Return the record of a case for which everything is right."""
    return {
        "tool": "one",
        "build": {"built": True},
        "list": {"returncode": 0, "packages": ["libone1"], "elf_files": 3, "unresolved": [], "seconds": 0.2},
        "final": {"runs": True, "kilobytes": 1200, "layers": 2, "check": {"passes": True, "said": []}},
        "glibc": {
            "files": 3,
            "direct": 9,
            "indirect": 40,
            "not_found": 0,
            "preloaded": 0,
            "inherited": 0,
            "differing": [],
        },
        "shlibdeps": {"answers": True, "runs_on_all": True, "only_ours": [], "only_theirs": []},
        "needless": {
            "packages": [{"package": "libone1", "broken": ["libone.so.1"], "opened_only": False}],
            "needless": [],
        },
        "peers": {"classic": {"runs": True, "kilobytes": 5000}},
    }


def test_a_result_belongs_to_a_tool(tmp_path: Path) -> None:
    """A result is found again by the next run with the same tool; with another, only what others did."""
    path = tmp_path / "results" / "bookworm.json"
    Records(path, "one").put("case", right())
    assert Records(path, "one").record("case") == right()
    assert Records(path, "two").record("case") == {"peers": right()["peers"]}
    assert Records(path, "one").record("other") is None


def test_the_digest_follows_the_sources(tmp_path: Path) -> None:
    """Any change of a Python source gives another digest; other files do not count."""
    (tmp_path / "a.py").write_text("1")
    first = digest_of(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    assert digest_of(tmp_path) == first
    (tmp_path / "a.py").write_text("2")
    assert digest_of(tmp_path) != first


def test_nothing_is_wrong_with_a_right_case() -> None:
    """A record in which everything is right has no problems."""
    assert problems(right()) == []


@pytest.mark.parametrize(
    ("part", "change", "problem"),
    [
        pytest.param("build", {"built": False, "complaint": "a\nno cc"}, "does not build: no cc", id="build"),
        pytest.param("list", {"returncode": 1, "said": ["x", "no"]}, "find-libdeps fails: no", id="list"),
        pytest.param("list", {"needs_missing": ["libpq5"]}, "not listed: libpq5", id="not listed"),
        pytest.param("list", {"needs_exceeded": ["a"]}, "listed without need: a", id="listed without need"),
        pytest.param("final", {"runs": False, "complaint": "no libpq"}, "does not run: no libpq", id="run"),
        pytest.param(
            "final", {"check": {"passes": False, "said": ["b", "c"]}}, "--check fails: b", id="final check"
        ),
        pytest.param("glibc", {"differing": [{}, {}]}, "2 differences from glibc", id="glibc"),
        pytest.param("glibc", {"failed": "boom"}, "glibc fails: boom", id="a part that fails"),
        pytest.param("shlibdeps", {"only_ours": ["a"]}, "only find-libdeps lists a", id="only ours"),
        pytest.param("shlibdeps", {"only_theirs": ["a"]}, "only dpkg-shlibdeps lists a", id="only theirs"),
        pytest.param("needless", {"needless": ["a", "b"]}, "needless: a, b", id="needless"),
    ],
)
def test_what_is_wrong(part: str, change: dict[str, Any], problem: str) -> None:
    """Each thing that can be wrong has a line of its own, and nothing else gets one."""
    record = right()
    record[part] = {**record[part], **change}
    assert problems(record) == [problem]


def test_the_page(tmp_path: Path) -> None:
    """The page has a row for each result, the sums, and each problem with the case's reason."""
    bad = right()
    bad["final"] = {"runs": False, "complaint": "libx | gone"}
    bad["peers"] = {"classic": {"runs": False}}
    document = {"suite": "bookworm", "date": "2026-01-02", "cases": {"good": right(), "bad": bad}}
    (tmp_path / "bookworm.json").write_text(json.dumps(document))
    page = render(tmp_path, CASES)
    assert "## bookworm, 2026-01-02" in page
    assert "| good | one | sdist | 3 | libone1 |  | 0.2 | 1,200 | 2 | ✓ | 5,000 |" in page
    assert "- find-libdeps: 1 of 2 cases run, with 1,200 kB of packages." in page
    assert "- ldd \\| dpkg-query -S: 1 of 2 cases run" in page.replace("ldd |", "ldd \\|")
    assert "- bad: does not run: libx \\| gone (it is known)" in page
    assert "18 pairs of a file and a soname" in page
    assert "Of the 2 cases that every way was tried on, find-libdeps: 1 run, with 1,200 kB" in page
    assert "trixie" not in page
    assert "Interim" not in page


def test_the_page_owns_up_to_mixed_and_absent_rows(tmp_path: Path) -> None:
    """Rows got with different sources are called interim, and cases without a result are named."""
    other = {**right(), "tool": "two"}
    document = {"suite": "bookworm", "date": "2026-01-02", "cases": {"good": right(), "bad": other}}
    (tmp_path / "bookworm.json").write_text(json.dumps(document))
    assert "**Interim:** the rows were got with 2 states" in render(tmp_path, CASES)
    del document["cases"]["bad"]  # type: ignore[attr-defined]
    (tmp_path / "bookworm.json").write_text(json.dumps(document))
    page = render(tmp_path, CASES)
    assert "Interim" not in page
    assert "Without a result here: bad." in page


def opened(package: str, *, check_runs_without: bool) -> dict[str, Any]:
    """Return what was found of a package that is listed for a library that code opens by name."""
    return {
        "package": package,
        "broken": [package],
        "opened_only": True,
        "check_runs_without": check_runs_without,
        "opened_by": [f"{package}.so in a/b.py:3"],
    }


def test_opening_by_name_is_not_counted_as_proof(tmp_path: Path) -> None:
    """Packages listed for opened names stand apart, with those that the check does without; old ones too."""
    record = right()
    record["needless"]["packages"] += [
        opened("libtwo1", check_runs_without=True),
        opened("libsix1", check_runs_without=False),
        {"package": "libold1", "broken": ["old"]},
    ]
    document = {"suite": "bookworm", "date": "2026-01-02", "cases": {"good": record}}
    (tmp_path / "bookworm.json").write_text(json.dumps(document))
    page = render(tmp_path, CASES)
    assert "- 1 packages that ELF files need were removed one by one: 1 broke a need." in page
    assert "- 2 packages are listed only for libraries that code opens by name." in page
    assert "still runs without these: libtwo1 (libtwo1.so in a/b.py:3)." in page
    assert "- 1 packages were removed before" in page
