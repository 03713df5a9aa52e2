"""File name -> package: Policy's names, Contents indexes, lists of debs."""

from __future__ import annotations

import pytest

from multistage_docker.debian.contents import Library, candidate_names, packages_shipping, ships

DIRECTORIES = ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib")


@pytest.mark.parametrize(
    ("soname", "package"),
    [
        ("libGL.so.1", "libgl1"),
        ("libEGL.so.1", "libegl1"),
        ("libgomp.so.1", "libgomp1"),
        ("libstdc++.so.6", "libstdc++6"),
        ("libpango-1.0.so.0", "libpango-1.0-0"),
        ("libdb-5.3.so", "libdb-5.3"),
        ("libldap_r-2.4.so.2", "libldap-r-2.4-2"),
        ("libMagickWand-6.Q16.so.6", "libmagickwand-6.q16-6"),
        ("/opt/lib/libfoo.so.1.2", "libfoo1.2"),
    ],
)
def test_the_first_guess_is_policys_name(soname: str, package: str) -> None:
    """Debian Policy 8.1, with its examples."""
    assert candidate_names(soname)[0] == package


def test_guesses_have_the_endings_of_transitions_and_the_older_spelling() -> None:
    """Trixie has libglib2.0-0t64, bookworm libglib2.0-0, and some C++ libraries end in v5."""
    names = candidate_names("libglib-2.0.so.0")
    assert names[0] == "libglib-2.0-0"
    assert {"libglib2.0-0", "libglib2.0-0t64"} <= set(names)
    assert "libboost1v5" in candidate_names("libboost.so.1")


@pytest.mark.parametrize("name", ["", "libfoo", "foo.dll", "libfoo.dylib", ".so.1"])
def test_what_is_no_soname_has_no_names(name: str) -> None:
    """Nothing can be guessed from it."""
    assert candidate_names(name) == ()


INDEX = b"""\
bin/busybox                                             shells/busybox,shells/busybox-static
lib/x86_64-linux-gnu/libz.so.1                          libs/zlib1g
usr/lib/libexotic.so.2                                  contrib/libs/libexotic2
usr/lib/program/x86_64-linux-gnu/libGL.so.1             games/program
usr/lib/x86_64-linux-gnu/a directory/libGL.so.1         games/spaces
usr/lib/x86_64-linux-gnu/libGL.so.1                     libs/libgl1
usr/lib/x86_64-linux-gnu/libGL.so.1.7.0                 libs/libgl1
usr/lib/x86_64-linux-gnu/libavcodec.so.59               libs/libavcodec59,libs/libavcodec-extra59
usr/lib/x86_64-linux-gnu/libmagic.so                    libdevel/libmagic-dev
usr/lib/x86_64-linux-gnu/libmagic.so.1                  libs/libmagic1
usr/lib/x86_64-linux-gnu/with space.so.1\tlibs/strange
usr/share/doc/libGL.so.1                                doc/no-library
"""


@pytest.mark.parametrize("size", [7, 100, 1 << 20])
def test_an_index_is_read_in_pieces_of_any_size(size: int) -> None:
    """Lines that stand in two pieces are read as well; a private directory does not count."""
    chunks = [INDEX[start : start + size] for start in range(0, len(INDEX), size)]
    asked = ("libGL.so.1", "libz.so.1", "libexotic.so.2", "libavcodec.so.59", "magic", "libnowhere.so.7")
    found = packages_shipping(chunks, [Library(name) for name in asked], DIRECTORIES)
    assert {library.name: packages for library, packages in found.items()} == {
        "libGL.so.1": ("libgl1",),
        "libz.so.1": ("zlib1g",),
        "libexotic.so.2": ("libexotic2",),
        "libavcodec.so.59": ("libavcodec-extra59", "libavcodec59"),
        "magic": ("libmagic1",),
    }


def test_a_path_may_have_spaces() -> None:
    """The packages stand behind the last white space."""
    found = packages_shipping([INDEX], [Library("with space.so.1")], DIRECTORIES)
    assert list(found.values()) == [("strange",)]


@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n\n", b"libGL.so.1\n", b"\xff\xfe libGL.so.1\n", b"FILE LOCATION\n"],
    ids=["empty", "lines", "no package", "no text", "header"],
)
def test_what_is_no_index_finds_nothing(content: bytes) -> None:
    """A header, or anything that came in the index's place."""
    assert packages_shipping([content], [Library("libGL.so.1")], DIRECTORIES) == {}


def test_reading_stops_behind_the_libraries() -> None:
    """Two thirds of an index are /usr/share: they are never unpacked."""
    taken = []

    def chunks() -> object:
        for number in range(100):
            taken.append(number)
            yield b"usr/share/%03d  doc/some\n" % number

    assert packages_shipping(chunks(), [Library("libGL.so.1")], DIRECTORIES) == {}  # type: ignore[arg-type]
    assert taken == [0]


LISTING = """\
drwxr-xr-x root/root         0 2023-01-03 13:48 ./usr/lib/x86_64-linux-gnu/libGL.so.1/
-rw-r--r-- root/root    542880 2023-01-03 13:48 ./usr/lib/x86_64-linux-gnu/libGL.so.1.7.0
lrwxrwxrwx root/root         0 2023-01-03 13:48 ./usr/lib/x86_64-linux-gnu/libEGL.so.1 -> libEGL.so.1.7.0
-rw-r--r-- root/root    542880 2023-01-03 13:48 ./usr/lib/x86_64-linux-gnu/blas/libblas.so.3
-rw-r--r-- root/root    542880 2023-01-03 13:48 ./usr/lib/x86_64-linux-gnu/libmagic.so.1.0.0
lrwxrwxrwx root/root         0 2023-01-03 13:48 ./usr/lib/x86_64-linux-gnu/libmagic.so.1 -> libmagic.so.1.0.0
"""


@pytest.mark.parametrize(
    ("name", "below", "expected"),
    [
        ("libEGL.so.1", False, True),
        ("libGL.so.1.7.0", False, True),
        ("libEGL.so.1.7.0", False, False),
        ("libblas.so.3", False, False),
        ("libblas.so.3", True, True),
        ("magic", False, True),
        ("agic", False, False),
    ],
)
def test_a_debs_own_list_confirms(name: str, below: bool, expected: bool) -> None:  # noqa: FBT001 - parameters
    """A link counts as the file does; a subdirectory where update-alternatives chooses from it."""
    assert ships(LISTING, Library(name), DIRECTORIES, below=below) is expected
