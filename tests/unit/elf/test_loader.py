"""The loader's rules on a made-up system, each with the libraries that tell right from wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from multistage_docker.elf.ldcache import CacheEntry, LoaderCache
from multistage_docker.elf.loader import Link, LoadedObject, Loader, Program
from multistage_docker.elf.platforms import PLATFORMS, Processor
from support.fakes import FakeHost, library

if TYPE_CHECKING:
    from multistage_docker.elf.objects import ElfObject

AMD64 = PLATFORMS[0]
SYSTEM = "/usr/lib/x86_64-linux-gnu"


def everything(_: str) -> bool:
    """Follow each path."""
    return True


def nothing(_: str) -> bool:
    """Follow no path."""
    return False


def resolve(host: FakeHost, name: str, requester: ElfObject, *library_path: str) -> str | None:
    """Return what /tree/ext.so with the given content finds for a name."""
    loader = Loader(host, AMD64, library_path=library_path)
    return loader.resolve(name, LoadedObject("/tree/ext.so", requester))


def paths(links: tuple[Link, ...]) -> dict[str, str | None]:
    """Return name -> path."""
    return {link.name: link.path for link in links}


def test_order_of_places() -> None:
    """RPATH goes before LD_LIBRARY_PATH, that before RUNPATH, then cache, then default directories."""
    places = ["/rpath", "/environment", "/runpath", "/cached", "/lib"]
    cache = LoaderCache({"liba.so": (CacheEntry("/cached/liba.so"),)})
    found = []
    for start in range(5):
        objects = {f"{place}/liba.so": library() for place in places[start:]}
        host = FakeHost(objects, cache)
        found.append(
            [
                resolve(host, "liba.so", library(rpath=("/rpath",)), "/environment"),
                resolve(host, "liba.so", library(runpath=("/runpath",)), "/environment"),
            ]
        )
    assert found == [
        ["/rpath/liba.so", "/environment/liba.so"],
        ["/environment/liba.so", "/environment/liba.so"],
        ["/cached/liba.so", "/runpath/liba.so"],
        ["/cached/liba.so", "/cached/liba.so"],
        ["/lib/liba.so", "/lib/liba.so"],
    ]


def test_nothing_found() -> None:
    """A name that stands nowhere is met by nothing, with a cache or without."""
    assert resolve(FakeHost({}), "liba.so", library()) is None
    assert resolve(FakeHost({}, LoaderCache()), "liba.so", library()) is None


def test_a_stale_cache_entry_is_passed_by() -> None:
    """A cached path whose file is gone does not end the search."""
    cache = LoaderCache({"liba.so": (CacheEntry("/gone/liba.so"),)})
    assert resolve(FakeHost({"/lib/liba.so": library()}, cache), "liba.so", library()) == "/lib/liba.so"


def test_a_link_to_nowhere_is_passed_by() -> None:
    """A name in a directory whose file cannot be read does not end the search."""
    host = FakeHost({"/lib/liba.so": library()}, links={"/libs/liba.so": "/gone/liba.so"})
    assert resolve(host, "liba.so", library(runpath=("/libs",))) == "/lib/liba.so"


def test_without_a_cache_the_configured_directories_come_first() -> None:
    """Where there is no cache, what ldconfig would have cached is searched by hand."""
    objects = {"/opt/lib/liba.so": library(), "/lib/liba.so": library()}
    host = FakeHost(objects, configured_directories=("/opt/lib",))
    assert resolve(host, "liba.so", library()) == "/opt/lib/liba.so"


def test_with_a_cache_the_configured_directories_are_not_searched() -> None:
    """Where there is a cache, a library that it does not know is only in default directories."""
    host = FakeHost({"/opt/lib/liba.so": library()}, LoaderCache(), configured_directories=("/opt/lib",))
    assert resolve(host, "liba.so", library()) is None


def test_no_default_directories() -> None:
    """DF_1_NODEFLIB shuts out default directories and cached paths below them, and nothing else."""
    requester = library(no_default_directories=True)
    entries = (CacheEntry(f"{SYSTEM}/liba.so"), CacheEntry("/opt/liba.so"))
    both = {f"{SYSTEM}/liba.so": library(), "/opt/liba.so": library()}
    cache = LoaderCache({"liba.so": entries})
    assert resolve(FakeHost(both, cache), "liba.so", requester) == "/opt/liba.so"
    assert resolve(FakeHost({f"{SYSTEM}/liba.so": library()}), "liba.so", requester) is None
    host = FakeHost({"/opt/liba.so": library()}, configured_directories=("/opt",))
    assert resolve(host, "liba.so", requester) == "/opt/liba.so"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(library(), bits=32), id="class"),
        pytest.param(replace(library(), machine="EM_AARCH64"), id="machine"),
        pytest.param(replace(library(), little_endian=False), id="byte order"),
    ],
)
def test_a_library_for_another_machine_is_passed_by(other: ElfObject) -> None:
    """The search goes on behind a file of the wrong class, machine or byte order."""
    host = FakeHost({"/first/liba.so": other, "/second/liba.so": library()})
    assert resolve(host, "liba.so", library(runpath=("/first", "/second"))) == "/second/liba.so"


@pytest.mark.parametrize(
    ("entry", "directory"),
    [
        pytest.param("$ORIGIN/libs", "/tree/libs", id="ORIGIN"),
        pytest.param("${ORIGIN}/libs", "/tree/libs", id="braces"),
        pytest.param("/opt/$LIB", "/opt/lib/x86_64-linux-gnu", id="LIB"),
        pytest.param("/opt/$PLATFORM", "/opt/x86_64", id="PLATFORM"),
        pytest.param("/opt/$LIBRARY", "/opt/$LIBRARY", id="longer word"),
        pytest.param("/opt/$HOME", "/opt/$HOME", id="no token"),
    ],
)
def test_tokens(entry: str, directory: str) -> None:
    """Tokens of ld.so(8) are expanded, others left alone."""
    host = FakeHost({f"{directory}/liba.so": library()})
    assert resolve(host, "liba.so", library(runpath=(entry,))) == f"{directory}/liba.so"


def test_a_token_without_a_value_drops_its_entry() -> None:
    """Where $PLATFORM is not known, an entry that needs it is not searched."""
    riscv = next(platform for platform in PLATFORMS if platform.machine == "EM_RISCV")
    requester = replace(library(runpath=("/opt$PLATFORM",)), machine="EM_RISCV")
    host = FakeHost({"/opt/liba.so": replace(library(), machine="EM_RISCV")})
    assert Loader(host, riscv).resolve("liba.so", LoadedObject("/tree/ext.so", requester)) is None


@pytest.mark.parametrize("entry", [pytest.param("", id="empty"), pytest.param("libs", id="relative")])
def test_the_current_directory_is_never_searched(entry: str) -> None:
    """An empty or relative entry names no place of its own, in the file or in LD_LIBRARY_PATH."""
    host = FakeHost({"/liba.so": library(), "/libs/liba.so": library()})
    assert resolve(host, "liba.so", library(runpath=(entry,)), entry) is None


def test_names_with_a_slash() -> None:
    """A name with a slash is a path, expanded but not searched for."""
    host = FakeHost({"/opt/liba.so": library(), "/tree/libs/libb.so": library(), "/lib/x/libc.so": library()})
    assert resolve(host, "/opt/liba.so", library()) == "/opt/liba.so"
    assert resolve(host, "$ORIGIN/libs/libb.so", library()) == "/tree/libs/libb.so"
    assert resolve(host, "/opt/libb.so", library()) is None
    assert resolve(host, "x/libc.so", library()) is None


def test_hardware_levels() -> None:
    """A level's directory below a search path wins, best level first, and never one the processor lacks."""
    objects = {
        f"/libs/{place}liba.so": library()
        for place in ("", "glibc-hwcaps/x86-64-v2/", "glibc-hwcaps/x86-64-v3/")
    }
    requester = library(runpath=("/libs",))
    second = frozenset(["cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"])
    third = second.union(["avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"])
    found = [
        resolve(FakeHost(objects, processor=Processor("AuthenticAMD", flags)), "liba.so", requester)
        for flags in (frozenset[str](), second, third)
    ]
    assert found == [
        "/libs/liba.so",
        "/libs/glibc-hwcaps/x86-64-v2/liba.so",
        "/libs/glibc-hwcaps/x86-64-v3/liba.so",
    ]


