"""Linux (and other POSIX systems)."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from collector.model import System

_NICE = 10


class LinuxHost:
    system: System = "linux"

    def is_admin(self) -> bool:
        return os.geteuid() == 0

    def state_dir(self) -> Path:
        if self.is_admin():
            return Path("/var/lib/vmext")
        base = os.environ.get("XDG_STATE_HOME")
        return (Path(base) if base else Path.home() / ".local" / "state") / "vmext"

    def config_file(self) -> Path:
        return Path("/etc/vmext/config.toml")

    def lower_priority(self) -> None:
        with suppress(OSError):
            os.nice(max(0, _NICE - os.getpriority(os.PRIO_PROCESS, 0)))
        import psutil

        with suppress(psutil.Error, OSError, AttributeError):
            psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)

    def make_private(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(0o700)
