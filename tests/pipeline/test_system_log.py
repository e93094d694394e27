"""What the system's own logs on a disk tell of a window, wherever in them it stands."""

from __future__ import annotations

import gzip
import os
import struct
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from collector.model import Window, iso
from collector.pipeline.system_log import Told, system_events

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)
WINDOW = Window(NOON - timedelta(minutes=30), NOON + timedelta(minutes=30), "")
KILL = "kernel: [  812.3] Out of memory: Killed process {} (apt-get) total-vm:1kB"


def stamp(moment: datetime) -> str:
    return f"{moment:%b} {moment.day:2} {moment:%H:%M:%S}"


def syslog(moment: datetime, *more: tuple[datetime, str]) -> str:
    """A line each minute of the two days before a moment, and some more in their places."""
    quiet = [(moment - timedelta(minutes=n), "CRON[33]: (root) CMD (true)") for n in range(2_880)]
    return "".join(f"{stamp(at)} web-1 {text}\n" for at, text in sorted([*quiet, *more], key=lambda one: one[0]))


def told(root: Path, window: Window = WINDOW, zone: timezone | ZoneInfo | None = timezone.utc, **more: object) -> Told:
    return system_events(root, "linux", window, zone, **{"live": False, "now": NOON, **more})  # type: ignore[arg-type]


def write(root: Path, path: str, data: str | bytes) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data.encode() if isinstance(data, str) else data)


def test_only_what_lies_in_the_window(tmp_path: Path):
    at = (
        NOON - timedelta(days=1),
        NOON - timedelta(minutes=31),
        NOON - timedelta(minutes=5),
        NOON + timedelta(hours=1),
    )
    lines = [(moment, KILL.format(100 + n)) for n, moment in enumerate(at)]
    write(tmp_path, "var/log/syslog", syslog(NOON + timedelta(hours=6), *lines))
    (event,) = told(tmp_path).events
    assert (event.kind, event.pid, event.process, event.path) == ("oom-kill", 102, "apt-get", "var/log/syslog")
    assert event.time == NOON - timedelta(minutes=5)
    line = (tmp_path / "var/log/syslog").read_text().splitlines()[event.line - 1]
    assert line == event.text


def test_several_logs_tell_the_same_and_rotated_ones_more(tmp_path: Path):
    kill = (NOON, KILL.format(9))
    step = (NOON - timedelta(minutes=10), "chronyd[6]: System clock was stepped by 3600.1 seconds")
    write(tmp_path, "var/log/syslog", syslog(NOON + timedelta(hours=1))[-20_000:])
    write(tmp_path, "var/log/syslog.1", syslog(NOON + timedelta(minutes=20), kill))
    write(tmp_path, "var/log/syslog.2.gz", gzip.compress(syslog(NOON - timedelta(minutes=9), step).encode()))
    write(tmp_path, "var/log/kern.log", syslog(NOON + timedelta(hours=1), kill))
    assert [(event.kind, event.path) for event in told(tmp_path).events] == [
        ("clock-step", "var/log/syslog.2.gz"),
        ("oom-kill", "var/log/syslog.1"),
    ]


def test_red_hats_names_and_a_zone(tmp_path: Path):
    zone = ZoneInfo("Asia/Tokyo")
    local = NOON.astimezone(zone).replace(tzinfo=None)
    text = "".join(
        f"{stamp(local)} web-1 {line}\n"
        for line in ("systemd[1]: Stopped Azure Linux Agent.", "kernel: Linux version 4.18.0")
    )
    write(tmp_path, "var/log/messages-20260504", text)
    assert [(event.kind, event.time) for event in told(tmp_path, zone=zone).events] == [
        ("agent-stop", NOON),
        ("boot", NOON),
    ]
    unknown = told(tmp_path, zone=None).events
    assert [iso(event.time) for event in unknown] == ["2026-05-04T21:00:00"] * 2  # local, not called UTC


def test_a_disk_of_years_ago(tmp_path: Path):
    """Stamps without a year are of the window's year, not of today's."""
    then = NOON.replace(year=2019)
    write(tmp_path, "var/log/syslog", syslog(then + timedelta(hours=1), (then, KILL.format(5))))
    window = Window(then - timedelta(minutes=15), then + timedelta(minutes=15), "")
    assert [event.time for event in told(tmp_path, window).events] == [then]


def test_a_flood_is_bounded(tmp_path: Path):
    full = "rsyslogd: file '/var/log/syslog'[7] write error: No space left on device"
    lines = [(NOON + timedelta(seconds=n / 10 - 300), full) for n in range(6_000)]
    write(tmp_path, "var/log/syslog", syslog(NOON + timedelta(hours=1), *lines))
    events = told(tmp_path).events
    assert 2 <= len(events) <= 20
    assert events[0].time == NOON - timedelta(minutes=5)
    assert events[-1].time is not None
    assert events[-1].time > NOON + timedelta(minutes=4, seconds=50)


def test_a_large_log_is_not_read_whole(tmp_path: Path):
    line = f"{stamp(NOON - timedelta(days=3))} web-1 CRON[33]: (root) CMD ({'x' * 400})\n"
    old = line * 50_000  # 22 MB
    write(tmp_path, "var/log/syslog", old + syslog(NOON + timedelta(days=1)))
    before = read_so_far()
    assert told(tmp_path).events == ()
    if before is not None:
        assert (read_so_far() or 0) - before < 5_000_000
    write(tmp_path, "var/log/syslog", old + syslog(NOON + timedelta(days=1), (NOON, KILL.format(5))))
    (event,) = told(tmp_path).events
    assert (tmp_path / "var/log/syslog").read_text().splitlines()[event.line - 1] == event.text


