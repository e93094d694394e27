"""What the rest of the product asks of the machine it runs on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from collector.model import System

if TYPE_CHECKING:
    from collector.platforms.commands import Answer


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

    def service_state_dir(self) -> Path:
        """The same for the installed service, whoever asks."""

    def cache_dir(self) -> Path:
        """Where this user's programs keep what can be made again."""

    def config_file(self) -> Path:
        """Where the configuration file lies."""

    def lower_priority(self) -> None:
        """Gives way to everything else on the machine that wants the processor; never fails."""

    def lower_io_priority(self) -> None:
        """Gives way to everything else that reads and writes; never fails. To be called before much is read."""

    def make_private(self, folder: Path) -> None:
        """Makes a folder that only its owner can enter. Raises OSError."""

    def trusts(self, file: Path) -> bool:
        """Whether nobody but administrators and this user could have put a file of ours there. Never raises."""

    def folders_written_to(self) -> tuple[str, ...]:
        """Where the guest agent, handlers and their scripts write."""

    def service(self, name: str) -> tuple[str, str] | None:
        """State (running, stopped, ...) and start (automatic, manual, disabled) of a Windows service; None where
        there is none or it isn't told."""

    def unit_state(self, units: Sequence[str]) -> str:
        """Of the first of these systemd units that is loaded, what is known of its end; "" where nothing is."""

    def journal(self, start: datetime | None, end: datetime | None) -> str | None:
        """What kernel, systemd and time services wrote into the system's journal; None where it can't be asked."""

    def secure_boot(self) -> bool | None:
        """Whether Secure Boot is on; None where it isn't told."""

    def is_clock_synchronised(self) -> bool | None:
        """Whether a time service keeps the clock right; None where it isn't told."""

    def registry(self, key: str, most: int) -> Mapping[str, Mapping[str, object]]:
        """The keys directly below a key of HKEY_LOCAL_MACHINE, so many at most, each with its values (text, int or
        bytes). Raises OSError: FileNotFoundError where there is no such key, and on other systems than Windows."""

    def event_log(self, channel: str, query: str, most: int) -> Answer | None:
        """The newest events of a Windows event log that a query in XPath asks for, so many at most, the newest first,
        each as the XML that Windows renders. The exit code is Windows' error; None where no one can be asked."""
