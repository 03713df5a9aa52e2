"""A Report as text: each format, letter by letter."""

from __future__ import annotations

import json
from dataclasses import replace

from multistage_docker.elf.scan import Skip, SkippedFile
from multistage_docker.python.distributions import Distribution
from multistage_docker.rendering import as_json, plain, relative, tree
from multistage_docker.report import ListedPackage, Requirement
from support.reports import EVERYTHING, NOTHING, ROOT


def test_plain() -> None:
    """One package a line, foreign ones with their architecture."""
    assert plain(EVERYTHING) == "libpq5\nzlib1g:i386\n"


def test_plain_with_versions() -> None:
    """A pinned package is what apt-get installs in just that version."""
    assert plain(EVERYTHING, pin=True) == "libpq5=15.8-0+deb12u1\nzlib1g:i386=1:1.2.13\n"


def test_nothing_is_no_line() -> None:
    """An empty result is empty text in the formats for people."""
    assert plain(NOTHING) == ""
    assert tree(NOTHING) == ""


TREE = """\
libpq5 15.8-0+deb12u1
└── libpq.so.5
    ├── plugins/sql.so (plugin)
    └── site/_psycopg.so (psycopg2 2.9.10)
zlib1g:i386 1:1.2.13
├── liba.so
│   └── plugins/a.so (plugin)
└── libz.so.1
    └── plugins/a.so (plugin)
[missing]
├── libGL.so.1
│   ├── site/cv2.so (opencv-python 4.10)
│   └── site/other.so
└── libmysql.so
    └── plugins/sql.so (plugin)
[outside the package system]
└── libown.so
    └── site/own.so
[in the tree, but off the loader's path]
└── libcuda.so.1
    └── site/torch.so
"""


def test_tree() -> None:
    """Package, soname, file and distribution; then what no package was found for."""
    assert tree(EVERYTHING) == TREE


def test_tree_with_versions() -> None:
    """With versions pinned, a package's line is what apt-get takes."""
    assert tree(EVERYTHING, pin=True).startswith("libpq5=15.8-0+deb12u1\n└── libpq.so.5\n")


def test_colours() -> None:
    """Colours add escape sequences and change nothing else."""
    coloured = tree(EVERYTHING, colour=True)
    assert "\x1b[1mlibpq5\x1b[0m" in coloured
    for code in ("\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == TREE


def test_hostile_text_stays_on_its_line() -> None:
    """A file's, soname's or distribution's name can neither end a line nor drive a terminal."""
    hostile = Requirement("lib\n.so", "", f"{ROOT}/x\x1b[2J\udcff.so", Distribution("a\rb", "\x07"))
    lines = tree(replace(NOTHING, missing=(hostile,))).splitlines()
    assert lines == ["[missing]", "└── lib\\n.so", "    └── x\\x1b[2J\\udcff.so (a\\rb \\x07)"]


def test_json() -> None:
    """The whole document, as the schema has it."""
    need = Requirement("libpq.so.5", "/lib/libpq.so.5", "/app/a.so", Distribution("psycopg2", "2.9"))
    gone = Requirement("libGL.so.1", "", "/app/b.so", is_plugin=True)
    report = replace(
        NOTHING,
        packages=(ListedPackage("libpq5", "15.8", "amd64", (need,)),),
        missing=(gone,),
        skipped=(SkippedFile("/app/x.so", Skip.NOT_ELF),),
        files=3,
        objects=2,
    )
    need_document = {
        "soname": "libpq.so.5",
        "path": "/lib/libpq.so.5",
        "file": "/app/a.so",
        "distribution": {"name": "psycopg2", "version": "2.9"},
        "plugin": False,
        "kind": "needed",
        "line": None,
        "alternatives": [],
        "priority": None,
    }
    expected = {
        "schema_version": 1,
        "paths": ["/app"],
        "files": 3,
        "elf_files": 2,
        "packages": [
            {
                "name": "libpq5",
                "architecture": "amd64",
                "version": "15.8",
                "installed": True,
                "found": None,
                "plugins_only": False,
                "required_by": [need_document],
            }
        ],
        "missing": [
            {
                **need_document,
                "soname": "libGL.so.1",
                "path": None,
                "file": "/app/b.so",
                "distribution": None,
                "plugin": True,
            }
        ],
        "unpackaged": [],
        "preloaded": [],
        "interpreter": [],
        "skipped": [{"file": "/app/x.so", "reason": "not_elf", "detail": ""}],
    }
    document = json.loads(as_json(report))
    assert {key: document[key] for key in expected} == expected


def test_json_tells_a_foreign_architecture_apart_from_the_name() -> None:
    """The name is the package's own; its architecture stands beside it."""
    document = json.loads(as_json(EVERYTHING))
    assert [(item["name"], item["architecture"], item["plugins_only"]) for item in document["packages"]] == [
        ("libpq5", "amd64", False),
        ("zlib1g", "i386", True),
    ]


def test_json_holds_any_file_name() -> None:
    """A name that is no UTF-8 comes back from the document as it was."""
    report = replace(NOTHING, skipped=(SkippedFile("/app/\udcff\n.so", Skip.NOT_ELF),))
    assert json.loads(as_json(report))["skipped"][0]["file"] == "/app/\udcff\n.so"


def test_relative() -> None:
    """A path is shown from the root that it stands below, any other whole."""
    assert relative("/app/bin/x", ("/ap", "/app/")) == "bin/x"
    assert relative("/usr/lib/x", ("/app",)) == "/usr/lib/x"
    assert relative("/usr/lib/x", ("/",)) == "usr/lib/x"
