"""The loader module against glibc's ld.so, on real libraries that gcc builds for each hard case."""

from __future__ import annotations

import platform
import subprocess
from typing import TYPE_CHECKING

import pytest

from multistage_docker.elf.host import SystemHost
from support.elf_writer import EM_AARCH64, EM_X86_64, ElfFile
from support.ldso import differences, listed, loader_of_this_machine, platform_by_glibc

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.contract

RPATH, RUNPATH = "--disable-new-dtags", "--enable-new-dtags"


class Workshop:
    """A directory in which gcc builds libraries that hold nothing but what the loader reads."""

    def __init__(self, top: Path) -> None:
        self.top = top.resolve()
        self._source = self.top / "empty.c"
        self._source.write_text("")

    def build(self, name: str, *links: str, soname: str = "-", needs: tuple[str, ...] = ()) -> str:
        """Build a shared object; ``soname`` is its file name unless given, none where it is "".

        ``needs`` are the files of libraries, by path or as below the workshop; ``links`` go to ld.
        """
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soname = path.name if soname == "-" else soname
        options = [f"-Wl,{link}" for link in links]
        if soname:
            options.append(f"-Wl,-soname,{soname}")
        command = ("gcc", "-shared", "-nostdlib", "-Wl,--no-as-needed,--allow-shlib-undefined", *options)
        libraries = [str(self.top / need) for need in needs]
        subprocess.run((*command, "-o", str(path), str(self._source), *libraries), check=True)
        return str(path)

    def links_of(self, path: str, environment: dict[str, str] | None = None) -> dict[str, str]:
        """Return ld.so's answer after seeing that the loader module gives the same."""
        compared, wrong = differences(path, SystemHost(), environment=environment)
        assert compared
        assert wrong == []
        answer = listed(path, environment)
        return {name: found.removeprefix(f"{self.top}/") for name, found in answer.items()}


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    """Give each test a workshop of its own."""
    return Workshop(tmp_path)


def test_rpath_serves_the_libraries_of_libraries(shop: Workshop) -> None:
    """DT_RPATH of a file is searched for what its libraries need."""
    shop.build("deep/libb.so")
    shop.build("near/liba.so", needs=("deep/libb.so",))
    path = shop.build("ext.so", f"{RPATH},-rpath,$ORIGIN/near:$ORIGIN/deep", needs=("near/liba.so",))
    assert shop.links_of(path)["libb.so"] == "deep/libb.so"


def test_runpath_serves_only_its_own_file(shop: Workshop) -> None:
    """DT_RUNPATH of a file is not searched for what its libraries need."""
    shop.build("deep/libb.so")
    shop.build("near/liba.so", needs=("deep/libb.so",))
    path = shop.build("ext.so", f"{RUNPATH},-rpath,$ORIGIN/near:$ORIGIN/deep", needs=("near/liba.so",))
    assert shop.links_of(path) == {"liba.so": "near/liba.so", "libb.so": ""}


def test_runpath_switches_the_inherited_rpath_off(shop: Workshop) -> None:
    """A library with a DT_RUNPATH does not profit from its loader's DT_RPATH."""
    shop.build("deep/libb.so")
    shop.build("near/liba.so", f"{RUNPATH},-rpath,/nowhere", needs=("deep/libb.so",))
    path = shop.build("ext.so", f"{RPATH},-rpath,$ORIGIN/near:$ORIGIN/deep", needs=("near/liba.so",))
    assert shop.links_of(path)["libb.so"] == ""


def test_rpath_passes_through_a_library_with_runpath(shop: Workshop) -> None:
    """The chain of DT_RPATH goes on behind a library that has a DT_RUNPATH itself."""
    shop.build("deep/libc1.so")
    shop.build("mid/libb.so", needs=("deep/libc1.so",))
    shop.build("near/liba.so", f"{RUNPATH},-rpath,$ORIGIN/../mid", needs=("mid/libb.so",))
    path = shop.build("ext.so", f"{RPATH},-rpath,$ORIGIN/near:$ORIGIN/deep", needs=("near/liba.so",))
    assert shop.links_of(path)["libc1.so"] == "deep/libc1.so"


def test_the_nearest_rpath_wins(shop: Workshop) -> None:
    """A library's own DT_RPATH is searched before its loader's."""
    shop.build("one/libb.so")
    shop.build("two/libb.so")
    shop.build("near/liba.so", f"{RPATH},-rpath,$ORIGIN/../two", needs=("two/libb.so",))
    path = shop.build("ext.so", f"{RPATH},-rpath,$ORIGIN/near:$ORIGIN/one", needs=("near/liba.so",))
    assert shop.links_of(path)["libb.so"] == "two/libb.so"


