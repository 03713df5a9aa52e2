"""A whole tree: what meets each need, who loads whom, and what the wheels put next to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multistage_docker.elf.loader import Loader, Program
from multistage_docker.elf.platforms import PLATFORMS
from multistage_docker.elf.tree import Need, Provision, Tree
from support.fakes import FakeHost, library

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multistage_docker.elf.objects import ElfObject


def grow(
    objects: Mapping[str, ElfObject],
    system: Mapping[str, ElfObject] | None = None,
    links: Mapping[str, str] | None = None,
    program: Program | None = None,
) -> Tree:
    """Return a tree of objects on a system of others."""
    host = FakeHost({**objects, **(system or {})}, links=links or {})
    return Tree(objects, links or {}, Loader(host, PLATFORMS[0]), program or Program())


def test_inside_outside_and_nowhere() -> None:
    """Each need is met in the tree, by the system, or by nothing."""
    tree = grow(
        {"/t/ext.so": library("liba.so", "libz.so", "libno.so", runpath=("/t",)), "/t/liba.so": library()},
        {"/lib/libz.so": library("libnever.so")},
    )
    assert tree.needs() == (
        Need("/t/ext.so", "liba.so", "/t/liba.so", Provision.TREE),
        Need("/t/ext.so", "libno.so", "", Provision.MISSING),
        Need("/t/ext.so", "libz.so", "/lib/libz.so", Provision.SYSTEM),
    )


def test_a_library_is_judged_in_the_processes_that_load_it() -> None:
    """A library that lives off its loader's RPATH is not judged alone as well."""
    tree = grow(
        {
            "/t/ext.so": library("liba.so", rpath=("/t/libs",)),
            "/t/libs/liba.so": library("libb.so"),
            "/t/libs/libb.so": library(),
        }
    )
    assert Need("/t/libs/liba.so", "libb.so", "/t/libs/libb.so", Provision.TREE) in tree.needs()
    assert {need.provision for need in tree.needs()} == {Provision.TREE}
    assert tree.needed_by_others == {"/t/libs/liba.so", "/t/libs/libb.so"}


def test_libraries_that_only_need_each_other_are_judged_too() -> None:
    """A circle that nothing outside of it loads is no blind spot."""
    tree = grow(
        {
            "/t/liba.so": library("libb.so", "libz.so", runpath=("/t",)),
            "/t/libb.so": library("liba.so", runpath=("/t",)),
        },
        {"/lib/libz.so": library()},
    )
    assert Need("/t/liba.so", "libz.so", "/lib/libz.so", Provision.SYSTEM) in tree.needs()


def test_preloaded_libraries() -> None:
    """A library that another wheel brings, off every search path, counts as loaded beforehand."""
    tree = grow({"/t/torch/ext.so": library("libcuda.so.1"), "/t/nvidia/lib/libcuda.so.1": library()})
    assert tree.needs() == (
        Need("/t/torch/ext.so", "libcuda.so.1", "/t/nvidia/lib/libcuda.so.1", Provision.PRELOAD),
    )


def test_a_preloaded_library_is_known_by_its_soname_and_its_links() -> None:
    """A library off the path is found under its file name, its SONAME and the names of links to it."""
    tree = grow(
        {"/t/a/ext.so": library("libs.so.1", "liblink.so"), "/t/b/libs_x86.so": library(soname="libs.so.1")},
        links={"/t/b/liblink.so": "/t/b/libs_x86.so", "/t/b/liboutside.so": "/lib/liboutside.so"},
    )
    assert {(need.name, need.path, need.provision) for need in tree.needs()} == {
        ("libs.so.1", "/t/b/libs_x86.so", Provision.PRELOAD),
        ("liblink.so", "/t/b/libs_x86.so", Provision.PRELOAD),
    }


def test_of_several_providers_the_nearest_counts() -> None:
    """The provider that shares most directories with the requester is taken, the first by name of equals."""
    tree = grow(
        {
            "/t/one/ext.so": library("liba.so"),
            "/t/one/libs/liba.so": library(),
            "/t/another/liba.so": library(),
            "/t/both/x/liba.so": library(),
        }
    )
    assert tree.needs()[0].path == "/t/one/libs/liba.so"
    assert (
        grow({"/t/c/ext.so": library("liba.so"), "/t/b/liba.so": library(), "/t/a/liba.so": library()})
        .needs()[0]
        .path
        == "/t/a/liba.so"
    )


