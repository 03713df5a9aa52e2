"""Results: one JSON document a suite, kept up to date after every step, so that a run can go on later."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

Record = dict[str, Any]

# What people use today does not change with the commands.
_WITHOUT_THE_TOOL = ("peers",)


class Records:
    """The results of one suite, in a file. A record holds the parts that were done, each under its name."""

    def __init__(self, path: Path, tool: str) -> None:
        self._path = path
        self._tool = tool
        self._document: dict[str, Any] = {"cases": {}}
        if path.exists():
            self._document = json.loads(path.read_text(encoding="utf-8"))

    @property
    def document(self) -> dict[str, Any]:
        """All results of the suite, with what they were got with."""
        return self._document

    def record(self, case: str) -> Record | None:
        """Return a case's result for this tool, or what of another one's still holds; None for neither."""
        record: Record = self._document["cases"].get(case, {})
        if record.get("tool") != self._tool:
            record = {part: record[part] for part in _WITHOUT_THE_TOOL if part in record}
        return record or None

    def put(self, case: str, record: Record) -> None:
        """Keep a case's result, and write the file."""
        self._document["cases"][case] = {**record, "tool": self._tool}
        self.write()

    def describe(self, **facts: object) -> None:
        """Keep what the results were got with."""
        self._document.update(facts)
        self.write()

    def write(self) -> None:
        """Write the file so that an interruption leaves the one before or the one after."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(self._document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        os.replace(new, self._path)


def digest_of(folder: Path) -> str:
    """Return a short digest of the Python sources below a folder: the version of a checkout's tool."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
