"""The corpus' command: runs cases part by part, keeps the results, writes the table."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.bench import CORPUS, StepFailedError, prepared
from corpus.cases import SUITES, UnknownCaseError, choose, parse_cases
from corpus.engine import Engine
from corpus.picture import pictures
from corpus.records import Records, digest_of
from corpus.run import PARTS, Choices, run_case, summary
from corpus.table import render

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROOT = CORPUS.parents[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; exit 1 where a case fails that gives no reason for it."""
    choices = _parser().parse_args(arguments)
    text = (CORPUS / "cases.json").read_text(encoding="utf-8")
    suites = choices.suite or ["bookworm"]
    try:
        cases = {suite: choose(parse_cases(text, suite), choices.case) for suite in suites}
    except UnknownCaseError as error:
        sys.exit(str(error))
    if choices.list:
        for case in cases[suites[0]]:
            print(f"{case.name:16} {case.kind}")
        return 0
    tool = digest_of(_ROOT / "src" / "multistage_docker")
    todo = Choices(tuple(choices.parts or PARTS), again=choices.again, keep=choices.keep)
    failed = 0
    if not choices.table:
        with tempfile.TemporaryDirectory() as folder:
            wheel = _wheel(Path(folder))
            for suite in suites:
                with prepared(Engine(choices.docker or _client()), suite, wheel, tool) as bench:
                    records = Records(choices.results / f"{suite}.json", tool)
                    records.describe(suite=suite, date=dt.datetime.now(dt.timezone.utc).date().isoformat())
                    for case in cases[suite]:
                        failed += not summary(case, run_case(case, bench, records, todo))
    write_pages(choices.results, text)
    return 1 if failed else 0


def write_pages(results: Path, cases_text: str) -> None:
    """Write the table and the pictures of the results that are there."""
    (results / "README.md").write_text(render(results, cases_text), encoding="utf-8")
    for path in sorted(results.glob("*.json")):
        for name, (_, picture) in pictures(json.loads(path.read_text(encoding="utf-8"))).items():
            (results / name).write_text(picture, encoding="utf-8")


def _client() -> str:
    finder = _ROOT / "tests" / "image" / "docker-engine"
    return subprocess.run([finder], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def _wheel(folder: Path) -> Path:
    argv = (
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(folder),
        str(_ROOT),
    )
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    (built,) = folder.iterdir()
    return built


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m corpus", description=__doc__)
    parser.add_argument("case", nargs="*", help="names of cases; all where none is given")
    parser.add_argument("--suite", action="append", choices=SUITES, help="repeatable; bookworm")
    parser.add_argument("--part", dest="parts", action="append", choices=PARTS, help="repeatable; all")
    parser.add_argument(
        "--again", action="store_true", help="do what has a result for this version once more"
    )
    parser.add_argument("--keep", action="store_true", help="keep the builder images")
    parser.add_argument("--list", action="store_true", help="print the cases and stop")
    parser.add_argument("--table", action="store_true", help="only write table and pictures from the results")
    parser.add_argument("--results", type=Path, default=CORPUS / "results", help="where results are kept")
    parser.add_argument("--docker", default="", help="the docker client; by default one that drives BuildKit")
    return parser


if __name__ == "__main__":
    # So that a stopped run takes the docker client that it waits for with it, and removes its tools.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        sys.exit(main())
    except StepFailedError as error:
        sys.exit(f"corpus: {error}")