def test_origin_is_where_a_directory_link_leads(shop: Workshop) -> None:
    """$ORIGIN/.. goes up from the real directory, not from the link that the library was found through."""
    shop.build("real/libs/libb.so")
    shop.build("libs/libb.so")
    shop.build("real/sub/liba.so", f"{RUNPATH},-rpath,$ORIGIN/../libs", needs=("libs/libb.so",))
    (shop.top / "sub").symlink_to("real/sub")
    path = shop.build("ext.so", f"{RUNPATH},-rpath,$ORIGIN/sub", needs=("real/sub/liba.so",))
    assert shop.links_of(path)["libb.so"] == "real/libs/libb.so"


def test_origin_is_where_a_file_link_stands(shop: Workshop) -> None:
    """$ORIGIN of a library that is a symbolic link itself is the link's directory."""
    shop.build("here/libb.so")
    shop.build("there/libb.so")
    shop.build("there/liba.so", f"{RUNPATH},-rpath,$ORIGIN", needs=("there/libb.so",))
    (shop.top / "here/liba.so").symlink_to("../there/liba.so")
    path = shop.build("ext.so", f"{RUNPATH},-rpath,$ORIGIN/here", needs=("there/liba.so",))
    assert shop.links_of(path)["libb.so"] == "here/libb.so"


@pytest.mark.parametrize(
    ("entry", "directory"),
    [
        pytest.param("$ORIGIN/$LIB", f"lib/{platform.machine()}-linux-gnu", id="LIB"),
        pytest.param("${ORIGIN}/${LIB}", f"lib/{platform.machine()}-linux-gnu", id="braces"),
        pytest.param("$ORIGIN/$PLATFORM", platform_by_glibc(), id="PLATFORM"),
        pytest.param("$ORIGIN/x${PLATFORM}y", f"x{platform_by_glibc()}y", id="inside a word"),
        pytest.param("$ORIGIN/$PLATFORM_x", "$PLATFORM_x", id="underscore behind"),
        pytest.param("$ORIGIN/$LIBS", "$LIBS", id="longer word"),
        pytest.param("$ORIGIN/$FOO", "$FOO", id="unknown word"),
        pytest.param("$ORIGIN/${LIB", "${LIB", id="open brace"),
        pytest.param("$ORIGIN/a/../b//c/", "b/c", id="dots and slashes"),
    ],
)
def test_tokens(shop: Workshop, entry: str, directory: str) -> None:
    """A token in a search path is expanded, or left alone, just as ld.so does."""
    shop.build(f"{directory}/liba.so")
    (shop.top / "a").mkdir()
    path = shop.build("ext.so", f"{RUNPATH},-rpath,{entry}", needs=(f"{directory}/liba.so",))
    assert shop.links_of(path)["liba.so"] == f"{directory}/liba.so"


def test_a_hardware_level_directory_is_searched_first(shop: Workshop) -> None:
    """glibc-hwcaps below a search path wins over the path itself, where the processor has that level."""
    level = SystemHost().processor.levels
    if not level:
        pytest.skip("this processor has no glibc-hwcaps level")
    shop.build("libs/liba.so")
    shop.build(f"libs/glibc-hwcaps/{level[-1]}/liba.so")
    path = shop.build("ext.so", f"{RUNPATH},-rpath,$ORIGIN/libs", needs=("libs/liba.so",))
    assert shop.links_of(path)["liba.so"] == f"libs/glibc-hwcaps/{level[-1]}/liba.so"


def test_hardware_levels_are_those_that_glibc_searches() -> None:
    """The levels read from /proc/cpuinfo are those that ``ld.so --help`` calls supported."""
    text = subprocess.run(
        (loader_of_this_machine(), "--help"), capture_output=True, check=True, text=True
    ).stdout
    _, _, section = text.partition("Subdirectories of glibc-hwcaps directories")
    lines = section.partition("\n\n")[0].splitlines()
    expected = tuple(line.split()[0] for line in lines if "(supported, searched)" in line)
    assert SystemHost().processor.levels == expected


def test_a_name_that_is_no_soname(shop: Workshop) -> None:
    """A library is found by its file name, whatever its SONAME says."""
    shop.build("libs/liba.so.1.0.0", soname="")
    path = shop.build(
        "ext.so", f"{RUNPATH},-rpath,$ORIGIN/libs", "-L" + str(shop.top / "libs"), "-l:liba.so.1.0.0"
    )
    shop.build("libs/liba.so.1.0.0", soname="liba.so.1")
    assert shop.links_of(path)["liba.so.1.0.0"] == "libs/liba.so.1.0.0"


def test_no_default_directories(shop: Workshop) -> None:
    """DF_1_NODEFLIB shuts out the default directories, and what the cache holds of them."""
    path = shop.build("ext.so", "-z,nodefaultlib", "-l:libm.so.6", "-l:libc.so.6")
    assert shop.links_of(path)["libm.so.6"] == ""


