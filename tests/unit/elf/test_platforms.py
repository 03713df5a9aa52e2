"""Machines: which platform an object is for, and which hardware levels a processor has."""

from __future__ import annotations

import pytest

from multistage_docker.elf.objects import ElfObject
from multistage_docker.elf.platforms import PLATFORMS, Processor, parse_cpuinfo, platform_of

V2 = "cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3"
V3 = f"{V2} avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"
V4 = f"{V3} avx512f avx512bw avx512cd avx512dq avx512vl"


def cpuinfo(flags: str, vendor: str = "AuthenticAMD") -> str:
    """Return what /proc/cpuinfo says of two processors."""
    one = f"vendor_id\t: {vendor}\nflags\t\t: {flags}\nbugs\t\t:\n"
    return f"processor\t: 0\n{one}\nprocessor\t: 1\n{one}"


@pytest.mark.parametrize(
    ("flags", "levels"),
    [
        pytest.param("sse sse2", (), id="baseline"),
        pytest.param(V2, ("x86-64-v2",), id="v2"),
        pytest.param(V3, ("x86-64-v3", "x86-64-v2"), id="v3"),
        pytest.param(V4, ("x86-64-v4", "x86-64-v3", "x86-64-v2"), id="v4"),
        pytest.param(V4.replace("avx2", ""), ("x86-64-v2",), id="a gap ends the row"),
        pytest.param(V4.replace("ssse3", ""), (), id="a gap at the start"),
    ],
)
def test_hardware_levels(flags: str, levels: tuple[str, ...]) -> None:
    """Levels come best first, and each one takes those below it."""
    assert parse_cpuinfo(cpuinfo(flags)).levels == levels


def test_no_flags_no_levels() -> None:
    """Where /proc/cpuinfo lists no x86 flags there is no level."""
    assert parse_cpuinfo("Features\t: fp asimd\n").levels == ()
    assert parse_cpuinfo("") == Processor()


@pytest.mark.parametrize(
    ("bits", "little_endian", "machine", "triplet"),
    [
        pytest.param(64, True, "EM_X86_64", "x86_64-linux-gnu", id="amd64"),
        pytest.param(32, True, "EM_X86_64", "x86_64-linux-gnux32", id="x32"),
        pytest.param(32, True, "EM_386", "i386-linux-gnu", id="i386"),
        pytest.param(64, True, "EM_AARCH64", "aarch64-linux-gnu", id="arm64"),
        pytest.param(64, False, "EM_S390", "s390x-linux-gnu", id="s390x"),
    ],
)
def test_platform_of(bits: int, little_endian: bool, machine: str, triplet: str) -> None:  # noqa: FBT001
    """An object's class, byte order and machine together tell its platform."""
    platform = platform_of(ElfObject(bits, little_endian, machine, "ET_DYN"))
    assert platform
    assert platform.triplet == triplet
    assert platform.default_directories == (f"/lib/{triplet}", f"/usr/lib/{triplet}", "/lib", "/usr/lib")
    assert platform.lib_token == f"lib/{triplet}"


def test_no_platform() -> None:
    """A machine that Debian does not run on, or one in the wrong byte order, has no platform."""
    assert platform_of(ElfObject(64, True, "EM_ALPHA", "ET_DYN")) is None  # noqa: FBT003
    assert platform_of(ElfObject(64, False, "EM_X86_64", "ET_DYN")) is None  # noqa: FBT003


def test_each_platform_has_a_loader_of_its_own() -> None:
    """No object fits two platforms on one system."""
    kinds = [(platform.machine, platform.bits, platform.loader) for platform in PLATFORMS]
    assert len(set(kinds)) == len(kinds)


@pytest.mark.parametrize("triplet", ["arm-linux-gnueabihf", "arm-linux-gnueabi"])
def test_platforms_that_the_loader_tells_apart(triplet: str) -> None:
    """A file for 32-bit ARM is for the one of Debian's two that the system has."""
    elf = ElfObject(32, True, "EM_ARM", "ET_DYN")  # noqa: FBT003
    loaders = {platform.triplet: platform.loader for platform in PLATFORMS}
    platform = platform_of(elf, lambda path: path == loaders[triplet])
    assert platform
    assert platform.triplet == triplet
    assert platform_of(elf, lambda _: False) is None


@pytest.mark.parametrize(
    ("flags", "vendor", "token"),
    [
        pytest.param(V3, "AuthenticAMD", "x86_64", id="another maker"),
        pytest.param(V3, "GenuineIntel", "haswell", id="Intel since Haswell"),
        pytest.param(V2, "GenuineIntel", "x86_64", id="older Intel"),
        pytest.param(f"{V3} avx512cd avx512er avx512pf", "GenuineIntel", "xeon_phi", id="Xeon Phi"),
    ],
)
def test_platform_token(flags: str, vendor: str, token: str) -> None:
    """$PLATFORM is the machine's name, or the one that glibc has for Intel's processors of a kind."""
    processor = parse_cpuinfo(cpuinfo(flags, vendor))
    tokens = {platform.triplet: platform.platform_token(processor) for platform in PLATFORMS}
    assert tokens["x86_64-linux-gnu"] == token
    assert tokens["i386-linux-gnu"] == "i686"


def test_unknown_platform_token() -> None:
    """$PLATFORM is empty, so that entries with it are dropped, where it is not known."""
    tokens = {platform.triplet: platform.platform_token(Processor()) for platform in PLATFORMS}
    assert tokens["x86_64-linux-gnu"] == "x86_64"
    assert tokens["riscv64-linux-gnu"] == ""
