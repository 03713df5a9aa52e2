"""Machines that Debian runs on: where each one's loader stands, and its default directories."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multistage_docker.elf.objects import ElfObject


@dataclass(frozen=True, slots=True)
class Platform:
    """A machine as glibc knows it on Debian (the multiarch tuples of Debian Policy 11.8 and its wiki)."""

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

    @property
    def platform_token(self) -> str:
        """What ``$PLATFORM`` stands for in a search path (ld.so(8)): the kernel's AT_PLATFORM."""
        return {"EM_X86_64": "x86_64", "EM_AARCH64": "aarch64", "EM_386": "i686"}.get(self.machine, "")

    def runs(self, elf: ElfObject) -> bool:
        """Whether this platform's ld.so would load the object rather than pass it by."""
        return (elf.machine, elf.bits, elf.little_endian) == (self.machine, self.bits, self.little_endian)


PLATFORMS = (
    Platform("EM_X86_64", 64, "x86_64-linux-gnu", "/lib64/ld-linux-x86-64.so.2"),
    Platform("EM_X86_64", 32, "x86_64-linux-gnux32", "/libx32/ld-linux-x32.so.2"),
    Platform("EM_386", 32, "i386-linux-gnu", "/lib/ld-linux.so.2"),
    Platform("EM_AARCH64", 64, "aarch64-linux-gnu", "/lib/ld-linux-aarch64.so.1"),
    Platform("EM_ARM", 32, "arm-linux-gnueabihf", "/lib/ld-linux-armhf.so.3"),
    Platform("EM_PPC64", 64, "powerpc64le-linux-gnu", "/lib64/ld64.so.2"),
    Platform("EM_S390", 64, "s390x-linux-gnu", "/lib/ld64.so.1", little_endian=False),
    Platform("EM_RISCV", 64, "riscv64-linux-gnu", "/lib/ld-linux-riscv64-lp64d.so.1"),
    Platform("EM_LOONGARCH", 64, "loongarch64-linux-gnu", "/lib64/ld-linux-loongarch-lp64d.so.1"),
)


def platform_of(elf: ElfObject) -> Platform | None:
    """Return the platform that an object is built for, or None where Debian has none such."""
    return next((platform for platform in PLATFORMS if platform.runs(elf)), None)


_CPU_LEVELS = (
    # System V ABI for x86-64, "Micro-Architecture Levels"; the names are those of /proc/cpuinfo.
    ("x86-64-v2", frozenset(("cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"))),
    ("x86-64-v3", frozenset(("avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"))),
    ("x86-64-v4", frozenset(("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"))),
)


def hardware_levels(cpuinfo: str) -> tuple[str, ...]:
    """Return the ``glibc-hwcaps`` subdirectories that ld.so prefers on this processor, best first.

    Takes the text of /proc/cpuinfo. Each level includes those below it (ld.so(8), Hardware capabilities).
    """
    found = re.search(r"^flags\s*:(.*)$", cpuinfo, re.MULTILINE)
    flags = frozenset(found.group(1).split()) if found else frozenset()
    levels: list[str] = []
    for level, wanted in _CPU_LEVELS:
        if not wanted <= flags:
            break
        levels.insert(0, level)
    return tuple(levels)
