"""The results as a Markdown page: one table a suite, what differs, and the sums."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from corpus.cases import SUITES, parse_cases
from corpus.peers import TITLES
from corpus.picture import pictures
from corpus.verdict import problems

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from corpus.cases import Case
    from corpus.records import Record


_EXPLANATION = (
    "Made by `python -m corpus` ([how](../README.md)); not to be edited. kB is the sum of Installed-Size of "
    "all packages that the final image has and the slim image has not. ✗ stands for a case whose check fails."
)


def render(results: Path, cases_text: str) -> str:
    """Return the page for all suites that have results."""
    lines = ["# Results of the corpus", "", _EXPLANATION]
    for suite in SUITES:
        path = results / f"{suite}.json"
        if path.exists():
            document = json.loads(path.read_text(encoding="utf-8"))
            lines += ["", *_suite(document, parse_cases(cases_text, suite))]
    return "\n".join((*lines, ""))


def _suite(document: dict[str, Any], cases: dict[str, Case]) -> Iterator[str]:
    records = {name: document["cases"][name] for name in cases if name in document["cases"]}
    drawn = [f"![{label}]({name})" for name, (label, _) in pictures(document).items()]
    names = [name for name in TITLES if any(name in record.get("peers", {}) for record in records.values())]
    yield f"## {document['suite']}, {document['date']}"
    yield ""
    tools = {record["tool"] for record in records.values()}
    if len(tools) > 1:
        yield (
            f"**Interim:** the rows were got with {len(tools)} states of the commands' sources, named in the "
            'column "sources"; only rows of one state can be compared with each other.'
        )
        yield ""
    absent = [name for name in cases if name not in records]
    if absent:
        yield f"Without a result here: {', '.join(absent)}."
        yield ""
    for picture in drawn:
        yield picture
        yield ""
    header = [
        "case",
        "sources",
        "kind",
        "ELF files",
        "listed",
        "unresolved",
        "find-libdeps, s",
        "kB",
        "layers",
        "runs",
    ]
    yield _row([*header, *(f"{TITLES[name]}, kB" for name in names)])
    yield _row(["---"] * (len(header) + len(names)))
    for name, record in records.items():
        yield _row(
            [
                name,
                record["tool"],
                cases[name].kind,
                *_cells(record),
                *(_peer(record, peer) for peer in names),
            ]
        )
    yield ""
    yield from _sums(records, names)
    yield ""
    for name, record in records.items():
        for problem in problems(record):
            reason = f" ({cases[name].reason})" if cases[name].reason else ""
            yield f"- {name}: {_plain(problem)}{reason}"


def _cells(record: Record) -> list[str]:
    listed, final = record.get("list", {}), record.get("final", {})
    kilobytes = final.get("kilobytes")
    return [
        str(listed.get("elf_files", "")),
        " ".join(listed.get("packages", [])),
        " ".join(listed.get("unresolved", [])),
        str(listed.get("seconds", "")),
        "" if kilobytes is None else f"{kilobytes:,}",
        str(final.get("layers", "")),
        {True: "✓", False: "✗", None: ""}[final.get("runs")],
    ]


def _peer(record: Record, name: str) -> str:
    found = record.get("peers", {}).get(name)
    if found is None:
        return ""
    return f"{found['kilobytes']:,}" if found["runs"] else "✗"


def _sums(records: dict[str, Record], names: list[str]) -> Iterator[str]:
    glibc = [record["glibc"] for record in records.values() if "files" in record.get("glibc", {})]
    compared = [
        record["shlibdeps"] for record in records.values() if record.get("shlibdeps", {}).get("answers")
    ]
    proven = [record["needless"] for record in records.values() if "packages" in record.get("needless", {})]
    tried_by_all = [
        one for one in records.values() if names and all(name in one.get("peers", {}) for name in names)
    ]
    finals = [record["final"] for record in records.values() if "runs" in record.get("final", {})]
    if finals:
        running = [final for final in finals if final["runs"]]
        total = sum(final["kilobytes"] for final in running)
        yield f"- find-libdeps: {len(running)} of {len(finals)} cases run, with {total:,} kB of packages."
    count = len(tried_by_all)
    if count:
        running = [one["final"] for one in tried_by_all if one["final"]["runs"]]
        total = sum(final["kilobytes"] for final in running)
        yield (
            f"- Of the {count} cases that every way was tried on, find-libdeps: {len(running)} run, "
            f"with {total:,} kB; each way's kB below count only the cases that run with it."
        )
    for name in names:
        tried = [one["peers"][name] for one in tried_by_all]
        running = [one for one in tried if one["runs"]]
        total = sum(one["kilobytes"] for one in running)
        yield f"- {TITLES[name]}: {len(running)} of {len(tried)} cases run, with {total:,} kB of packages."
    if glibc:
        yield (
            f"- Against glibc, in {_sum(glibc, 'files')} files: {_sum(glibc, 'direct')} pairs of a file and "
            f"a soname that it needs, and {_sum(glibc, 'indirect')} of the libraries that they bring in: "
            f"{sum(len(one['differing']) for one in glibc):,} differences. "
            f"{_sum(glibc, 'not_found')} times neither finds a library; "
            f"in {_sum(glibc, 'preloaded')} of these it stands in the tree and is loaded beforehand, in "
            f"{_sum(glibc, 'inherited')} only the search path of the object that loads the file leads there."
        )
    if compared:
        whole = sum(one["runs_on_all"] for one in compared)
        differing = sum(bool(one["only_ours"] or one["only_theirs"]) for one in compared)
        yield (
            f"- Against dpkg-shlibdeps: {len(compared)} cases compared, {whole} of them whole, the others "
            f"without the files that it refuses: {differing} differ."
        )
    yield from _needs(proven)


def _needs(proven: list[Record]) -> Iterator[str]:
    packages = [package for one in proven for package in one["packages"]]
    needed = [package for package in packages if package.get("opened_only") is False]
    opened = [package for package in packages if package.get("opened_only")]
    unknown = len(packages) - len(needed) - len(opened)
    if needed:
        broken = sum(bool(package["broken"]) for package in needed)
        yield f"- {len(needed)} packages that ELF files need were removed one by one: {broken} broke a need."
    if opened:
        spare = {
            f"{item['package']} ({', '.join(item['opened_by'])})"
            for item in opened
            if item["check_runs_without"]
        }
        yield (
            f"- {len(opened)} packages are listed only for libraries that code opens by name. That removing "
            "one takes its library away proves no need; with that one alone removed, the case's check still "
            f"runs without these: {'; '.join(sorted(spare)) or 'none'}."
        )
    if unknown:
        yield f"- {unknown} packages were removed before these kinds were told apart: not counted as proven."


def _sum(results: list[Record], key: str) -> str:
    return f"{sum(one[key] for one in results):,}"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(_plain(cell) for cell in cells)} |"


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
