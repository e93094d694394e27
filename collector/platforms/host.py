"""What the rest of the product asks of the machine it runs on."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from collector.model import System


class Host(Protocol):
    system: System

    def is_admin(self) -> bool:
        """Whether this process may read what only administrators may."""

    def root(self) -> Path:
        """The folder below which the guest agent and the extensions of this machine lie."""

    def names(self) -> tuple[str | None, str | None]:
        """Of the computer and of its operating system, None where it isn't told."""

    def state_dir(self) -> Path:
        """Where spool, locks and checkpoints lie by default."""

    def config_file(self) -> Path:
        """Where the configuration file lies."""

    def lower_priority(self) -> None:
        """Gives way to everything else on the machine that wants the processor; never fails."""

    def lower_io_priority(self) -> None:
        """Gives way to everything else that reads and writes; never fails. To be called before much is read."""

    def make_private(self, folder: Path) -> None:
        """Makes a folder that only its owner can enter. Raises OSError."""
