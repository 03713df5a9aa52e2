"""The scripts that list packages as people do today."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from corpus.peers import CAREFUL, CLASSIC, LIBTREE, NOTHING, OFFICIAL, SHLIBDEPS_AT_ONCE, Peer

if TYPE_CHECKING:
    from pathlib import Path

PEERS = (NOTHING, CLASSIC, OFFICIAL, CAREFUL, LIBTREE, SHLIBDEPS_AT_ONCE)


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_scripts_are_lines_of_shell(peer: Peer) -> None:
    """Each script is one line that a shell understands, so that a Dockerfile's RUN can hold it."""
    assert "\n" not in peer.script
    assert subprocess.run(("sh", "-n", *peer.command("/app")[1:]), check=False).returncode == 0


@pytest.mark.parametrize("peer", [CLASSIC, OFFICIAL, CAREFUL], ids=lambda peer: peer.name)
def test_nothing_of_a_tree_without_libraries(peer: Peer, tmp_path: Path) -> None:
    """A tree without libraries gives no package, whatever its path looks like to a shell."""
    tree = tmp_path / "it's a tree $1"
    tree.mkdir()
    done = subprocess.run(peer.command(str(tree)), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
