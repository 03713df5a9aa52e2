"""Python source: the libraries that it opens by name, in the shapes that packages have."""

from __future__ import annotations

import pickle
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multistage_docker.python.source import (
    MOST_BYTES,
    How,
    home,
    is_product,
    may_open,
    module_name,
    opened_names,
)

# Source, and the alternatives of each purpose that it has on Linux.
SHAPES = {
    "ctypes by its full name": (
        'import ctypes\nlib = ctypes.CDLL("libusb-1.0.so.0")\n',
        [("libusb-1.0.so.0",)],
    ),
    "PyDLL under another name": (
        'from ctypes import PyDLL as Opened\nOpened("libfoo.so.2", mode=1)\n',
        [("libfoo.so.2",)],
    ),
    "star import": ('from ctypes import *\nCDLL("libfoo.so.2")\n', [("libfoo.so.2",)]),
    "LoadLibrary of a renamed module": (
        'import ctypes as c\nc.cdll.LoadLibrary("libfoo.so.2")\n',
        [("libfoo.so.2",)],
    ),
    "a keyword argument": ('import ctypes\nctypes.CDLL(name="libfoo.so.2")\n', [("libfoo.so.2",)]),
    "an opener in a variable": (
        'import ctypes\nopened = ctypes.CDLL\nopened("libfoo.so.2")\n',
        [("libfoo.so.2",)],
    ),
    "an absolute path": (
        'import ctypes\nctypes.CDLL("/usr/lib/odd/libfoo.so.2")\n',
        [("/usr/lib/odd/libfoo.so.2",)],
    ),
    "find_library alone (psycopg)": (
        """
        import ctypes.util, os
        def path():
            if os.name == "nt":
                return ctypes.util.find_library("libpq.dll")
            return ctypes.util.find_library("pq")
        """,
        [("pq",)],
    ),
    "find_library by an alias of its module": (
        'from ctypes import util as finder\nname = finder.find_library("zbar")\n',
        [("zbar",)],
    ),
    "found, then opened: one purpose": (
        (
            "from ctypes import CDLL\n"
            "from ctypes.util import find_library\n"
            'path = find_library("magic") or find_library("magic1") or "libmagic.so.1"\n'
            "library = CDLL(path)\n"
        ),
        [("magic", "magic1", "libmagic.so.1")],
    ),
    "a generator of candidates (python-magic)": (
        """
        import ctypes, sys
        from ctypes.util import find_library

        def candidates():
            yield find_library("magic")
            if sys.platform == "darwin":
                yield "/opt/local/lib/libmagic.dylib"
            elif sys.platform in ("win32", "cygwin"):
                for each in ("libmagic", "magic1", "cygmagic-1"):
                    yield find_library(each)
            elif sys.platform == "linux":
                yield "libmagic.so.1"

        def load():
            for name in candidates():
                if name is None:
                    continue
                try:
                    return ctypes.CDLL(name)
                except OSError:
                    pass
            raise ImportError
        """,
        [("magic", "libmagic.so.1")],
    ),
    "one of several in a try statement": (
        """
        import ctypes
        try:
            library = ctypes.CDLL("libfoo.so.3")
        except OSError:
            library = ctypes.CDLL("libfoo.so.2")
        """,
        [("libfoo.so.3", "libfoo.so.2")],
    ),
    "one of several by return": (
        """
        import ctypes
        def load():
            try:
                return ctypes.CDLL("libfoo.so.3")
            except OSError:
                return ctypes.CDLL("libfoo.so.2")
        """,
        [("libfoo.so.3", "libfoo.so.2")],
    ),
    "the first of a list that opens (sounddevice)": (
        """
        from ctypes.util import find_library as find
        from _binding import ffi
        for name in ("portaudio", "bin\\\\libportaudio-2.dll", "lib/libportaudio.dylib"):
            name = find(name)
            if name is not None:
                break
        library = ffi.dlopen(name)
        """,
        [("portaudio",)],
    ),
    "every library of a list": (
        """
        import ctypes
        for name in ["libfirst.so.1", "libsecond.so.2"]:
            ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
        """,
        [("libfirst.so.1",), ("libsecond.so.2",)],
    ),
    "a wrapper around cffi (weasyprint)": (
        """
        import cffi
        ffi = cffi.FFI()

        def _dlopen(ffi, *names, optional=False):
            for name in names:
                try:
                    return ffi.dlopen(name)
                except OSError:
                    pass
            return None if optional else ffi.dlopen(names[0])

        pango = _dlopen(
            ffi, "libpango-1.0-0", "pango-1.0", "libpango-1.0.so.0", "libpango-1.0.dylib", "libpango.dll"
        )
        harfbuzz = _dlopen(ffi, "libharfbuzz.so.0", optional=True)
        """,
        [("pango-1.0", "libpango-1.0.so.0"), ("libharfbuzz.so.0",)],
    ),
    "a tuple of names through two functions (cairocffi)": (
        """
        from ctypes.util import find_library
        def dlopen(ffi, library_names, filenames):
            for name in library_names:
                path = find_library(name)
                if path:
                    return ffi.dlopen(path)
            for filename in filenames:
                try:
                    return ffi.dlopen(filename)
                except OSError:
                    continue
            raise OSError
        cairo = dlopen(ffi, ("cairo-2", "cairo"), ("libcairo.so.2", "libcairo.2.dylib", "libcairo-2.dll"))
        """,
        [("cairo-2", "cairo", "libcairo.so.2")],
    ),
    "names by platform (pyvips)": (
        """
        import os, sys, cffi
        ffi = cffi.FFI()
        _windows = os.name == "nt"
        _mac = sys.platform == "darwin"
        if _windows:
            name = "libvips-42.dll"
        elif _mac:
            name = "libvips.42.dylib"
        else:
            name = "libvips.so.42"
        library = ffi.dlopen(name)
        """,
        [("libvips.so.42",)],
    ),
    "pairs of names that are put together (Wand)": (
        """
        import ctypes, ctypes.util, itertools, platform
        def paths():
            system = platform.system()
            versions = "", "-6"
            options = "", ".Q16"
            for version, option in itertools.product(versions, options):
                suffix = version + option
                if system == "Windows":
                    yield ctypes.util.find_library("CORE_RL_wand_" + suffix), None
                else:
                    wand = ctypes.util.find_library("MagickWand" + suffix)
                    core = ctypes.util.find_library("MagickCore" + suffix)
                    yield wand, core
        def load():
            for wand_path, core_path in paths():
                if wand_path is None:
                    continue
                wand = ctypes.CDLL(wand_path)
                core = ctypes.CDLL(core_path)
                return wand, core
        """,
        [
            ("MagickWand", "MagickWand.Q16", "MagickWand-6", "MagickWand-6.Q16"),
            ("MagickCore", "MagickCore.Q16", "MagickCore-6", "MagickCore-6.Q16"),
        ],
    ),
    "a table by platform": (
        """
        import ctypes, sys
        names = {"win32": "foo.dll", "darwin": "libfoo.dylib", "linux": "libfoo.so.1"}
        ctypes.CDLL(names[sys.platform])
        """,
        [("libfoo.so.1",)],
    ),
    "a class that opens (SDL)": (
        """
        from ctypes import CDLL
        from ctypes.util import find_library
        class Opened:
            def __init__(self, title, names, path=None):
                for name in names:
                    found = find_library(name)
                    if found:
                        self.library = CDLL(found)
                        break
        handle = Opened("SDL", ["SDL2", "SDL2-2.0"])
        """,
        [("SDL2", "SDL2-2.0")],
    ),
    "an opener as an argument (numba)": (
        """
        import ctypes, sys
        def locate():
            if sys.platform == "win32":
                opener, names = ctypes.WinDLL, ["nvcuda.dll"]
            else:
                opener = ctypes.CDLL
                names = ["libcuda.so", "libcuda.so.1"]
            return opener, names
        def load(opener, names):
            for name in names:
                try:
                    return opener(name)
                except OSError:
                    pass
        def driver():
            opener, names = locate()
            return load(opener, names)
        """,
        [("libcuda.so.1", "libcuda.so")],
    ),
    "another module's wrapper (pyglet, PyOpenGL, pyusb)": (
        """
        import pyglet
        from .loader import load_locate_library
        _x11 = pyglet.lib.load_library("X11")
        _gl = loaders.loadLibrary(ctypes.cdll, "GL", mode=1)
        _usb = load_locate_library(("usb-1.0", "libusb-1.0"), "cygusb-1.0.dll", "Libusb 1")
        """,
        [("X11",), ("GL",), ("usb-1.0",)],
    ),
    "another module's function that is named dlopen (cairocffi)": (
        """
        from . import dlopen, ffi
        pixbuf = dlopen(
            ffi, ("gdk_pixbuf-2.0", "libgdk_pixbuf-2.0-0"), ("libgdk_pixbuf-2.0.so.0", "libgdk_pixbuf.dylib")
        )
        """,
        [("gdk_pixbuf-2.0", "libgdk_pixbuf-2.0.so.0")],
    ),
    "another module's wrapper, nothing else (pyudev)": (
        'from ._library import load_ctypes_library\nload_ctypes_library("udev", {}, {})\n',
        [("udev",)],
    ),
    "a formatted name": (
        'import ctypes\nmajor = 3\nctypes.CDLL(f"libfoo.so.{major}")\nctypes.CDLL("lib%s.so.1" % "bar")\n',
        [("libfoo.so.3",), ("libbar.so.1",)],
    ),
    "a default of an environment variable": (
        'import ctypes, os\nctypes.CDLL(os.environ.get("FOO_LIBRARY", "libfoo.so.1"))\n',
        [("libfoo.so.1",)],
    ),
    "names that a class has": (
        """
        import ctypes
        class Loader:
            names = ["libfoo.so.1", "libfoo.so.0"]
            def load(self):
                for name in self.names:
                    try:
                        return ctypes.CDLL(name)
                    except OSError:
                        continue
        """,
        [("libfoo.so.1", "libfoo.so.0")],
    ),
    "names that an object has": (
        """
        import ctypes
        class Loader:
            def __init__(self):
                self.name = "libfoo.so.1"
            def load(self):
                return ctypes.CDLL(self.name)
        """,
        [("libfoo.so.1",)],
    ),
    "a parameter's default": (
        """
        import ctypes
        def load(name="libfoo.so.1", *, other="libbar.so.1"):
            one = ctypes.CDLL(name)
            two = ctypes.CDLL(other)
            return one, two
        """,
        [("libfoo.so.1",), ("libbar.so.1",)],
    ),
    "a parameter's default beside a call's argument": (
        'import ctypes\ndef load(name="libfoo.so.1"):\n    return ctypes.CDLL(name)\nload("libbar.so.1")\n',
        [("libfoo.so.1",), ("libbar.so.1",)],
    ),
    "the link of a development package comes last": (
        (
            'import ctypes\nfor name in ("libfoo.so", "libfoo.so.1"):\n'
            "    try:\n        ctypes.CDLL(name)\n        break\n    except OSError:\n        pass\n"
        ),
        [("libfoo.so.1", "libfoo.so")],
    ),
}

