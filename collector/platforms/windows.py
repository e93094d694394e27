"""Windows."""

from __future__ import annotations

import ctypes
import os
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from collector.model import System

#: Administrators and the system; well-known ids, since names are translated (Microsoft, well-known SIDs).
_GRANTS = ("*S-1-5-32-544:(OI)(CI)F", "*S-1-5-18:(OI)(CI)F")


class WindowsHost:
    system: System = "windows"

    def is_admin(self) -> bool:
        return bool(ctypes.windll.shell32.IsUserAnAdmin())  # type: ignore[attr-defined,unused-ignore]

    def root(self) -> Path:
        return Path(os.environ.get("SystemDrive", "C:") + "\\")  # noqa: SIM112 - Windows spells it so

    def state_dir(self) -> Path:
        if self.is_admin():
            return self._program_data() / "vmext"
        base = os.environ.get("LOCALAPPDATA")
        return (Path(base) if base else Path(tempfile.gettempdir())) / "vmext"

    def config_file(self) -> Path:
        return self._program_data() / "vmext" / "config.toml"

    def lower_priority(self) -> None:
        import psutil

        with suppress(psutil.Error, OSError, AttributeError):
            process = psutil.Process()
            process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)  # type: ignore[attr-defined,unused-ignore]
            process.ionice(psutil.IOPRIO_LOW)  # type: ignore[attr-defined,unused-ignore]

    def make_private(self, folder: Path) -> None:
        new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        if not new or not self.is_admin():
            return
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(
                ["icacls", str(folder), "/inheritance:r", "/grant:r", *_GRANTS],  # noqa: S607 - found by Windows
                check=False,
                capture_output=True,
                timeout=30,
            )

    @staticmethod
    def _program_data() -> Path:
        return Path(os.environ.get("ProgramData", r"C:\ProgramData"))  # noqa: SIM112 - Windows spells it so
