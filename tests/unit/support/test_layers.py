"""Reading and comparing the layers of images, which the image tests' verdicts rest on."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Literal

import pytest

from support.layers import Entry, added, files, merged, read_layers

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = Entry("directory", 0o755, 0, 0, 0, "")


def file(content: str) -> Entry:
    """Return the entry of a file."""
    return Entry("file", 0o644, 0, 0, len(content), content)


def _archive(mode: Literal["w", "w:gz"], *members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def _member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.mode = kind, target, mode
    return member


@pytest.mark.parametrize("mode", ["w", "w:gz"], ids=["plain", "gzip"])
def test_layers_are_read_in_the_order_of_the_manifest(tmp_path: Path, mode: Literal["w", "w:gz"]) -> None:
    """The manifest's order counts, not that of the archive, and layers may be compressed."""
    lower = _archive(mode, (_member("./etc/", tarfile.DIRTYPE), b""), (_member("etc/motd"), b"low"))
    upper = _archive(mode, (_member("etc/motd"), b"high"))
    manifest = json.dumps([{"Config": "c", "Layers": ["b/layer.tar", "a/layer.tar"]}]).encode()
    path = tmp_path / "image.tar"
    path.write_bytes(
        _archive(
            "w",
            (_member("a/layer.tar"), upper),
            (_member("b/layer.tar"), lower),
            (_member("manifest.json"), manifest),
        )
    )
    first, second = read_layers(str(path))
    assert [*first] == ["/etc", "/etc/motd"]
    assert [entry.size for entry in (first["/etc/motd"], second["/etc/motd"])] == [3, 4]


def test_mode_is_the_same_in_either_notation(tmp_path: Path) -> None:
    """Some engines write the type of the file into the mode, others do not."""
    layer = _archive(
        "w",
        (_member("a"), b"x"),
        (_member("b", mode=0o100644), b"x"),
        (_member("c", tarfile.LNKTYPE, "b"), b""),
    )
    manifest = json.dumps([{"Layers": ["layer.tar"]}]).encode()
    path = tmp_path / "image.tar"
    path.write_bytes(_archive("w", (_member("manifest.json"), manifest), (_member("layer.tar"), layer)))
    (read,) = read_layers(str(path))
    assert read["/a"] == read["/b"] == read["/c"]


def test_upper_layers_hide_lower_ones() -> None:
    """A whiteout removes a file or a tree, an opaque directory what was below it, and both vanish."""
    lower = {
        "/a": FOLDER,
        "/a/x": file("x"),
        "/b": FOLDER,
        "/b/y": file("y"),
        "/c": file("c"),
        "/cc": file("c"),
    }
    upper = {"/a/.wh..wh..opq": file(""), "/a/z": file("z"), "/.wh.b": file(""), "/.wh.c": file("")}
    assert merged([lower, upper]) == {"/a": FOLDER, "/a/z": file("z"), "/cc": file("c")}


def test_additions_are_new_or_changed() -> None:
    """What is equal in both is no addition; another mode is one; directories are no files."""
    base = {"/a": file("a"), "/b": file("b"), "/d": FOLDER}
    image = {
        "/a": file("a"),
        "/b": Entry("file", 0o755, 0, 0, 1, "b"),
        "/d": FOLDER,
        "/e": FOLDER,
        "/e/f": file("f"),
    }
    assert added(base, image) == {"/b": image["/b"], "/e": FOLDER, "/e/f": file("f")}
    assert files(added(base, image)) == ("/b", "/e/f")
