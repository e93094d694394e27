"""Writes bundles into a folder until it is killed; a program of its own for the test that kills it."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from collector.bundle.writer import write
from collector.model import RedactedText
from tests.bundle.samples import REPORT, Sealer


def slow_seal(text: str) -> RedactedText:
    """Long enough for a kill to come between two members."""
    time.sleep(0.002)
    return RedactedText(text)


def main(folder: Path) -> None:
    number = 0
    while True:
        number += 1
        report = replace(REPORT, created=REPORT.created + timedelta(seconds=number))
        write(report, seal=Sealer(slow_seal), audit=dict, folder=folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
