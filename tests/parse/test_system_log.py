"""Lines of the logs of several systems, as they stand there, and what they tell."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from collector.model import iso
from collector.parse.system_log import WORDS, bounds_near, distinct, event_in, stamp_of

NEAR = datetime(2026, 5, 4, 9, 30, tzinfo=timezone.utc)

LINES = [
    # Ubuntu 22.04: the kernel tells one kill in two lines
    ("May  4 09:12:33 web-1 kernel: [  812.345678] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/azure.slice/x.slice,task=apt-get,pid=1234,uid=0", "oom-kill", "apt-get", 1234),
    ("May  4 09:12:33 web-1 kernel: [  812.345700] Out of memory: Killed process 1234 (apt-get) total-vm:8123456kB, anon-rss:7000000kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:14000kB oom_score_adj:0", "oom-kill", "apt-get", 1234),
    # CentOS 7 and older kernels
    ("May  4 09:12:33 web-1 kernel: Out of memory: Kill process 4711 (java) score 901 or sacrifice child", "oom-kill", "java", 4711),
    ("2026-05-04T09:12:33.123456+00:00 web-1 kernel: Memory cgroup out of memory: Killed process 77 (python3) total-vm:1kB, anon-rss:1kB", "oom-kill", "python3", 77),
    ("May  4 09:12:34 web-1 systemd[1]: enable_7c5cab19.scope: A process of this unit has been killed by the OOM killer.", "oom-kill", "enable_7c5cab19.scope", None),
    ("May  4 09:12:34 web-1 systemd-oomd[612]: Killed /system.slice/x.service due to memory pressure for /system.slice being 71%", "oom-kill", "/system.slice/x.service", None),
    ("May  4 09:12:33 web-1 kernel: [    0.000000] Linux version 5.15.0-1064-azure (buildd@lcy02-amd64-010) (gcc 11.4.0)", "boot", "", None),
    ("May  4 09:12:33 web-1 kernel: Linux version 4.18.0-553.el8_10.x86_64 (mockbuild@x86-vm-07) (gcc version 8.5.0)", "boot", "", None),
    ("May  4 09:12:33 web-1 systemd[1]: Reached target Reboot.", "shutdown", "", None),
    ("May  4 09:12:33 web-1 systemd[1]: Reached target System Reboot.", "shutdown", "", None),
    ("2026-05-04T09:12:33.1+02:00 web-1 systemd[1]: Reached target reboot.target - System Reboot.", "shutdown", "", None),
    ("May  4 09:12:33 web-1 systemd[1]: Reached target Power-Off.", "shutdown", "", None),
    ("May  4 09:12:33 web-1 systemd[1]: Reached target poweroff.target - System Power Off.", "shutdown", "", None),
    ("May  4 09:12:33 web-1 systemd-logind[700]: System is rebooting.", "shutdown", "", None),
    ("May  4 09:12:33 web-1 systemd-logind[700]: The system will reboot now!", "shutdown", "", None),
    ("May  4 09:12:33 web-1 systemd[1]: Shutting down.", "shutdown", "", None),
    ("May  4 09:12:33 web-1 rsyslogd: file '/var/log/syslog'[7] write error: No space left on device [v8.2112.0]", "disk-full", "", None),
    ("2026-05-04 09:12:33,123 - util.py[WARNING]: OSError: [Errno 28] No space left on device: '/var/lib/cloud/x'", "disk-full", "", None),
    ("May  4 09:12:33 web-1 kernel: EXT4-fs (sda1): Remounting filesystem read-only", "read-only", "", None),
    ("May  4 09:12:33 web-1 kernel: XFS (dm-0): Corruption of in-memory data detected.  Shutting down filesystem", "read-only", "", None),
    ("May  4 09:12:33 web-1 kernel: BTRFS info (device sda2): forced readonly", "read-only", "", None),
    ("May  4 09:12:33 web-1 chronyd[611]: System clock was stepped by 3600.123456 seconds", "clock-step", "", None),
    ("May  4 09:12:33 web-1 chronyd[611]: System clock wrong by -2.521233 seconds, adjustment started", "clock-step", "", None),
    ("May  4 09:12:33 web-1 systemd[1]: Time has been changed", "clock-step", "", None),
    ("May  4 09:12:33 web-1 ntpd[500]: time reset +7200.332211 s", "clock-step", "", None),
    ("May  4 09:12:33 web-1 ntpdate[500]: step time server 10.0.0.1 offset 3.123456 sec", "clock-step", "", None),
    ("May  4 09:12:33 web-1 systemd[1]: Stopped Azure Linux Agent.", "agent-stop", "", None),
    ("May  4 09:12:33 web-1 systemd[1]: Stopped walinuxagent.service - Azure Linux Agent.", "agent-stop", "", None),
    ("May  4 09:12:33 web-1 systemd[1]: waagent.service: Main process exited, code=killed, status=9/KILL", "agent-stop", "", None),
    ("May  4 09:12:33 web-1 systemd[1]: Started Azure Linux Agent.", "agent-start", "", None),
    ("May  4 09:12:33 web-1 systemd[1]: Started walinuxagent.service - Azure Linux Agent.", "agent-start", "", None),
    ("2026/05/04 09:12:33.104200 INFO Daemon Azure Linux Agent Version:2.2.45", "agent-start", "", None),
    ("2026-05-04T09:12:33.104200Z INFO Daemon Daemon Azure Linux Agent Version: 2.12.0.2", "agent-start", "", None),
    ("[00000006] [05/04/2026 09:12:33.44] [INFO]  WindowsAzureGuestAgent starting. Version 2.7.41491.949", "agent-start", "", None),
    ("[00000006] 2026-05-04T09:12:33.440Z [INFO]  WindowsAzureGuestAgent stopped successfully.", "agent-stop", "", None),
]  # fmt: skip


@pytest.mark.parametrize(("line", "kind", "process", "pid"), LINES, ids=[line[-40:] for line, *_ in LINES])
def test_what_a_line_tells(line: str, kind: str, process: str, pid: int | None):
    stamp = stamp_of(line, NEAR, timezone.utc)
    assert stamp is not None
    assert stamp.moment.minute == 12
    event = event_in(line, stamp.moment, "var/log/syslog", 7)
    assert event is not None
    assert (event.kind, event.process, event.pid, event.text) == (kind, process, pid, line)
    assert any(word in line.lower() for word in WORDS), "the quick look would pass it over"


@pytest.mark.parametrize(
    "line",
    [
        "May  4 09:12:33 web-1 kernel: EXT4-fs error (device sda1): ext4_find_entry:1455: inode #1: comm x: reading directory",
        "May  4 09:12:33 web-1 kernel: EXT4-fs (sda1): re-mounted. Opts: discard,errors=remount-ro. Quota mode: none.",
        "May  4 09:12:33 web-1 kernel: EXT4-fs (sda1): mounted filesystem with ordered data mode.",
        "May  4 09:12:33 web-1 kernel: XFS (sda2): Ending clean mount",
        "May  4 09:12:33 web-1 systemd[1]: Reached target Multi-User System.",
        "May  4 09:12:33 web-1 systemd[1234]: Reached target Shutdown.",  # of a user's session
        "May  4 09:12:33 web-1 systemd[1]: Stopped target Timers.",
        "May  4 09:12:33 web-1 chronyd[611]: Selected source PHC0",
        "May  4 09:12:33 web-1 systemd[1]: Starting Azure Linux Agent...",
        "May  4 09:12:33 web-1 python3[900]: 2026-05-04T09:12:33Z INFO ExtHandler Linux version is supported",
        "May  4 09:12:33 web-1 CRON[33]: (root) CMD (test -x /usr/sbin/anacron)",
        "[00000004] 2026-05-04T09:12:33.010Z [HEART] WindowsAzureGuestAgent Heartbeat.",
    ],
)
def test_lines_that_tell_nothing_of_the_machine(line: str):
    assert event_in(line, None) is None


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("line", "near", "zone", "moment"),
    [
        ("May  4 09:12:33 h x: y", NEAR, timezone.utc, "2026-05-04T09:12:33Z"),
        ("May  4 09:12:33 h x: y", NEAR, BERLIN, "2026-05-04T07:12:33Z"),
        ("May  4 09:12:33 h x: y", NEAR, None, "2026-05-04T09:12:33"),
        ("May 14 09:12:33.250 h x: y", NEAR, timezone.utc, "2026-05-14T09:12:33.250000Z"),
        ("<6>May  4 09:12:33 h x: y", NEAR, timezone.utc, "2026-05-04T09:12:33Z"),
        # the turn of the year, from both sides
        ("Dec 31 23:59:59 h x: y", datetime(2027, 1, 1, tzinfo=timezone.utc), timezone.utc, "2026-12-31T23:59:59Z"),
        ("Jan  1 00:00:01 h x: y", datetime(2026, 12, 31, tzinfo=timezone.utc), timezone.utc, "2027-01-01T00:00:01Z"),
        # a leap day, which only one of the years has
        ("Feb 29 12:00:00 h x: y", datetime(2025, 1, 15, tzinfo=timezone.utc), timezone.utc, "2024-02-29T12:00:00Z"),
        ("Feb 29 12:00:00 h x: y", datetime(2026, 6, 15, tzinfo=timezone.utc), timezone.utc, None),
        ("May  4 24:12:33 h x: y", NEAR, timezone.utc, None),
        ("Mai  4 09:12:33 h x: y", NEAR, timezone.utc, None),
        ("2026-05-04T09:12:33.123456+02:00 h x: y", NEAR, None, "2026-05-04T07:12:33.123456Z"),
        ("2026-05-04T09:12:33+0200 h x: y", NEAR, None, "2026-05-04T07:12:33Z"),
        ("2026-05-04 09:12:33,123 - util.py[DEBUG]: y", NEAR, BERLIN, "2026-05-04T07:12:33.123000Z"),
        ("-- Boot 0123456789abcdef --", NEAR, None, None),
        ("", NEAR, None, None),
        ("\x00\x00\x00", NEAR, None, None),
    ],
)
def test_stamps(line: str, near: datetime, zone: timezone | None, moment: str | None):
    stamp = stamp_of(line, near, zone)
    assert (iso(stamp.moment) if stamp else None) == moment


def test_bounds_of_a_stamp_whose_zone_nothing_tells():
    low, high = bounds_near(NEAR, None)("May  4 09:12:33 h x: y") or (NEAR, NEAR)
    assert high - low == timedelta(hours=28)
    low, high = bounds_near(NEAR, BERLIN)("May  4 09:12:33 h x: y") or (NEAR, NEAR)
    assert low == high == datetime(2026, 5, 4, 7, 12, 33, tzinfo=timezone.utc)
    assert bounds_near(NEAR, None)("   at Foo.Bar()") is None


def test_one_kill_is_one_event():
    lines = [line for line, kind, *_ in LINES if kind == "oom-kill"][:3]
    events = [event for line in lines if (event := event_in(line, NEAR))]
    assert [event.pid for event in distinct(events)] == [1234, 4711]
    apart = [events[0], replace(events[0], time=NEAR + timedelta(minutes=1))]
    assert len(distinct(apart)) == 2
    unnamed = replace(events[0], pid=None, process="x.scope")
    assert len(distinct([events[0], unnamed])) == 1


def test_a_line_that_holds_a_whole_file_is_not_looked_through_again_and_again():
    begun = time.process_time()
    assert event_in("walinuxagent.service " + "QUJD" * 50_000, None) is None
    assert time.process_time() - begun < 10  # running away
