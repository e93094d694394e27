"""Windows."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from collector.model import System
from collector.platforms.own_folder import make_folder, strangers
from collector.platforms.paths import reachable, system_program

if TYPE_CHECKING:
    from collector.platforms.commands import Answer

#: Names and values of CreateFileW (Microsoft, fileapi.h and winnt.h).
_GENERIC_READ, _SHARE_READ_WRITE_DELETE, _OPEN_EXISTING, _INVALID_HANDLE = 0x80000000, 0x7, 3, -1
#: Of one event log.
_EVENTS_SECONDS, _EVENTS_BYTES = 10.0, 4_000_000


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

    def cache_dir(self) -> Path:
        base = os.environ.get("LOCALAPPDATA")
        return (Path(base) if base else Path(tempfile.gettempdir())) / "vmext" / "cache"

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

    def registry(self, key: str, most: int) -> Mapping[str, Mapping[str, object]]:
        return _registry(key, most)

    #: The program that asks event logs.
    wevtutil: Sequence[str] = (system_program("wevtutil.exe"),)

    def event_log(self, channel: str, query: str, most: int) -> Answer | None:
        from collector.platforms.commands import asked

        how = [f"/q:{query}", f"/c:{most}", "/rd:true", "/f:RenderedXml", "/uni:true"]
        return asked([*self.wevtutil, "qe", channel, *how], seconds=_EVENTS_SECONDS, most_bytes=_EVENTS_BYTES)

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

    def long_name(path: Path) -> str:
        """The last name of a path as the folder lists it, where the path has its short form (``WINDOW~1``)."""
        long = ctypes.create_unicode_buffer(32_768)
        length = _kernel32.GetLongPathNameW(str(path), long, len(long))
        return Path(long.value).name if 0 < length < len(long) else path.name

    def open_shared(file: Path) -> int:
        """A descriptor to read from, while which others may write, rename and delete the file. Raises OSError.

        Python's own open lets others write but neither rename nor delete: it would stop the rotation of a log.
        """
        handle = _kernel32.CreateFileW(
            str(reachable(file)), _GENERIC_READ, _SHARE_READ_WRITE_DELETE, None, _OPEN_EXISTING, 0, None
        )
        if handle in (None, ctypes.c_void_p(_INVALID_HANDLE).value):
            raise ctypes.WinError(ctypes.get_last_error())
        try:
            return msvcrt.open_osfhandle(handle, os.O_RDONLY | os.O_NOINHERIT)
        except OSError:
            _kernel32.CloseHandle(handle)
            raise

    #: Values of one key that are looked at.
    _MOST_VALUES = 256

    def _registry(key: str, most: int) -> Mapping[str, Mapping[str, object]]:
        """A 32-bit Python must ask for the keys of the system's own programs, too."""
        access = winreg.KEY_READ | winreg.KEY_WOW64_64KEY
        found: dict[str, Mapping[str, object]] = {}
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key, 0, access) as above:
            for number in range(min(most, winreg.QueryInfoKey(above)[0])):
                try:
                    name = winreg.EnumKey(above, number)
                    with winreg.OpenKey(above, name, 0, access) as one:
                        many = min(_MOST_VALUES, winreg.QueryInfoKey(one)[1])
                        found[name] = {value[0]: value[1] for value in map(partial(winreg.EnumValue, one), range(many))}
                except FileNotFoundError:  # an agent removes a handler meanwhile
                    continue
        return found

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

    def _registry(key: str, most: int) -> Mapping[str, Mapping[str, object]]:
        raise FileNotFoundError(f"no registry: {key}")

    def _common_folder() -> str:
        return ""

    def _product_name() -> str | None:
        return None

    def _secure_boot() -> bool | None:
        return None
