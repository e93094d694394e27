"""Where the processes of a host count together. To be said before anything that counts is imported."""

from __future__ import annotations

import os
from pathlib import Path

#: Read by prometheus-client as soon as it is imported.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def begin(folder: Path) -> None:
    """Counts begin at nothing. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for file in folder.glob("*.db"):
        file.unlink(missing_ok=True)
    os.environ[FOLDER] = str(folder)
