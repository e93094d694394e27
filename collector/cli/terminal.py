"""Printing lines that hold text from elsewhere beside colours of ours: nothing in it may steer this terminal."""

from __future__ import annotations

import re

from collector.bundle.console import harmless
from collector.cli import printing

#: Colours, which are all that stays of what steers a terminal, and only where we colour ourselves.
_COLOUR = re.compile(r"(\x1b\[[0-9;]{0,8}m)")


def echo(text: str, *, coloured: bool = False) -> None:
    """One line, everything in it escaped that is not for printing; `coloured` leaves colours in it."""
    parts = _COLOUR.split(text) if coloured else [text]
    printing.echo("".join(part if coloured and _COLOUR.fullmatch(part) else harmless(part) for part in parts))