def test_the_system_wins_over_a_library_off_the_path() -> None:
    """A copy elsewhere in the tree does not hide that the loader takes the system's."""
    tree = grow({"/t/a/ext.so": library("libz.so"), "/t/b/libz.so": library()}, {"/lib/libz.so": library()})
    assert tree.needs()[0].provision is Provision.SYSTEM


def test_links_in_the_tree_lead_to_its_files() -> None:
    """A need that a link in the tree meets is met by the file behind it."""
    tree = grow(
        {"/t/ext.so": library("liba.so", runpath=("/t",)), "/t/liba.so.1.2": library()},
        links={"/t/liba.so": "/t/liba.so.1.2"},
    )
    assert tree.needs() == (Need("/t/ext.so", "liba.so", "/t/liba.so.1.2", Provision.TREE),)
    assert tree.needed_by_others == {"/t/liba.so.1.2"}


def test_a_link_out_of_the_tree_is_the_systems() -> None:
    """A need that a link in the tree meets with a system's file is met by the system."""
    tree = grow(
        {"/t/ext.so": library("liba.so", runpath=("/t",))},
        {"/lib/liba.so.1": library()},
        links={"/t/liba.so": "/lib/liba.so.1"},
    )
    assert tree.needs() == (Need("/t/ext.so", "liba.so", "/lib/liba.so.1", Provision.SYSTEM),)


def test_following_what_no_package_brings() -> None:
    """The needs of a library outside count where it is followed, and only there."""
    tree = grow(
        {"/t/ext.so": library("liba.so", runpath=("/usr/local/lib",))},
        {"/usr/local/lib/liba.so": library("libz.so"), "/lib/libz.so": library()},
    )
    assert len(tree.needs()) == 1
    assert Need("/usr/local/lib/liba.so", "libz.so", "/lib/libz.so", Provision.SYSTEM) in tree.needs(
        {"/usr/local/lib/liba.so"}
    )


def test_beyond_the_tree() -> None:
    """What the system's own libraries need is followed to the end, once each."""
    tree = grow(
        {"/t/ext.so": library("liba.so")},
        {"/lib/liba.so": library("libb.so"), "/lib/libb.so": library("liba.so", "libno.so")},
    )
    assert tree.needs_beyond(["/lib/liba.so", "/t/ext.so"]) == (
        Need("/lib/liba.so", "libb.so", "/lib/libb.so", Provision.SYSTEM),
        Need("/lib/libb.so", "liba.so", "/lib/liba.so", Provision.SYSTEM),
        Need("/lib/libb.so", "libno.so", "", Provision.MISSING),
    )


def test_an_executable_is_its_own_program() -> None:
    """A program in the tree does not profit from the interpreter's RPATH, an extension does."""
    program = Program(inherited=("/python/lib",))
    tree = grow(
        {
            "/t/bin/tool": library("liba.so", interpreter="/lib64/ld-linux-x86-64.so.2"),
            "/t/ext.so": library("liba.so"),
        },
        {"/python/lib/liba.so": library()},
        program=program,
    )
    assert [(need.requester, need.path) for need in tree.needs()] == [
        ("/t/bin/tool", ""),
        ("/t/ext.so", "/python/lib/liba.so"),
    ]


def test_opened_by_name() -> None:
    """Of alternative names the tree's own comes first, then the first that the system has."""
    tree = grow(
        {"/t/ext.so": library(), "/t/libs/libvips.so.42": library()},
        {"/lib/libmagic.so.1": library(), "/lib/libpq.so.5": library()},
    )
    opened = [
        tree.opened("/t/a.py", names, 1)
        for names in (("libpq.so.5", "libvips.so.42"), ("libno.so", "libpq.so.5"), ("magic",), ("libno.so",))
    ]
    assert [(need.name, need.path, need.provision) for need in opened] == [
        ("libvips.so.42", "/t/libs/libvips.so.42", Provision.TREE),
        ("libpq.so.5", "/lib/libpq.so.5", Provision.SYSTEM),
        ("magic", "/lib/libmagic.so.1", Provision.SYSTEM),
        ("libno.so", "", Provision.MISSING),
    ]
