"""The machine that the product runs on: where its files lie, and how it gives way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from collector.platforms import current
from collector.platforms.linux import LinuxHost
from collector.platforms.windows import WindowsHost


def run(script: str, environ: dict[str, str] | None = None) -> str:
    """What a script prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=os.environ | (environ or {}),
    )
    return done.stdout.strip()


class User(LinuxHost):
    """One who is no administrator."""

    def is_admin(self) -> bool:
        return False


class WindowsUser(WindowsHost):
    def is_admin(self) -> bool:
        return False


class WindowsAdmin(WindowsHost):
    def is_admin(self) -> bool:
        return True


@pytest.mark.skipif(sys.platform == "win32", reason="tests/windows has the like for Windows")
def test_this_machine_gives_way_and_never_takes_back():
    script = (
        "from collector.platforms import current; import os; host = current(); host.lower_priority();"
        "first = os.getpriority(os.PRIO_PROCESS, 0); host.lower_priority();"
        "print(first, os.getpriority(os.PRIO_PROCESS, 0))"
    )
    first, second = run(script).split()
    assert int(first) >= 10
    assert first == second


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the class idle is Linux's")
def test_this_machine_reads_and_writes_when_no_one_else_does():
    script = (
        "from collector.platforms import current; import psutil; current().lower_io_priority();"
        "print(psutil.Process().ionice().ioclass == psutil.IOPRIO_CLASS_IDLE)"
    )
    assert run(script) == "True"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps access lists, not modes; see tests/windows")
def test_a_folder_of_ones_own_is_private(tmp_path: Path):
    current().make_private(tmp_path / "a/b")
    assert (tmp_path / "a/b").stat().st_mode & 0o777 == 0o700
    (tmp_path / "a/b").chmod(0o755)
    current().make_private(tmp_path / "a/b")
    assert (tmp_path / "a/b").stat().st_mode & 0o777 == 0o700


def test_a_file_in_the_folders_place_is_told(tmp_path: Path):
    (tmp_path / "a").write_text("x")
    with pytest.raises(OSError, match="exists"):
        current().make_private(tmp_path / "a")


@pytest.mark.skipif(sys.platform == "win32", reason="HOME means nothing there")
@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"XDG_STATE_HOME": "/s", "HOME": "/h"}, "/s/vmext"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/h"}, "/h/.local/state/vmext"),
        ({"XDG_STATE_HOME": "", "HOME": "/h"}, "/h/.local/state/vmext"),
    ],
)
def test_where_state_lies_on_linux(environ: dict[str, str], folder: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert User().state_dir() == Path(folder)
    assert User().cache_dir() == Path("/h/.cache/vmext")
    monkeypatch.setenv("XDG_CACHE_HOME", "/c")
    assert User().cache_dir() == Path("/c/vmext")
    assert User().config_file() == Path("/etc/vmext/config.toml")
    assert User().root() == Path("/")


def test_where_state_lies_on_windows(monkeypatch: pytest.MonkeyPatch):
    for name, value in {"ProgramData": "/p", "LOCALAPPDATA": "/l", "SystemDrive": "E:"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("collector.platforms.windows._common_folder", lambda: "")  # Windows knows better than variables
    assert WindowsAdmin().state_dir() == Path("/p/vmext")
    assert WindowsUser().state_dir() == Path("/l/vmext")
    assert WindowsUser().cache_dir() == Path("/l/vmext/cache")
    assert WindowsUser().config_file() == Path("/p/vmext/config.toml")
    assert str(WindowsUser().root()) == "E:\\"


MOMENTS = (
    "from collector.platforms.local_time import MachineZone; from datetime import datetime, timezone; z = MachineZone();"
    "print(*[datetime(*m).replace(tzinfo=z).astimezone(timezone.utc).isoformat()"
    " for m in ((2026, 1, 1, 12), (2026, 7, 1, 12), (2026, 10, 25, 2, 30))],"
    "datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=z).astimezone(timezone.utc).isoformat(), z.name())"
)


@pytest.mark.skipif(sys.platform == "win32", reason="TZ does not set the zone there; see tests/windows")
@pytest.mark.parametrize(
    ("zone", "utc"),
    [
        ("Europe/Berlin", ["2026-01-01T11", "2026-07-01T10", "2026-10-25T00:30", "2026-10-25T01:30"]),
        ("Asia/Kolkata", ["2026-01-01T06:30", "2026-07-01T06:30", "2026-10-24T21", "2026-10-24T21"]),
    ],
)
def test_the_machines_own_zone_knows_summer_time(zone: str, utc: list[str]):
    told = run(MOMENTS, {"TZ": zone}).split()
    assert [moment.startswith(start) for moment, start in zip(told, utc, strict=False)] == [True] * 4
    assert told[4].startswith("UTC+")


@pytest.mark.skipif(sys.platform == "win32", reason="TZ does not set the zone there; see tests/windows")
def test_the_machines_own_zone_goes_both_ways():
    script = (
        "from collector.platforms.local_time import MachineZone; from datetime import datetime, timedelta, timezone\n"
        "z, start = MachineZone(), datetime(2026, 10, 24, 22, tzinfo=timezone.utc)\n"
        "hours = [start + timedelta(minutes=30 * n) for n in range(12)]\n"
        "print(all(m.astimezone(z).astimezone(timezone.utc) == m for m in hours),"
        " sum(m.astimezone(z).fold for m in hours), datetime.max.replace(tzinfo=z).utcoffset() is not None)"
    )
    assert run(script, {"TZ": "Europe/Berlin"}) == "True 2 True"