def test_default_directories(shop: Workshop) -> None:
    """Without a search path a library comes from the cache or the default directories."""
    path = shop.build("ext.so", "-l:libm.so.6", "-l:libc.so.6")
    assert shop.links_of(path)["libm.so.6"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(ElfFile(bits=32).content(), id="class"),
        pytest.param(
            ElfFile(machine=EM_AARCH64 if platform.machine() == "x86_64" else EM_X86_64).content(),
            id="machine",
        ),
    ],
)
def test_a_library_for_another_machine_is_passed_by(shop: Workshop, content: bytes) -> None:
    """ld.so skips a file of the wrong class or machine and goes on searching."""
    (shop.top / "first").mkdir()
    (shop.top / "first/liba.so").write_bytes(content)
    shop.build("second/liba.so")
    path = shop.build("ext.so", f"{RUNPATH},-rpath,$ORIGIN/first:$ORIGIN/second", needs=("second/liba.so",))
    assert shop.links_of(path)["liba.so"] == "second/liba.so"


def test_a_loaded_library_meets_the_name_of_its_soname(shop: Workshop) -> None:
    """A name is met by a library that is there already, when that is its SONAME."""
    shop.build("one/liba.so")
    shop.build("two/libb.so", needs=("one/liba.so",))
    path = shop.build(
        "ext.so", f"{RUNPATH},-rpath,$ORIGIN/one:$ORIGIN/two", needs=("one/liba.so", "two/libb.so")
    )
    assert shop.links_of(path)["liba.so"] == "one/liba.so"


def test_a_library_is_loaded_after_one_that_lacks_it(shop: Workshop) -> None:
    """A name that was not found for one library is looked for again for the next."""
    shop.build("deep/libc1.so")
    shop.build("one/liba.so", needs=("deep/libc1.so",))
    shop.build("one/libb.so", f"{RUNPATH},-rpath,$ORIGIN/../deep", needs=("deep/libc1.so",))
    path = shop.build("ext.so", f"{RUNPATH},-rpath,$ORIGIN/one", needs=("one/libb.so", "one/liba.so"))
    assert shop.links_of(path)["libc1.so"] == "deep/libc1.so"


def test_a_file_name_alone_does_not_meet_a_need(shop: Workshop) -> None:
    """A loaded file without SONAME does not meet a need for its file name off every search path."""
    shop.build("ext.so", soname="ext.so")
    shop.build("libs/liba.so", needs=("ext.so",))
    path = shop.build("ext.so", f"{RUNPATH},-rpath,$ORIGIN/libs", soname="", needs=("libs/liba.so",))
    assert shop.links_of(path)["ext.so"] == ""


def test_a_file_named_otherwise_than_its_soname_meets_its_soname_only(shop: Workshop) -> None:
    """A loaded file does not meet a need for its file name when its SONAME is another."""
    shop.build("ext.so", soname="ext.so")
    shop.build("libs/liba.so", needs=("ext.so",))
    path = shop.build("ext.so", f"{RUNPATH},-rpath,$ORIGIN/libs", soname="other.so", needs=("libs/liba.so",))
    assert shop.links_of(path)["ext.so"] == ""


def test_a_name_with_a_slash_is_a_path(shop: Workshop) -> None:
    """A needed name with a slash is opened as it is, and not searched for."""
    shop.build("libs/liba.so", soname="")
    path = shop.build("ext.so", needs=("libs/liba.so",))
    assert shop.links_of(path) == {f"{shop.top}/libs/liba.so": "libs/liba.so"}


def test_library_path_comes_between_rpath_and_runpath(shop: Workshop) -> None:
    """LD_LIBRARY_PATH goes before DT_RUNPATH and after DT_RPATH."""
    for directory in ("own", "environment"):
        shop.build(f"{directory}/liba.so")
    environment = {"LD_LIBRARY_PATH": str(shop.top / "environment")}
    old = shop.build("old.so", f"{RPATH},-rpath,$ORIGIN/own", needs=("own/liba.so",))
    new = shop.build("new.so", f"{RUNPATH},-rpath,$ORIGIN/own", needs=("own/liba.so",))
    assert shop.links_of(old, environment)["liba.so"] == "own/liba.so"
    assert shop.links_of(new, environment)["liba.so"] == "environment/liba.so"


def test_an_empty_search_path_entry_finds_nothing_here(shop: Workshop) -> None:
    """An empty entry means the current directory, which is no place of the final image's."""
    shop.build("libs/liba.so")
    path = shop.build("ext.so", f"{RUNPATH},-rpath,:$ORIGIN/libs:", needs=("libs/liba.so",))
    assert shop.links_of(path)["liba.so"] == "libs/liba.so"
