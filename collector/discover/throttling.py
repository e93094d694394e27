"""Which control groups of the guest agent and the extensions were held back by their processor quota (Linux)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from collector.discover.handler_paths import extension_in
from collector.model import ThrottleFacts
from collector.platforms.proc import text_of

GROUPS = Path("/sys/fs/cgroup")
#: Where the processor's groups are mounted: version 2, version 2 beside version 1, version 1.
_MOUNTS = ("", "unified", "cpu,cpuacct", "cpuacct,cpu", "cpu")
#: Where systemd keeps the services of agent and extensions (Azure/WALinuxAgent:azurelinuxagent/ga/cgroupapi.py).
_PLACES = (
    "azure.slice/*.slice",
    "azure.slice/*.service",
    "azure.slice/azure-vmextensions.slice/*.slice",
    "azure.slice/azure-vmextensions.slice/*.slice/*.service",
    "system.slice/walinuxagent.service",
    "system.slice/waagent.service",
)
_MOST_GROUPS = 200
_NANOSECONDS, _MICROSECONDS = 1e9, 1e6


def throttled(groups: Path = GROUPS) -> tuple[ThrottleFacts, ...]:
    """Those that were held back at all, the longest first."""
    found = {facts.unit: facts for group in _groups(groups) if (facts := _facts(group)) is not None}
    return tuple(sorted(found.values(), key=lambda facts: -facts.throttled_seconds))


def _groups(groups: Path) -> Iterator[Path]:
    seen = 0
    for mount in _MOUNTS:
        for place in _PLACES:
            for group in (groups / mount).glob(place):
                seen += 1
                if seen > _MOST_GROUPS:
                    return
                yield group


def _facts(group: Path) -> ThrottleFacts | None:
    stat = _numbers(text_of(group / "cpu.stat"))
    if "throttled_usec" in stat:
        seconds = stat["throttled_usec"] / _MICROSECONDS
        quota, _, period = text_of(group / "cpu.max").strip().partition(" ")
    elif "throttled_time" in stat:
        seconds = stat["throttled_time"] / _NANOSECONDS
        quota, period = (text_of(group / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period"))
    else:
        return None
    if not seconds:
        return None
    percent = 100 * int(quota) / int(period) if quota.isdigit() and period.isdigit() and int(period) else None
    return ThrottleFacts(group.name, extension_in(group.name), round(seconds, 1), percent)


def _numbers(text: str) -> Mapping[str, int]:
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}