# Source that opens nothing of the system's on Linux.
SILENT = {
    "a comment and a text": '# ctypes.CDLL("libfoo.so.1")\ntext = \'ctypes.CDLL("libfoo.so.1")\'\n',
    "the process itself": "import ctypes\nctypes.CDLL(None)\n",
    "the package's own file": (
        "import ctypes, os\n"
        'ctypes.CDLL(os.path.join(os.path.dirname(__file__), "libown.so.1"))\n'
        'ctypes.CDLL("./libown.so.1")\nctypes.CDLL("sub/libown.so.1")\n'
    ),
    "a name that is not in the source": "import ctypes, sys\nctypes.CDLL(sys.argv[1])\n",
    "Windows, guarded": ('import ctypes, sys\nif sys.platform == "win32":\n    ctypes.CDLL("libfoo.so.1")\n'),
    "Windows by the start of its name": (
        'import ctypes, sys\nif sys.platform.startswith(("win", "cygwin")):\n    ctypes.CDLL("libfoo.so.1")\n'
    ),
    "behind the return of a guard": (
        "import ctypes, sys\ndef load():\n"
        '    if not sys.platform.startswith("win"):\n        return None\n'
        '    return ctypes.CDLL("libfoo.so.1")\n'
    ),
    "Windows' own loaders": (
        'import ctypes\nctypes.WinDLL("libfoo.so.1")\nctypes.windll.LoadLibrary("libfoo.so.1")\n'
    ),
    "other systems' names": (
        "import ctypes\nfrom ctypes.util import find_library\n"
        'ctypes.CDLL("foo.dll")\nctypes.CDLL("libfoo.dylib")\nfind_library("kernel32")\n'
        'find_library("CoreFoundation")\nfind_library("AudioUnit")\nctypes.CDLL("/System/Library/Frameworks/Foo.framework/Foo")\n'
    ),
    "only when run as a program": (
        'import ctypes\nif __name__ == "__main__":\n    ctypes.CDLL("libfoo.so.1")\n'
    ),
    "a compiler's method": 'compiler.find_library_file(dirs, "foo")\nself.find_library("foo")\n',
    "extension modules by their names": (
        'from package._raw import load_pycrypto_raw_lib\nload_pycrypto_raw_lib("package.Hash._MD5", "")\n'
    ),
    "numpy's loader of own libraries": ('import numpy\nnumpy.ctypeslib.load_library("_own", __file__)\n'),
    "a name without .so for dlopen": 'import ctypes\nctypes.CDLL("libfoo")\n',
}

