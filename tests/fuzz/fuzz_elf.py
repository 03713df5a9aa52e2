"""Coverage-guided fuzzing of the ELF reader with atheris; see README.md beside this file.

Any exception but the project's own error is a finding, and so is work without bound.
"""

from __future__ import annotations

import io
import sys

import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]

with atheris.instrument_imports(include=["multistage_docker", "elftools"]):
    from multistage_docker.elf.ldcache import parse_cache
    from multistage_docker.elf.objects import MAGIC, read_object
    from multistage_docker.elf.scan import reason_to_skip
    from multistage_docker.errors import MalformedElfError

_MOST_BYTES = 64 << 20


class _Stream(io.BytesIO):
    """A file that refuses to be read without bound."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._left = _MOST_BYTES

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size)
        self._left -= len(content)
        if size is None or size < 0 or self._left < 0:
            raise AssertionError("a read without bound")
        return content


def one_input(data: bytes) -> None:
    """Read one input as an ELF file, and as an ld.so.cache where it is no such."""
    try:
        elf = read_object(_Stream(data), versions=True)
        reason_to_skip(elf)
    except MalformedElfError:
        pass
    if not data.startswith(MAGIC):
        parse_cache(data)
        parse_cache(b"glibc-ld.so.cache1.1" + data)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
