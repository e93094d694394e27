"""Windows."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from collector.model import System
from collector.platforms.own_folder import make_folder, strangers

#: Names and values of CreateFileW (Microsoft, fileapi.h and winnt.h).
_GENERIC_READ, _SHARE_READ_WRITE_DELETE, _OPEN_EXISTING, _INVALID_HANDLE = 0x80000000, 0x7, 3, -1


class WindowsHost:
    system: System = "windows"

    def is_admin(self) -> bool:
        return bool(ctypes.windll.shell32.IsUserAnAdmin())  # type: ignore[attr-defined,unused-ignore]

    def root(self) -> Path:
        return Path(os.environ.get("SystemDrive", "C:") + "\\")  # noqa: SIM112 - Windows spells it so

    def names(self) -> tuple[str | None, str | None]:
        return socket.gethostname() or None, _product_name()

    def state_dir(self) -> Path:
        if self.is_admin():
            return self.service_state_dir()
        base = os.environ.get("LOCALAPPDATA")
        return (Path(base) if base else Path(tempfile.gettempdir())) / "vmext"

    def service_state_dir(self) -> Path:
        return self._program_data() / "vmext"

    def config_file(self) -> Path:
        return self._program_data() / "vmext" / "config.toml"

    def lower_priority(self) -> None:
        import psutil

        with suppress(psutil.Error, OSError, AttributeError):
            psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)  # type: ignore[attr-defined,unused-ignore]

    def lower_io_priority(self) -> None:
        import psutil

        with suppress(psutil.Error, OSError, AttributeError):
            psutil.Process().ionice(psutil.IOPRIO_LOW)  # type: ignore[attr-defined,unused-ignore]

    def make_private(self, folder: Path) -> None:
        make_folder(folder, is_admin=self.is_admin(), is_own=folder == self.service_state_dir())

    def trusts(self, file: Path) -> bool:
        try:
            return not [one for place in (file.parent, file) for one in strangers(place, inside=False)]
        except OSError:
            return False

    def folders_written_to(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((str(self.root()), tempfile.gettempdir())))

    def service(self, name: str) -> tuple[str, str] | None:
        import psutil

        ask = getattr(psutil, "win_service_get", None)
        if ask is None:
            return None
        try:
            told = ask(name)
            return str(told.status()), str(told.start_type())
        except (psutil.Error, OSError):
            return None

    def unit_state(self, units: Sequence[str]) -> str:
        return ""

    def journal(self, start: datetime | None, end: datetime | None) -> str | None:
        return None

    def secure_boot(self) -> bool | None:
        return _secure_boot()

    def is_clock_synchronised(self) -> bool | None:
        return None

    @staticmethod
    def _program_data() -> Path:
        return Path(_common_folder() or os.environ.get("ProgramData", r"C:\ProgramData"))  # noqa: SIM112 - its spelling


if sys.platform == "win32":
    import msvcrt
    import winreg

    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _kernel32.CreateFileW.restype = ctypes.c_void_p
    _kernel32.CreateFileW.argtypes = (
        ctypes.c_wchar_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32,
        ctypes.c_void_p,
    )  # fmt: skip
    _kernel32.CloseHandle.argtypes = (ctypes.c_void_p,)

    def open_shared(file: Path) -> int:
        """A descriptor to read from, while which others may write, rename and delete the file. Raises OSError.

        Python's own open lets others write but neither rename nor delete: it would stop the rotation of a log.
        """
        handle = _kernel32.CreateFileW(
            str(file), _GENERIC_READ, _SHARE_READ_WRITE_DELETE, None, _OPEN_EXISTING, 0, None
        )
        if handle in (None, ctypes.c_void_p(_INVALID_HANDLE).value):
            raise ctypes.WinError(ctypes.get_last_error())
        try:
            return msvcrt.open_osfhandle(handle, os.O_RDONLY | os.O_NOINHERIT)
        except OSError:
            _kernel32.CloseHandle(handle)
            raise

    def _common_folder() -> str:
        """%ProgramData% as Windows itself has it, whatever the variable says; "" where it doesn't tell.

        CSIDL_COMMON_APPDATA, of at most MAX_PATH signs (Microsoft, SHGetFolderPathW).
        """
        told = ctypes.create_unicode_buffer(260)
        code = ctypes.windll.shell32.SHGetFolderPathW(None, 0x23, None, 0, told)
        return told.value if code == 0 else ""

    def _product_name() -> str | None:
        """Such as Windows Server 2022 Datacenter."""
        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SOFTWARE\Microsoft\Windows NT\CurrentVersion") as key:
                return str(winreg.QueryValueEx(key, "ProductName")[0]) or None
        except OSError:
            return None

    def _secure_boot() -> bool | None:
        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Control\SecureBoot\State") as key:
                return bool(winreg.QueryValueEx(key, "UEFISecureBootEnabled")[0])
        except OSError:
            return None

else:

    def _common_folder() -> str:
        return ""

    def _product_name() -> str | None:
        return None

    def _secure_boot() -> bool | None:
        return None