_CALLS = "".join(f"    f{{}}('libfoo{number}.so.1')\n" for number in range(200))
HOSTILE = {
    "calls upon calls": (
        "import ctypes\ndef f4(x):\n    ctypes.CDLL(y)\n"
        + "".join(f"def f{number}(x):\n{_CALLS.replace('{}', str(number + 1))}" for number in range(4))
    ).encode(),
    "a syntax error": b'import ctypes\nctypes.CDLL("libfoo.so.1"',
    "Python 2": b'print "CDLL"\n',
    "NUL bytes": b"CDLL\0\0\n",
    "an unknown encoding": b"# coding: nonsense\nCDLL\n",
    "bytes of no encoding": b"CDLL = '\xff\xfe'\n",
    "deep parentheses": b"CDLL" + b"(" * 50_000 + b")" * 50_000,
    "a long sum": b'x = CDLL("' + b'" + "a'.join([b"a"] * 20_000) + b'")\n',
    "deep attributes": b"CDLL" + b".a" * 50_000 + b"\n",
    "a name made of itself": b"import ctypes\nx = x + y\ny = y + x\nctypes.CDLL(x + y)\n",
    "functions that call each other": (
        b"import ctypes\ndef f(x):\n    return g(x)\ndef g(x):\n    return f(x)\nctypes.CDLL(f('a'))\n"
    ),
    "a wide format": b"import ctypes\nctypes.CDLL('%999999999s' % 'x')\n",
    "a wide format, by its method": b"import ctypes\nctypes.CDLL('{:>999999999}'.format(1))\n",
    "an exploding product": (
        b"import ctypes\na = ''\n"
        + b"".join(b"a += x if x else '%d'\n" % number for number in range(200))
        + b"ctypes.CDLL(a)\n"
    ),
}


