"""How much of an image's layers a container sees, as dive counts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support.engine import Engine

LEAST = 0.98
"""What the images of this project reach."""

# The development extra brings the program.
DIVE = Path(sys.executable).with_name("dive")


def efficiency(engine: Engine, image: str) -> float:
    """Return the share of bytes in an image's layers that no later layer hides: 1 is all of them."""
    with tempfile.TemporaryDirectory() as folder:
        archive, report = f"{folder}/image.tar", f"{folder}/report.json"
        subprocess.run([engine.client, "save", "--output", archive, image], check=True)
        subprocess.run(
            [DIVE, f"docker-archive://{archive}", "--json", report],
            env={**os.environ, "CI": "false"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
        )
        found = json.loads(Path(report).read_text(encoding="utf-8"))
    return float(found["image"]["efficiencyScore"])
