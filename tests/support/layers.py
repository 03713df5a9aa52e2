"""What an image's layers hold, read from the archive that ``docker save`` writes."""

from __future__ import annotations

import hashlib
import json
import tarfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, directory or link in an image; two entries are equal when their content and metadata are.

    Times are left out. ``content`` is the SHA-256 of a regular file, the target of a link, else ``""``.
    """

    kind: str
    mode: int
    owner: int
    group: int
    size: int
    content: str


Layer = dict[str, Entry]
"""Absolute path -> entry; the path of a whiteout is that of the marker, such as ``/etc/.wh.motd``."""


def read_layers(archive: str) -> tuple[Layer, ...]:
    """Return the layers in an archive of one image, the lowest first.

    Engines write the archive in their own format or, since release 25, as an OCI layout; both hold a
    ``manifest.json`` that names the layers in order. Layers may be compressed.
    """
    with tarfile.open(archive) as outer:
        (image,) = json.load(_member(outer, "manifest.json"))
        return tuple(_read_layer(_member(outer, name)) for name in image["Layers"])


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    # A layer that occurs twice is a link to its first copy; tarfile follows it.
    stream = archive.extractfile(name)
    if stream is None:
        raise ValueError(f"{name} is no file in the archive")
    return stream


def _read_layer(stream: IO[bytes]) -> Layer:
    layer: Layer = {}
    with tarfile.open(fileobj=stream, mode="r:*") as inner:
        for member in inner:
            path = "/" + member.name.removeprefix("./").strip("/")
            if path == "/":
                continue
            if member.islnk():
                layer[path] = layer.get(
                    "/" + member.linkname.removeprefix("./").lstrip("/"), _entry(inner, member)
                )
            else:
                layer[path] = _entry(inner, member)
    return layer


def _entry(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    kind, content = "other", ""
    if member.isdir():
        kind = "directory"
    elif member.issym() or member.islnk():
        kind, content = "link", member.linkname
    elif member.isreg():
        kind = "file"
        content = _digest(cast("IO[bytes]", archive.extractfile(member)))
    # Some engines write the type of the file into the mode as well.
    return Entry(kind, member.mode & 0o7777, member.uid, member.gid, member.size, content)


def _digest(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := stream.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def merged(layers: Iterable[Layer]) -> Layer:
    """Return what a container sees: each layer laid on those below it, its whiteouts applied and gone."""
    seen: Layer = {}
    for layer in layers:
        for path in layer:
            folder, _, name = path.rpartition("/")
            if name == _OPAQUE:
                _remove(seen, below=folder)
            elif name.startswith(_WHITEOUT):
                gone = f"{folder}/{name.removeprefix(_WHITEOUT)}"
                seen.pop(gone, None)
                _remove(seen, below=gone)
        seen.update(
            {
                path: entry
                for path, entry in layer.items()
                if not path.rpartition("/")[2].startswith(_WHITEOUT)
            }
        )
    return dict(sorted(seen.items()))


def _remove(seen: Layer, *, below: str) -> None:
    for path in [path for path in seen if path.startswith(f"{below}/")]:
        del seen[path]


def added(base: Mapping[str, Entry], image: Mapping[str, Entry]) -> Layer:
    """Return what an image has that its base has not, or has with other content or metadata."""
    return {path: entry for path, entry in image.items() if base.get(path) != entry}


def files(entries: Mapping[str, Entry]) -> tuple[str, ...]:
    """Return the sorted paths of all that is no directory."""
    return tuple(sorted(path for path, entry in entries.items() if entry.kind != "directory"))