def alternatives(source: str) -> list[tuple[str, ...]]:
    """Return the alternatives of each purpose, by line."""
    return [opened.alternatives for opened in opened_names(dedent(source))]


@pytest.mark.parametrize(("source", "expected"), SHAPES.values(), ids=SHAPES)
def test_what_opens_a_library_is_found(source: str, expected: list[tuple[str, ...]]) -> None:
    """Each purpose counts once, with every name that serves it on Linux."""
    assert may_open(dedent(source).encode())
    assert alternatives(source) == expected


@pytest.mark.parametrize("source", SILENT.values(), ids=SILENT)
def test_what_opens_nothing_here_is_silent(source: str) -> None:
    """A false alarm would bring a needless package into an image."""
    assert alternatives(source) == []


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
def test_hostile_source_is_taken(source: bytes) -> None:
    """Nothing that a file may hold stops the search or makes it explode."""
    assert opened_names(source) == ()


def test_a_huge_file_is_not_read() -> None:
    """What is beyond the bound is data, not a program."""
    source = b'import ctypes\nctypes.CDLL("libfoo.so.1")\n'
    assert may_open(source)
    assert not may_open(source + b"#" * MOST_BYTES)
    assert opened_names(source + b"#" * MOST_BYTES) == ()


def test_the_place_and_the_way_are_said() -> None:
    """The report points at the line that opens the library."""
    source = 'import ctypes\n\n\nctypes.CDLL("libfoo.so.1")\nffi.dlopen("libbar.so.1")\n'
    assert [(opened.line, opened.how) for opened in opened_names(source)] == [(4, How.CDLL), (5, How.DLOPEN)]