def test_origin_of_a_library_found_through_a_directory_link() -> None:
    """A found path has its directory's links resolved, so that its $ORIGIN is the real directory."""
    objects = {"/real/libs/liba.so": library("libb.so", runpath=("$ORIGIN/..",)), "/real/libb.so": library()}
    host = FakeHost(objects, links={"/tree/libs": "/real/libs"})
    links = Loader(host, AMD64).load(
        "/tree/ext.so", library("liba.so", runpath=("$ORIGIN/libs",)), everything
    )
    assert paths(links) == {"liba.so": "/real/libs/liba.so", "libb.so": "/real/libb.so"}


def test_rpath_is_inherited_and_runpath_is_not() -> None:
    """What a library needs is found by its loader's RPATH, not by its loader's RUNPATH."""
    host = FakeHost({"/one/liba.so": library("libb.so"), "/two/libb.so": library()})
    directories = ("/one", "/two")
    loader = Loader(host, AMD64)
    old = loader.load("/tree/old.so", library("liba.so", rpath=directories), everything)
    new = loader.load("/tree/new.so", library("liba.so", runpath=directories), everything)
    assert paths(old)["libb.so"] == "/two/libb.so"
    assert paths(new)["libb.so"] is None


def test_a_name_is_remembered_with_its_search_path() -> None:
    """The same name means another file for a requester with another search path."""
    host = FakeHost({"/one/liba.so": library(), "/two/liba.so": library()})
    loader = Loader(host, AMD64)
    found = [
        loader.resolve("liba.so", LoadedObject("/tree/ext.so", library(runpath=(directory,))))
        for directory in ("/one", "/two", "/three")
    ]
    assert found == ["/one/liba.so", "/two/liba.so", None]


