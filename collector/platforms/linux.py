"""Linux (and other POSIX systems)."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from collector.model import System
from collector.platforms.own_files import make_private

if TYPE_CHECKING:
    from collector.platforms.commands import Answer

_NICE = 10
#: The system call ioprio_set, which the C library has no name for, where a word has 64 bits (Linux, asm/unistd.h), and
#: its arguments for the calling process and the class idle (ioprio_set(2)).
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}
_WORD = 2**32
_IOPRIO_WHO_PROCESS, _IOPRIO_IDLE = 1, 3 << 13
#: Where the guest agent, handlers and their scripts write.
FOLDERS_WRITTEN_TO = ("/", "/var", "/var/lib/waagent", "/var/log", "/tmp")  # noqa: S108 - only looked at
_FIRMWARE = Path("/sys/firmware")
#: The variable's name in the namespace that UEFI gives to its own (UEFI specification, global variables).
_SECURE_BOOT = "efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#: Attributes of a variable, in bytes, before its value (Linux, Documentation/filesystems/efivarfs.rst).
_ATTRIBUTES = 4
#: Who tells what befell the whole machine; or-ed, with every message that is an error.
_TELLERS = (
    "_TRANSPORT=kernel", "_PID=1", "_COMM=systemd-logind", "_COMM=systemd-oomd", "_COMM=chronyd", "_COMM=ntpd",
    *(f"PRIORITY={level}" for level in range(4)),
)  # fmt: skip
_JOURNAL_SECONDS, _JOURNAL_BYTES = 5.0, 8_000_000
_UNIT_SECONDS = 2.0


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
            return self.service_state_dir()
        base = Path(os.environ.get("XDG_STATE_HOME", ""))
        if base.is_absolute():  # others are to be ignored (XDG Base Directory Specification)
            return base / "vmext"
        try:
            return Path.home() / ".local" / "state" / "vmext"
        except RuntimeError:  # a user without a home, as in a container
            import tempfile

            return Path(tempfile.gettempdir()) / f"vmext-{os.geteuid()}"

    def service_state_dir(self) -> Path:
        return Path("/var/lib/vmext")

    def cache_dir(self) -> Path:
        base = Path(os.environ.get("XDG_CACHE_HOME", ""))
        if base.is_absolute():
            return base / "vmext"
        try:
            return Path.home() / ".cache" / "vmext"
        except RuntimeError:
            return self.state_dir() / "cache"

    def config_file(self) -> Path:
        return Path("/etc/vmext/config.toml")

    def lower_priority(self) -> None:
        with suppress(OSError):
            os.nice(max(0, _NICE - os.getpriority(os.PRIO_PROCESS, 0)))

    def lower_io_priority(self) -> None:
        number = _IOPRIO_SET.get(os.uname().machine)
        if number is not None and sys.platform == "linux" and sys.maxsize > _WORD:
            with suppress(ImportError, OSError, AttributeError):
                import ctypes  # a tenth of the cost of psutil, which nothing else of a mounted disk needs

                ctypes.CDLL(None).syscall(number, _IOPRIO_WHO_PROCESS, 0, _IOPRIO_IDLE)
            return
        import psutil

        with suppress(psutil.Error, OSError, AttributeError):
            psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)

    def make_private(self, folder: Path) -> None:
        make_private(folder)

    def trusts(self, file: Path) -> bool:
        return True  # what reads it looks whose it is

    def folders_written_to(self) -> tuple[str, ...]:
        return FOLDERS_WRITTEN_TO

    def service(self, name: str) -> tuple[str, str] | None:
        return None

    def unit_state(self, units: Sequence[str]) -> str:
        from collector.platforms.commands import answer_of

        for unit in units:
            asked = "--property=LoadState,ActiveState,SubState,Result,InactiveEnterTimestamp"
            answer = answer_of(["systemctl", "show", asked, unit], seconds=_UNIT_SECONDS)
            told = dict(line.split("=", 1) for line in (answer or "").splitlines() if "=" in line)
            if told.get("LoadState") not in (None, "", "not-found"):
                since = told.get("InactiveEnterTimestamp", "").strip()
                state = f"systemd says of {unit}: {told.get('ActiveState')}, {told.get('SubState')}"
                result = f", result {told['Result']}" if told.get("Result") not in (None, "", "success") else ""
                return f"{state}{result}{f', since {since}' if since else ''}"
        return ""

    def journal(self, start: datetime | None, end: datetime | None) -> str | None:
        from collector.platforms.commands import answer_of

        command = ["journalctl", "--no-pager", "--quiet", "--output=short-iso"]
        command += [f"--since=@{int(start.timestamp())}"] if start else []
        command += [f"--until=@{int(end.timestamp()) + 1}"] if end else []
        either = [word for teller in _TELLERS for word in ("+", teller)][1:]
        return answer_of([*command, *either], seconds=_JOURNAL_SECONDS, most_bytes=_JOURNAL_BYTES)

    def secure_boot(self, firmware: Path = _FIRMWARE) -> bool | None:
        try:
            value = (firmware / _SECURE_BOOT).read_bytes()
        except FileNotFoundError:
            return False if firmware.is_dir() and not (firmware / "efi").exists() else None  # started by a BIOS
        except OSError:
            return None
        return value[_ATTRIBUTES] == 1 if len(value) > _ATTRIBUTES else None

    def is_clock_synchronised(self) -> bool | None:
        from collector.platforms.clock import is_synchronised

        return is_synchronised()

    def registry(self, key: str, most: int) -> Mapping[str, Mapping[str, object]]:
        raise FileNotFoundError(f"no registry: {key}")

    def event_log(self, channel: str, query: str, most: int) -> Answer | None:
        return None
