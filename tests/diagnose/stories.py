"""Failures and machines in one line each, for the tables of the tests beside this file."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from collector.model import DiskFacts, Evidence, Failure, ProcessFacts, SystemEvent, SystemFacts

CSE = "Microsoft.Azure.Extensions.CustomScript"
WCSE = "Microsoft.Compute.CustomScriptExtension"
AMA = "Microsoft.Azure.Monitor.AzureMonitorLinuxAgent"
NOW = datetime(2026, 5, 4, 10, 0, tzinfo=timezone.utc)
GB = 1_000_000_000


def failure(extension: str = "P.T", message: str = "zzz qqq", **changes: Any) -> Failure:
    values = {
        "kind": "failure", "extension": extension, "name": None, "version": "2.1.19", "operation": "Enable",
        "sequence": 3, "exit_code": None, "agent_code": None, "status_code": None, "message": message,
        "detail": message, "first_time": NOW, "last_time": NOW, "hang_since": None, "limit_seconds": None, "count": 1,
        "evidence": (Evidence("var/log/x.log", 7, NOW, message),),
    }  # fmt: skip
    return Failure(**{**values, **changes})


def hang(extension: str = "P.T", message: str = "no end", **changes: Any) -> Failure:
    return failure(extension, message, **{"kind": "hang", "hang_since": NOW, "limit_seconds": 300, **changes})


def facts(**changes: Any) -> SystemFacts:
    return SystemFacts(**{"live": True, **changes})


def disk(mount: str, free: int = 10 * GB, total: int = 30 * GB, options: str = "rw", inodes: int | None = 10**6):
    return DiskFacts(mount, total, free, inodes, options)


def event(kind: str, minutes: float, text: str = "") -> SystemEvent:
    """Something that the system's log tells, so many minutes after NOW."""
    return SystemEvent(kind, NOW + timedelta(minutes=minutes), text or kind, "var/log/syslog", 5)  # type: ignore[arg-type]


def process(extension: str | None, waits_for: str = "", name: str = "bash") -> ProcessFacts:
    return ProcessFacts(1234, name, f"{name} ./setup.sh", "sleeping", NOW, 0.1, 10**6, extension=extension,
                        waits_for=waits_for)  # fmt: skip