def read_so_far() -> int | None:
    """Bytes that this process has read, where the kernel counts them."""
    try:
        text = Path("/proc/self/io").read_text()
    except OSError:
        return None
    return int(text.split()[1])


def test_boots_by_the_systems_list(tmp_path: Path):
    form = "<hxxi32s4s32s256shhii40x"
    when = int(NOON.timestamp())
    data = b"".join(
        struct.pack(form, kind, 0, b"~", b"~~", user, b"6.8.0-azure", 0, 0, 0, at)
        for kind, user, at in ((2, b"reboot", when - 90_000), (1, b"shutdown", when), (2, b"reboot", when + 40))
    )
    write(tmp_path, "var/log/wtmp", data)
    assert [(event.kind, event.line, event.path) for event in told(tmp_path).events] == [
        ("shutdown", 2, "var/log/wtmp"),
        ("boot", 3, "var/log/wtmp"),
    ]


def test_logs_of_the_agent_and_of_cloud_init_count_only_for_themselves(tmp_path: Path):
    agent = f"{NOON:%Y-%m-%dT%H:%M:%S}.000000Z INFO Daemon Daemon Azure Linux Agent Version: 2.12.0.2\n"
    agent += f"{NOON:%Y-%m-%dT%H:%M:%S}.000000Z ERROR ExtHandler [Acme.App-1.0] tar: No space left on device\n"
    write(tmp_path, "var/log/waagent.log", agent)
    write(
        tmp_path,
        "var/log/cloud-init.log",
        f"{NOON:%Y-%m-%d %H:%M:%S},123 - util.py[WARNING]: [Errno 28] No space left on device\n",
    )
    assert [(event.kind, event.path) for event in told(tmp_path, zone=ZoneInfo("Asia/Tokyo")).events] == [
        ("agent-start", "var/log/waagent.log"),
        ("disk-full", "var/log/cloud-init.log"),
    ]


def test_the_windows_agents_log(tmp_path: Path):
    write(
        tmp_path,
        "WindowsAzure/Logs/WaAppAgent.log",
        f"[00000006] {NOON:%Y-%m-%dT%H:%M:%S}.440Z [INFO]  WindowsAzureGuestAgent starting. Version 2.7\n",
    )
    write(
        tmp_path,
        "WindowsAzure/Logs/WaAppAgent.000.log",
        f"[00000006] {NOON:%Y-%m-%dT11:55:00}.440Z [INFO]  WindowsAzureGuestAgent stopped successfully.\n",
    )
    found = system_events(tmp_path, "windows", WINDOW, None, live=False, now=NOON).events
    assert [(event.kind, event.path) for event in found] == [
        ("agent-stop", "WindowsAzure/Logs/WaAppAgent.000.log"),
        ("agent-start", "WindowsAzure/Logs/WaAppAgent.log"),
    ]


def test_without_a_window_everything_is_read(tmp_path: Path):
    write(tmp_path, "var/log/syslog", syslog(NOON, (NOON - timedelta(days=1), KILL.format(5))))
    assert len(told(tmp_path, Window(None, None, "")).events) == 1


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 5_000, b"\x1f\x8b\x08 no archive", b"\xff\xfe\x00", b"no stamps at all\n" * 50, b"May  4"]
)
def test_a_broken_log_stops_nothing(tmp_path: Path, data: bytes):
    for path in (
        "var/log/syslog",
        "var/log/messages.1",
        "var/log/wtmp",
        "var/log/kern.log.2.gz",
        "var/log/waagent.log",
    ):
        write(tmp_path, path, data)
    (tmp_path / "var/log/syslog.1").mkdir()
    assert told(tmp_path) == Told(())


# ---- the journal ---------------------------------------------------------------------------------------

JOURNAL = """#!/bin/sh
echo "$@" > "$(dirname "$0")/asked"
cat <<'END'
2026-05-04T14:00:00+0200 web-1 kernel: Out of memory: Killed process 5 (apt-get) total-vm:1kB
2026-05-04T18:00:00+0200 web-1 kernel: Out of memory: Killed process 6 (apt-get) total-vm:1kB
-- Reboot --
END
"""


def test_a_disk_with_nothing_but_a_journal_says_so(tmp_path: Path):
    write(tmp_path, "var/log/journal/0123/system.journal", b"LPKSHHRH")
    assert told(tmp_path).note == "the system's own log is the journal in var/log/journal, which was not read"
    write(tmp_path, "var/log/syslog", syslog(NOON))
    assert told(tmp_path).note == ""


@pytest.mark.skipif(sys.platform == "win32", reason="a program of Linux")
def test_the_running_systems_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program = tmp_path / "bin" / "journalctl"
    program.parent.mkdir()
    program.write_text(JOURNAL)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}/usr/bin{os.pathsep}/bin")
    (event,) = told(tmp_path, live=True).events
    assert (event.kind, event.pid, event.path, event.time) == ("oom-kill", 5, "", NOON)
    asked = (program.parent / "asked").read_text()
    assert (
        f"--since=@{int(NOON.timestamp()) - 1800} --until=@{int(NOON.timestamp()) + 1801} _TRANSPORT=kernel + _PID=1 +"
        in asked
    )


@pytest.mark.skipif(sys.platform == "win32", reason="a program of Linux")
@pytest.mark.parametrize("script", ["#!/bin/sh\nexit 1\n", "#!/bin/sh\nyes x\n", "no program"])
def test_a_journal_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str):
    program = tmp_path / "bin" / "journalctl"
    program.parent.mkdir()
    program.write_text(script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}/usr/bin{os.pathsep}/bin")
    write(tmp_path, "var/log/journal/0123/system.journal", b"LPKSHHRH")
    found = told(tmp_path, live=True)
    assert found.events == ()
    assert found.note == ("" if "yes" in script else "the system's journal could not be asked")
