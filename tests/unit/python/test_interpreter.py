"""The interpreter of a tree, by its pyvenv.cfg, and whether it fits."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from multistage_docker.python.interpreter import (
    Interpreter,
    Misfit,
    interpreter_of,
    is_libpython,
    misfits,
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Give an empty directory whose path has no link in it."""
    return Path(os.path.realpath(tmp_path))


def python(place: Path, name: str = "python3.11") -> Path:
    """Make an installation that looks like Python's."""
    program = place / "opt/bin" / name
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text("")
    return program


def virtualenv(place: Path, program: Path | None, settings: str = "") -> Path:
    """Make a virtualenv whose interpreter is a link to a program."""
    tree = place / "app"
    (tree / "bin").mkdir(parents=True)
    if program:
        for name in ("python", "python3"):
            (tree / "bin" / name).symlink_to(program)
    home = program.parent if program else place / "opt/bin"
    (tree / "pyvenv.cfg").write_text(f"home = {home}\n{settings}")
    return tree


@pytest.mark.parametrize("below", ["", "lib", "lib/python3.11/site-packages/demo/ext.so"])
def test_a_virtualenv_at_or_above_the_path(place: Path, below: str) -> None:
    """The virtualenv around a path tells its interpreter, links resolved."""
    program = python(place)
    tree = virtualenv(place, program)
    assert interpreter_of(str(tree / below)) == Interpreter(str(program), str(place / "opt"))


def test_home_serves_where_bin_is_gone(place: Path) -> None:
    """Without bin/python the home directory's python3 is taken."""
    python(place, "python3")
    assert interpreter_of(str(virtualenv(place, None))) == Interpreter(
        str(place / "opt/bin/python3"), str(place / "opt")
    )


def test_a_copied_interpreter(place: Path) -> None:
    """A copy in the virtualenv has its library where it was copied from."""
    tree = virtualenv(place, python(place))
    (tree / "bin/python").unlink()
    (tree / "bin/python").write_text("")
    assert interpreter_of(str(tree)) == Interpreter(str(tree / "bin/python"), str(place / "opt"))


def test_an_interpreter_that_does_not_exist(place: Path) -> None:
    """A virtualenv whose interpreter is gone has none; another one on PATH is no replacement."""
    assert interpreter_of(str(virtualenv(place, None))) is None


def test_without_a_virtualenv_python3_on_path(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other tree is run by the python3 on PATH, where there is one."""
    program = python(place, "python3")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    assert interpreter_of(str(place)) == Interpreter(str(program), str(place / "opt"))
    monkeypatch.setenv("PATH", str(place))
    assert interpreter_of(str(place)) is None


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"home = /opt\0/bin\n", id="NUL"),
        pytest.param(b"\xff\xfe\x00", id="binary"),
        pytest.param(b"home\n = \n", id="no value"),
    ],
)
def test_hostile_settings(place: Path, content: bytes) -> None:
    """A pyvenv.cfg of any bytes does no harm."""
    (place / "pyvenv.cfg").write_bytes(content)
    interpreter_of(str(place))
    assert misfits([str(place / "pyvenv.cfg")]) == ()


def test_settings_that_would_block_are_not_opened(place: Path) -> None:
    """A FIFO in the place of pyvenv.cfg does not stop the run."""
    os.mkfifo(place / "pyvenv.cfg")
    interpreter_of(str(place))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("libpython3.11.so.1.0", True),
        ("libpython3.13t.so.1.0", True),
        ("libpython3.so", True),
        ("libpython2.7.so.1.0", True),
        ("libpython.so", False),
        ("mylibpython3.11.so", False),
        ("libpython3-stub.so", False),
    ],
)
def test_is_libpython(name: str, expected: bool) -> None:  # noqa: FBT001
    """Python's own library is told by its name."""
    assert is_libpython(name) is expected


def test_what_an_interpreter_owns() -> None:
    """Only libpython below the installation's prefix belongs to it."""
    interpreter = Interpreter("/usr/local/bin/python3.11", "/usr/local")
    assert interpreter.owns("/usr/local/lib/libpython3.11.so.1.0")
    assert not interpreter.owns("/usr/localx/lib/libpython3.11.so.1.0")
    assert not interpreter.owns("/usr/local/lib/libfoo.so")
    assert Interpreter("/python", "/").owns("/lib/libpython3.so")


@pytest.mark.parametrize(
    ("settings", "program", "version"),
    [
        pytest.param("version = 3.11.2\n", "python3.11", None, id="same"),
        pytest.param("version = 3.12.1\n", "python3.11", "3.12", id="another version"),
        pytest.param("version_info = 3.12.1.final.0\n", "python3.11", "3.12", id="virtualenv's spelling"),
        pytest.param("version = 3.12.1\n", "pypy", None, id="name without a version"),
        pytest.param("", "python3.11", None, id="nothing said"),
    ],
)
def test_misfits(place: Path, settings: str, program: str, version: str | None) -> None:
    """An interpreter of another minor version than the virtualenv was made for is a misfit."""
    tree = virtualenv(place, python(place, program), settings)
    expected = () if version is None else (Misfit(str(tree), str(place / "opt/bin" / program), version),)
    assert misfits([str(tree / "pyvenv.cfg"), str(tree / "lib/x.py")]) == expected


def test_a_missing_interpreter_is_a_misfit(place: Path) -> None:
    """A virtualenv whose link leads nowhere is a misfit; one without links is none."""
    program = python(place)
    tree = virtualenv(place, program)
    program.unlink()
    assert misfits([str(tree / "pyvenv.cfg")]) == (Misfit(str(tree), str(program)),)
    assert misfits([str(virtualenv(place / "other", None) / "pyvenv.cfg")]) == ()


def test_a_copied_interpreter_needs_its_home(place: Path) -> None:
    """What venv --copies makes has a program, but the standard library stands where that came from."""
    tree = virtualenv(place, None, "version = 3.11.2\n")
    for name in ("python3", "python"):
        (tree / "bin" / name).touch()
    files = [str(tree / "pyvenv.cfg")]
    assert misfits(files) == (Misfit(str(tree), f"{place}/opt/bin/python3"),)
    (place / "opt/bin").mkdir(parents=True)
    (place / "opt/bin/python3").symlink_to(python(place))
    assert misfits(files) == ()


def test_every_name_of_the_interpreter_counts(place: Path) -> None:
    """Scripts begin with either of the two names."""
    tree = virtualenv(place, python(place))
    (tree / "bin/python3").unlink(missing_ok=True)
    (tree / "bin/python").unlink(missing_ok=True)
    (tree / "bin/python").symlink_to("/nonexistent/python3")
    assert misfits([str(tree / "pyvenv.cfg")]) == (Misfit(str(tree), "/nonexistent/python3"),)