@pytest.mark.parametrize(
    ("arguments", "is_optional"),
    [
        ("'foo', allow_fail=True", True),
        ("'foo', required=False", True),
        ("'foo', allow_fail=False", False),
        ("'foo', required=True", False),
        ("'foo', mode=True", False),
        ("'foo', allow_fail=given", False),
        ("'foo'", False),
    ],
)
def test_a_call_may_allow_for_a_library_that_is_gone(arguments: str, is_optional: bool) -> None:  # noqa: FBT001 - a parameter
    """Many wrappers take an argument that says so (weasyprint)."""
    source = f"""
    def load(ffi, name, allow_fail=False, required=True, mode=None):
        return ffi.dlopen(name)
    load(ffi, {arguments})
    """
    opened = opened_names(dedent(source))
    assert [(one.alternatives, one.is_optional) for one in opened] == [(("foo",), is_optional)]


@pytest.mark.parametrize(
    ("path", "name", "directory"),
    [
        ("/v/site-packages/top.py", "top", "/v/site-packages"),
        ("/v/site-packages/pkg/__init__.py", "pkg", "/v/site-packages/pkg"),
        ("/v/site-packages/pkg/mod.py", "pkg.mod", "/v/site-packages/pkg"),
        ("/v/site-packages/pkg/sub/__init__.py", "pkg.sub", "/v/site-packages/pkg"),
        ("/v/site-packages/pkg/sub/mod.py", "pkg.sub.mod", "/v/site-packages/pkg"),
        ("/site-packages/v/dist-packages/pkg/mod.py", "pkg.mod", "/site-packages/v/dist-packages/pkg"),
        ("/app/pkg/mod.py", "", "/app/pkg"),
    ],
)
def test_a_module_has_a_name_and_a_home(path: str, name: str, directory: str) -> None:
    """Both begin where the packages are."""
    assert (module_name(path), home(path)) == (name, directory)


def test_a_result_can_be_sent_between_processes() -> None:
    """A pool of processes reads a tree."""
    found = opened_names('import ctypes\nctypes.CDLL("libfoo.so.1")\n')
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301 - made one line above


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/venv/lib/python3.11/site-packages/magic/loader.py", True),
        ("/srv/tests/venv/lib/python3.11/site-packages/magic/loader.py", True),
        ("/venv/lib/python3.11/site-packages/numpy/tests/test_ctypeslib.py", False),
        ("/venv/lib/python3.11/site-packages/package/conftest.py", False),
        ("/venv/lib/python3.11/site-packages/package/testing/tools.py", False),
        ("/venv/lib/python3.11/site-packages/OpenGL/platform/darwin.py", False),
        ("/venv/lib/python3.11/site-packages/package/win32/api.py", False),
        ("/venv/lib/python3.11/site-packages/hooks/stdhooks/hook-gi.py", False),
        ("/app/source/program.py", True),
        ("/app/source/run-me.py", True),
        ("/app/source/setup.py", False),
    ],
)
def test_tests_and_other_systems_modules_are_no_product(path: str, expected: bool) -> None:  # noqa: FBT001 - a parameter
    """Only what a package does counts; where the tree stands does not matter."""
    assert is_product(path) is expected


_WORDS = [
    "CDLL",
    "ctypes",
    ".",
    "(",
    ")",
    "'libfoo.so.1'",
    "x",
    "=",
    "if",
    "def",
    "for",
    "in",
    ":",
    "return",
    "[",
    "]",
    ",",
    "+",
    "%",
    "yield",
    "find_library",
    "dlopen",
    "lambda",
    "*",
    "sys",
    "platform",
    "\n",
    "    ",
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(_WORDS), max_size=40).map(" ".join))
def test_any_source_is_taken(source: str) -> None:
    """Whatever the source is, the search ends with a result."""
    assert isinstance(opened_names(f"import ctypes, sys\n{source}\n"), tuple)
