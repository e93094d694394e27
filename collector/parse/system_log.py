"""Lines of a system's own logs: when they were written, and what of the whole machine they tell.

Windows' event logs come as `collector.parse.windows_event` writes them.

Stamps are those of rsyslog's traditional form, which has no year (``May  4 09:12:33 host kernel: x``), of its newer one
and journalctl's (``2026-05-04T09:12:33.123456+02:00 host kernel: x``, ``+0200``), of cloud-init
(``2026-05-04 09:12:33,123 - util.py[WARNING]: x``), and of the guest agents' own logs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Literal

from collector.model import WIDEST, SystemEvent, order
from collector.parse.stamps import Stamp, iso_stamp, local_bounds, local_stamp, slashed_stamp, us_stamp

Kind = Literal["oom-kill", "boot", "shutdown", "disk-full", "read-only", "clock-step", "agent-stop", "agent-start"]
Bounds = Callable[[str], "tuple[datetime, datetime] | None"]

_MONTHS = {
    name: number
    for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)  # noqa: SIM905
}
_TRADITIONAL = re.compile(r"(?:<\d{1,3}>)?([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))? ")
_ISO = re.compile(
    r"(?:\[[0-9A-Fa-f+]{1,40}\] )?\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)\b"
)
_SLASHED = re.compile(r"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?) ")
_US = re.compile(r"(?:\[[0-9A-Fa-f+]{1,40}\] )?\[(\d\d?/\d\d?/\d{4} \d\d?:\d\d:\d\d(?:\.\d{1,9})?)\]")
#: Words of which one stands in every line that tells something; the others are not looked at.
WORDS = (
    "out of memory", "oom-kill", "oom killer", "due to memory", "linux version", "reached target", "system is rebooting",
    "system is powering down", "shutting down", "will reboot now", "will power off now", "no space left on device",
    "read-only", "readonly", "xfs", "filesystem shutdown", "stepped by", "system clock wrong by",
    "time has been changed", "time reset", "step time server", "azure linux agent", "waagent.service",
    "walinuxagent.service", "windowsazureguestagent st", "service control manager", "faulting application name",
)  # fmt: skip
_AGENT_UNIT = r"(?:walinuxagent|waagent)\.service"
#: What the service control manager of Windows calls them in every language, and the numbers of its events of a service
#: that did not start, or ended by itself (Microsoft, events of Service Control Manager). A change of state is told in words.
_AGENT_NAMES = r"Windows Azure Guest Agent|RdAgent"
_ENDS = r"(?:7000|7023|7024|7031|7034)"
#: What each kind looks like. Sources: linux/mm/oom_kill.c, fs/ext4/super.c, fs/xfs/xfs_fsops.c, fs/btrfs/messages.c;
#: systemd (units, logind, oomd, timedated); chrony (logging of reference.c and sys_generic.c); ntpd; the guest agents.
_TELLING: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("oom-kill", re.compile(
        r"[Oo]ut of memory:? [Kk]ill(?:ed)? process (?P<pid>\d+)[ ,]+\((?P<process>[^)]*)\)"
        r"|oom-kill:constraint=.*task=(?P<process2>[^,]*),pid=(?P<pid2>\d+)"
        r"|(?P<process3>\S{1,255}\.(?:service|scope|slice)): A process of this unit has been killed by the OOM killer"
        r"|systemd-oomd\[\d+\]: Killed (?P<process4>\S+) due to memory")),
    ("boot", re.compile(r"kernel: (?:\[ *\d+\.\d+\] )?Linux version \d")),
    ("shutdown", re.compile(
        r"systemd\[1\]: (?:Reached target (?:\S+\.target - )?(?:System )?(?:Shutdown|Reboot|Power.?Off|Halt)\b"
        r"|Shutting down\.)|System is (?:rebooting|powering down)|The system will (?:reboot|power off) now!")),
    ("disk-full", re.compile(r"No space left on device")),
    ("read-only", re.compile(
        r"Remounting filesystem read-only|XFS \([^)]*\): .*(?:[Ss]hutting down filesystem"
        r"|[Ff]ilesystem has been shut down)|BTRFS.*forced readonly")),
    ("clock-step", re.compile(
        r"System clock (?:was stepped by|wrong by) -?\d|systemd\[1\]: Time has been changed|ntpd?\S*: (?:time reset|step time server)"
        r"|ntpdate\S* step time server")),
    ("agent-stop", re.compile(
        rf"systemd\[1\]: (?:Stopped|Stopping) (?:{_AGENT_UNIT} - )?Azure Linux Agent"
        rf"|{_AGENT_UNIT}: Main process exited|WindowsAzureGuestAgent stopp"
        rf"|Service Control Manager {_ENDS}: .*(?:{_AGENT_NAMES})|The (?:{_AGENT_NAMES}) service entered the stopped state"
        r"|Faulting application name: (?:WindowsAzureGuestAgent|WaAppAgent|RdAgent)\.exe")),
    ("agent-start", re.compile(
        rf"systemd\[1\]: Started (?:{_AGENT_UNIT} - )?Azure Linux Agent|(?:INFO|Daemon) Azure Linux Agent Version:"
        rf"|WindowsAzureGuestAgent starting|The (?:{_AGENT_NAMES}) service entered the running state")),
)  # fmt: skip
_LONGEST_TEXT = 1_000  # characters
#: So much of a line is looked at: those that tell something are short, and others may hold whole files.
_MOST_LOOKED_AT = 8_192


def stamp_of(text: str, near: datetime, zone: tzinfo | None) -> Stamp | None:
    """`near`: a moment (UTC) that tells the year where none stands; the stamp is within half a year of it. `zone`: of
    stamps without one; None leaves these local."""
    if found := _TRADITIONAL.match(text):
        stamp = _without_year(found, near)
    elif found := _ISO.match(text):
        stamp = iso_stamp(found[1])
    elif found := _SLASHED.match(text):
        stamp = slashed_stamp(found[1])
    elif found := _US.match(text):
        stamp = us_stamp(found[1])
    else:
        return None
    return local_stamp(stamp.moment, zone) if stamp is not None and stamp.basis == "local" else stamp


def bounds_near(near: datetime, zone: tzinfo | None) -> Bounds:
    """Reads off a line the earliest and the latest moment (UTC) that its stamp can mean."""

    def bounds(text: str) -> tuple[datetime, datetime] | None:
        stamp = stamp_of(text, near, None)
        if stamp is None:
            return None
        if stamp.moment.tzinfo is not None:
            return stamp.moment, stamp.moment
        if zone is not None:
            return local_bounds(stamp.moment, zone)
        moment = stamp.moment.replace(tzinfo=timezone.utc)
        return moment - WIDEST, moment + WIDEST

    return bounds


def event_in(text: str, moment: datetime | None, path: str = "", line: int = 0) -> SystemEvent | None:
    """What a line tells of the machine; None for most."""
    for kind, pattern in _TELLING:
        found = pattern.search(text, 0, _MOST_LOOKED_AT)
        if found is None:
            continue
        named = found.groupdict()
        process = next((value for key, value in named.items() if key.startswith("process") and value), "")
        pid = next((value for key, value in named.items() if key.startswith("pid") and value), None)
        return SystemEvent(kind, moment, text[:_LONGEST_TEXT], path, line, process, int(pid) if pid else None)
    return None


def _without_year(found: re.Match[str], near: datetime) -> Stamp | None:
    month, day, hour, minute, second, fraction = found.groups()
    if month not in _MONTHS:
        return None
    candidates = []
    for year in (near.year - 1, near.year, near.year + 1):
        text = f"{year}-{_MONTHS[month]:02}-{int(day):02}T{hour}:{minute}:{second}"
        stamp = iso_stamp(f"{text}.{fraction}" if fraction else text)
        if stamp is not None:
            candidates.append(stamp)
    return min(candidates, key=lambda stamp: abs(order(stamp.moment) - order(near)), default=None)


def distinct(events: list[SystemEvent], together: timedelta = timedelta(seconds=5)) -> list[SystemEvent]:
    """In the order of time, each once: several files tell the same, and the kernel tells one kill in several lines."""
    kept: list[SystemEvent] = []
    for event in sorted(events, key=lambda one: order(one.time)):
        same = (
            one
            for one in reversed(kept)
            if one.kind == event.kind and order(event.time) - order(one.time) <= together and _is_same(one, event)
        )
        if next(same, None) is None:
            kept.append(event)
    return kept


def _is_same(one: SystemEvent, other: SystemEvent) -> bool:
    """Whether two events of one kind and time are one: not where they hit different processes."""
    return one.pid is None or other.pid is None or one.pid == other.pid
