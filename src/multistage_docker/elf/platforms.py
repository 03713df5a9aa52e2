"""Machines that Debian runs on: loader and default directories of each, and what processors can do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from multistage_docker.elf.objects import ElfObject


_INTEL = "GenuineIntel"
_INTEL_NAMES = (
    ("xeon_phi", frozenset(("avx512cd", "avx512er", "avx512pf"))),
    ("haswell", frozenset(("avx2", "bmi1", "bmi2", "abm", "movbe", "popcnt"))),
)
_LEVELS = (
    # System V ABI for x86-64, "Micro-Architecture Levels".
    ("x86-64-v2", frozenset(("cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"))),
    ("x86-64-v3", frozenset(("avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"))),
    ("x86-64-v4", frozenset(("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"))),
)


@dataclass(frozen=True, slots=True)
class Processor:
    """What ld.so asks of the processor: its maker and its features, both by the names of /proc/cpuinfo."""

    vendor: str = ""
    flags: frozenset[str] = frozenset()

    @property
    def levels(self) -> tuple[str, ...]:
        """The ``glibc-hwcaps`` subdirectories that ld.so prefers, best first; each includes those below it.

        See ld.so(8), Hardware capabilities.
        """
        reached = takewhile(lambda level: level[1] <= self.flags, _LEVELS)
        return tuple(name for name, _ in reached)[::-1]


def parse_cpuinfo(text: str) -> Processor:
    """Return the first processor of /proc/cpuinfo (proc(5)); nothing is known of one that is no x86."""
    vendor = re.search(r"^vendor_id\s*:\s*(.*)$", text, re.MULTILINE)
    flags = re.search(r"^flags\s*:(.*)$", text, re.MULTILINE)
    return Processor(
        vendor=vendor.group(1).strip() if vendor else "",
        flags=frozenset(flags.group(1).split()) if flags else frozenset(),
    )


@dataclass(frozen=True, slots=True)
class Platform:
    """A machine as glibc knows it on Debian (the multiarch tuples of Debian Policy 11.8 and its wiki)."""

    architecture: str
    machine: str
    bits: int
    triplet: str
    loader: str
    little_endian: bool = True

    @property
    def default_directories(self) -> tuple[str, ...]:
        """The directories that Debian's ld.so searches last, in its order (``ld.so --help``)."""
        return (f"/lib/{self.triplet}", f"/usr/lib/{self.triplet}", "/lib", "/usr/lib")

    @property
    def lib_token(self) -> str:
        """What ``$LIB`` stands for in a search path (ld.so(8)); Debian builds glibc with its triplet."""
        return f"lib/{self.triplet}"

    def platform_token(self, processor: Processor) -> str:
        """Return what ``$PLATFORM`` stands for in a search path (ld.so(8)); "" where it is not known.

        It is the kernel's AT_PLATFORM, but for processors that glibc knows by a name of its own
        (sysdeps/x86/cpu-features.c; ``ld.so --list-diagnostics`` prints it as dl_platform).
        """
        if self.machine == "EM_X86_64" and processor.vendor == _INTEL:
            for name, wanted in _INTEL_NAMES:
                if wanted <= processor.flags:
                    return name
        return {"EM_X86_64": "x86_64", "EM_AARCH64": "aarch64", "EM_386": "i686"}.get(self.machine, "")

    def runs(self, elf: ElfObject) -> bool:
        """Whether this platform's ld.so would load the object rather than pass it by."""
        return (elf.machine, elf.bits, elf.little_endian) == (self.machine, self.bits, self.little_endian)


PLATFORMS = (
    Platform("amd64", "EM_X86_64", 64, "x86_64-linux-gnu", "/lib64/ld-linux-x86-64.so.2"),
    Platform("x32", "EM_X86_64", 32, "x86_64-linux-gnux32", "/libx32/ld-linux-x32.so.2"),
    Platform("i386", "EM_386", 32, "i386-linux-gnu", "/lib/ld-linux.so.2"),
    Platform("arm64", "EM_AARCH64", 64, "aarch64-linux-gnu", "/lib/ld-linux-aarch64.so.1"),
    Platform("armhf", "EM_ARM", 32, "arm-linux-gnueabihf", "/lib/ld-linux-armhf.so.3"),
    Platform("armel", "EM_ARM", 32, "arm-linux-gnueabi", "/lib/ld-linux.so.3"),
    Platform("mips64el", "EM_MIPS", 64, "mips64el-linux-gnuabi64", "/lib64/ld.so.1"),
    Platform("mipsel", "EM_MIPS", 32, "mipsel-linux-gnu", "/lib/ld.so.1"),
    Platform("ppc64el", "EM_PPC64", 64, "powerpc64le-linux-gnu", "/lib64/ld64.so.2"),
    Platform("s390x", "EM_S390", 64, "s390x-linux-gnu", "/lib/ld64.so.1", little_endian=False),
    Platform("riscv64", "EM_RISCV", 64, "riscv64-linux-gnu", "/lib/ld-linux-riscv64-lp64d.so.1"),
    Platform("loong64", "EM_LOONGARCH", 64, "loongarch64-linux-gnu", "/lib64/ld-linux-loongarch-lp64d.so.1"),
)


def platform_of(elf: ElfObject, has_loader: Callable[[str], bool] = lambda _: True) -> Platform | None:
    """Return the platform that an object is built for, or None where Debian, or a system, has none such.

    ``has_loader`` tells of a loader's path whether it is on the system. The two of 32-bit ARM are told apart
    by it alone: their files are of one machine.
    """
    fitting = (platform for platform in PLATFORMS if platform.runs(elf))
    return next((platform for platform in fitting if has_loader(platform.loader)), None)
