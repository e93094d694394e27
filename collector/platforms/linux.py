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

    def root(self) -> Path:
        return Path("/")

    def names(self) -> tuple[str | None, str | None]:
        return os.uname().nodename or None, None  # files tell the system

    def state_dir(self) -> Path:
        if self.is_admin():
            return Path("/var/lib/vmext")
        base = Path(os.environ.get("XDG_STATE_HOME", ""))
        if base.is_absolute():  # others are to be ignored (XDG Base Directory Specification)
            return base / "vmext"
        try:
            return Path.home() / ".local" / "state" / "vmext"
        except RuntimeError:  # a user without a home, as in a container
            import tempfile

            return Path(tempfile.gettempdir()) / f"vmext-{os.geteuid()}"

    def config_file(self) -> Path:
        return Path("/etc/vmext/config.toml")

    def lower_priority(self) -> None:
        with suppress(OSError):
            os.nice(max(0, _NICE - os.getpriority(os.PRIO_PROCESS, 0)))

    def lower_io_priority(self) -> None:
        import psutil

        with suppress(psutil.Error, OSError, AttributeError):
            psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)

    def make_private(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        owner = folder.stat().st_uid
        if owner == os.geteuid():
            folder.chmod(0o700)
        elif owner != 0 and not self.is_admin():
            raise PermissionError(f"{folder} belongs to another user")
