"""The build cache of one case."""

from __future__ import annotations

from corpus.engine import cache_of


def record(name: str, parent: str, description: str) -> dict[str, str]:
    """Return a record of the build cache as the engine prints it."""
    return {"ID": name, "Parent": parent, "Description": description}


def test_only_the_steps_of_a_case_are_dropped() -> None:
    """Steps with the mark and the COPY before them belong to a case; base images and other cases do not."""
    records = [
        record("base", "", "pulled from python"),
        record("apt", "base", "mount / from exec /bin/sh -c corpus=one; apt-get install"),
        record("pip*", "apt", "mount / from exec /bin/sh -c corpus=one; pip install"),
        record("copy*", "base", "fileop target"),
        record("final", "copy*", "mount / from exec /bin/sh -c corpus=one; apt-install"),
        record("other", "base", "mount / from exec /bin/sh -c corpus=one-src; pip install"),
        record("strange", "base", "fileop target"),
    ]
    assert cache_of("corpus=one", records) == ("final", "pip", "apt", "copy")
