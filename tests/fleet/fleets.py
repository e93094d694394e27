"""Instances and bundles of a made-up scale set."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from collector.bundle.writer import write
from collector.fleet.compare.grouping import Instance, Told
from collector.fleet.compare.masking import masked
from collector.model import BundleInfo, DiskFacts, Evidence, ExtensionState, Finding, LedgerEntry
from tests.bundle.samples import CSE, EVENTS, FINDING, IDENTITY, REPORT, STDERR, at, seal

AMA = "Microsoft.Azure.Monitor.AzureMonitorLinuxAgent"
LOCKED = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process {} (unattended-upgr)"
NOON = at("12:00:00")


def told(message: str = LOCKED.format(1), time: datetime | None = NOON, **changes) -> Told:
    values = {"kind": "failure", "extension": CSE, "operation": "Enable", "exit_code": 100}
    return Told(**{**values, "masked": masked(message), "message": message, "time": time, **changes})


def instance(number: int, *failures: Told, **changes) -> Instance:
    hangs = all(one.kind == "hang" for one in failures)
    verdict = ("hanging" if hangs else "failed") if failures else "healthy"
    values = {
        "key": f"vm-{number}", "name": f"web_{number}", "id": str(number), "scale_set": "web", "system": "linux",
        "bundle": f"{number:016x}", "place": f"{number}.zip", "created": NOON, "verdict": verdict, "told": failures,
    }  # fmt: skip
    return Instance(**{**values, **changes})


def bundle(
    folder: Path, number: int, *findings: Finding, minutes: int = 0, name: str | None = None, **changes
) -> BundleInfo:
    """A real bundle of instance `number`, healthy without findings, collected so many minutes after noon."""
    identity = replace(
        IDENTITY, instance_name=f"web_{number}", computer_name=f"web{number:06d}", scale_set="web",
        instance_id=str(number), vm_id=f"vm-{number}", resource_id=None,
    )  # fmt: skip
    kinds = {one.failure.kind for one in findings}
    report = replace(
        REPORT,
        created=NOON + timedelta(minutes=minutes),
        verdict="failed" if "failure" in kinds else "hanging" if "hang" in kinds else "healthy",
        identity=identity,
        findings=findings,
        failures=tuple(one.failure for one in findings),
        others=(ExtensionState(AMA, None, "1.33.2", "success"),),
        excerpts=REPORT.excerpts if findings else (),
        events=EVENTS if findings else (),
    )  # fmt: skip
    made = write(replace(report, **changes), seal=seal, audit=dict, folder=folder)
    return made if name is None else replace(made, path=made.path.rename(folder / name))


def locked(number: int, pid: int = 1, **changes) -> Finding:
    """The package manager's lock, as instance `number` tells it."""
    message, seen = LOCKED.format(pid), at("10:02:11") + timedelta(minutes=number)
    own = {key: value for key, value in changes.items() if key in Finding.__dataclass_fields__}
    values = {
        "message": message,
        "first_time": seen,
        "last_time": seen,
        "evidence": (Evidence(STDERR, 14, None, message),),
    }
    failure = replace(FINDING.failure, **{**values, **{k: v for k, v in changes.items() if k not in own}})
    return replace(FINDING, failure=failure, **own)


def settings(sequence: int, told: str) -> LedgerEntry:
    return LedgerEntry(
        f"var/lib/waagent/{CSE}-2.1.19/config/{sequence}.settings", "settings", "skipped", settings_hash=told
    )


def disk(free: int) -> DiskFacts:
    return DiskFacts("/", 31_000_000_000, free, 1_900_000)
