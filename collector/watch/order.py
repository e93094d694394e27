"""What a resident agent was asked to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Order:
    """`root` None: this machine. `environ`: variables for the commands that it runs, so that they have the same
    settings."""

    root: Path | None
    instance: str | None = None
    config_file: Path | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    tell: Callable[[str], None] = lambda text: None  # is given redacted lines for people