def test_loaded_libraries_meet_later_needs() -> None:
    """A need is met by a library that is there already, by the name asked for or by its SONAME."""
    host = FakeHost(
        {
            "/one/liba-vendored.so": library(soname="liba.so.1"),
            "/one/libb.so": library("liba.so.1", "liba-vendored.so"),
        }
    )
    links = Loader(host, AMD64).load(
        "/tree/ext.so", library("liba-vendored.so", "libb.so", runpath=("/one",)), everything
    )
    assert paths(links)["liba.so.1"] == "/one/liba-vendored.so"
    assert links[-1] == Link("/one/libb.so", "liba-vendored.so", "/one/liba-vendored.so")


def test_what_is_not_followed_is_loaded_all_the_same() -> None:
    """The needs of an object that is not followed are not looked at, but its SONAME counts."""
    host = FakeHost({"/one/liba.so": library("libgone.so", soname="libalias.so")})
    links = Loader(host, AMD64).load(
        "/tree/ext.so", library("liba.so", "libalias.so", runpath=("/one",)), nothing
    )
    assert paths(links) == {"liba.so": "/one/liba.so", "libalias.so": "/one/liba.so"}


def test_libraries_that_need_each_other() -> None:
    """A circle of needs ends, and each need is seen once."""
    host = FakeHost({"/one/liba.so": library("libb.so"), "/one/libb.so": library("liba.so")})
    links = Loader(host, AMD64).load("/tree/ext.so", library("liba.so", rpath=("/one",)), everything)
    assert [(link.requester, link.name) for link in links] == [
        ("/tree/ext.so", "liba.so"),
        ("/one/liba.so", "libb.so"),
        ("/one/libb.so", "liba.so"),
    ]


def test_a_running_program_lends_its_rpath_and_its_libraries() -> None:
    """What a program opens is searched for in its RPATH too, and met by what it has loaded."""
    host = FakeHost({"/python/lib/liba.so": library(), "/python/lib/libpython3.so": library()})
    program = Program(inherited=("/python/lib",), loaded={"libpython3.so.1.0": "/python/lib/libpython3.so"})
    requester = library("liba.so", "libpython3.so.1.0")
    links = Loader(host, AMD64).load("/tree/ext.so", requester, nothing, program)
    assert paths(links) == {
        "liba.so": "/python/lib/liba.so",
        "libpython3.so.1.0": "/python/lib/libpython3.so",
    }
    assert paths(Loader(host, AMD64).load("/tree/ext.so", requester, nothing))["liba.so"] is None


def test_load_file() -> None:
    """A file on the system is loaded by its path; what is no library has no links."""
    host = FakeHost({"/opt/liba.so": library("libb.so")})
    loader = Loader(host, AMD64)
    assert loader.load_file("/opt/liba.so") == (Link("/opt/liba.so", "libb.so", None),)
    assert loader.load_file("/opt/gone.so") == ()


def test_opening_by_name() -> None:
    """A library opened by name the program's own, then from its RPATH, then from the system's places."""
    host = FakeHost({"/python/lib/liba.so": library(), "/lib/libb.so": library()})
    loader = Loader(host, AMD64)
    program = Program(inherited=("/python/lib",), loaded={"libc.so": "/there/libc.so"})
    names = ("libc.so", "liba.so", "libb.so", "libd.so")
    assert [loader.open(name, program) for name in names] == [
        "/there/libc.so",
        "/python/lib/liba.so",
        "/lib/libb.so",
        None,
    ]


def test_find_library() -> None:
    """ctypes.util.find_library's stem leads to the first library of that name, by the cache or without."""
    objects = {"/lib/libmagic.so.1": library(), "/lib/libmagick.so.2": library()}
    cache = LoaderCache({"libmagic.so.1": (CacheEntry("/lib/libmagic.so.1"),)})
    for host in (FakeHost(objects, cache), FakeHost(objects)):
        assert Loader(host, AMD64).find_library("magic", Program()) == "/lib/libmagic.so.1"
        assert Loader(host, AMD64).find_library("mag", Program()) is None
