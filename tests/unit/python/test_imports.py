"""Which modules of a tree no other module imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from multistage_docker.python.imports import unimported

if TYPE_CHECKING:
    from pathlib import Path

WANTED = "paint/backends/gtk.py"


@pytest.mark.parametrize(
    ("path", "source", "is_imported"),
    [
        ("other.py", "import paint.backends.gtk\n", True),
        ("other.py", "from paint.backends import gtk\n", True),
        ("paint/__init__.py", "from .backends import gtk as toolkit\n", True),
        ("paint/backends/__init__.py", "from . import gtk\n", True),
        ("paint/backends/extra/deep.py", "from .. import gtk\n", True),
        ("paint/backends/extra/deep.py", "from ..gtk import draw\n", True),
        ("other.py", "importlib.import_module('paint.backends.gtk')\n", True),
        ("paint/backends/__init__.py", "NAMES = ('gtk', 'qt')\n", True),
        ("paint-1.dist-info/entry_points.txt", "[paint]\ngtk = paint.backends.gtk:main\n", True),
        ("other.py", "from elsewhere import gtk\n", False),
        ("other.py", "# paint.backends.gtk is for those who ask for it\n", False),
        ("paint/backends.py", "from elsewhere.backends import gtk\n", False),
        ("other.py", "import paint.backends.gtk as\n", False),
        (WANTED, "import paint.backends.gtk\n", False),
    ],
)
def test_who_imports_a_module(tmp_path: Path, path: str, source: str, *, is_imported: bool) -> None:
    """An import counts in whatever form, and so does a string that names the module; a mention does not."""
    site = tmp_path / "site-packages"
    for name, content in ((WANTED, ""), (path, source)):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(content)
    files = [str(site / WANTED), str(site / path)]
    assert unimported(files[:1], files, jobs=1) == (frozenset() if is_imported else {files[0]})


def test_what_people_run(tmp_path: Path) -> None:
    """A package, a module at the top and a file outside of site-packages are there to be imported."""
    site = tmp_path / "site-packages"
    paths = [str(site / "paint/__init__.py"), str(site / "top.py"), str(tmp_path / "script.py")]
    assert unimported(paths, paths, jobs=1) == frozenset()
