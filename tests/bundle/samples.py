"""Reports as the stages before would hand them over; every secret-looking thing in them is made up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from collector.model import (
    DiskFacts,
    Evidence,
    Excerpt,
    ExtensionState,
    Failure,
    Finding,
    Identity,
    LedgerEntry,
    Line,
    ProcessFacts,
    Record,
    RedactedText,
    Report,
    SystemFacts,
    Window,
)

CSE = "Microsoft.Azure.Extensions.CustomScript"
AGENT_LOG = "var/log/waagent.log"
HANDLER_LOG = f"var/log/azure/{CSE}/handler.log"
STDERR = "var/lib/waagent/custom-script/download/3/stderr"
STATUS = f"var/lib/waagent/{CSE}-2.1.19/status/3.status"
LOCKED = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1873 (unattended-upgr)"


class Sealer:
    """A redactor that does to each text what it is told, by default nothing."""

    def __init__(self, text: Callable[[str], Any] = RedactedText) -> None:
        self.text = text

    def dumped(self, value: object, dump: Callable[[Any], str]) -> RedactedText:
        made: RedactedText = self.text(dump(self._each(value)))
        assert isinstance(made, str)
        return made

    def dumped_each(self, values: Iterable[object], dump: Callable[[Any], str]) -> RedactedText:
        made: RedactedText = self.text("".join(dump(self._each(value)) for value in values))
        assert isinstance(made, str)
        return made

    def member(self, name: str) -> AbstractContextManager[None]:
        return nullcontext()

    def _each(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._each(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._each(item) for item in value]
        return self.text(value) if isinstance(value, str) else value


seal = Sealer()


def at(clock: str, day: str = "2026-11-23") -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}+00:00")


def local(clock: str, day: str = "2026-11-23") -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}")


FAILURE = Failure(
    kind="failure",
    extension=CSE,
    name=None,
    version="2.1.19",
    operation="Enable",
    sequence=3,
    exit_code=100,
    agent_code=None,
    status_code=2,
    message=LOCKED,
    detail=f"command terminated with exit status=100\n[stdout]\n== bootstrap web tier\n[stderr]\n{LOCKED}",
    first_time=at("10:02:11"),
    last_time=at("10:02:19"),
    hang_since=None,
    limit_seconds=None,
    count=1,
    evidence=(
        Evidence(STDERR, 14, None, LOCKED, "telling"),
        Evidence(HANDLER_LOG, 18, at("10:02:11"), 'event="failed to execute command" error=null', "context"),
        Evidence(HANDLER_LOG, 21, at("10:02:11"), "command terminated with exit status=100", "exit"),
        Evidence(STATUS, 7, at("10:02:11"), "failed to execute command: exit status=100", "result"),
        Evidence(AGENT_LOG, 1412, at("10:02:19"), f"Extension status: [('{CSE}', 'error')]", "result"),
    ),
)
FINDING = Finding(
    id="package-manager-locked",
    failure=FAILURE,
    title="package manager locked",
    owner="script",
    meaning="first-boot upgrade held the lock; it is free now",
    remedy="let the script wait for the lock, then run it again",
    confidence="high",
    do=(
        "apt-get -o DPkg::Lock::Timeout=600 install -y nginx",
        "az vmss extension set -g rg-web --vmss-name vmss-web -n CustomScript "
        "--publisher Microsoft.Azure.Extensions --version 2.1 --settings settings.json --force-update",
    ),
    dont="reinstall unchanged or scale out: the same race",
    documentation="https://learn.microsoft.com/azure/virtual-machines/extensions/custom-script-linux",
)
IDENTITY = Identity(
    system="linux",
    instance_name="vmss-web_12",
    computer_name="vmss-web00000C",
    scale_set="vmss-web",
    instance_id="12",
    resource_group="rg-web",
    resource_id="/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-web/providers/"
    "Microsoft.Compute/virtualMachineScaleSets/vmss-web/virtualMachines/12",
    location="westeurope",
    zone="2",
    os="Ubuntu 22.04",
    agent_version="2.15.0.1",
    vm_id="11111111-2222-3333-4444-555555555555",
    container_id="66666666-7777-8888-9999-000000000000",
    activity_id="aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    correlation_id="ffffffff-0000-1111-2222-333333333333",
    source="metadata service",
)
FACTS = SystemFacts(
    live=True,
    boot_time=at("09:58:00"),
    cpu_count=2,
    load=(0.42, 0.31, 0.12),
    memory_total_bytes=4_100_000_000,
    memory_available_bytes=2_900_000_000,
    disks=(DiskFacts("/", 31_000_000_000, 12_000_000_000, 1_900_000, "rw,relatime"),),
    processes=(
        ProcessFacts(812, "python3", "python3 -u bin/WALinuxAgent-2.15.0.1.egg -run-exthandlers", "sleeping",
                     at("09:58:21"), 12.4, 48_000_000, 1),
    ),
    time_zone="Europe/Berlin",
)  # fmt: skip


def handler_lines() -> tuple[Line, ...]:
    head = "time=2026-11-23T11:02:{:02d}+01:00 version=v2.1.19/git@56a1e6f-clean operation=enable seq=3 "
    texts = [
        'event="seqnum" value=3', 'event="reading configuration"', 'event="read configuration"',
        'event="validating json schema"', 'event="json schema valid"', 'event="parsing configuration json"',
        'event="parsed configuration json"', 'event="validating configuration logically"',
        'event="validated configuration"', 'event="creating output directory" path=/var/lib/waagent',
        'event="created output directory"', "files=0", 'event="executing command" output=/var/lib/waagent',
        'event="executing public commandToExecute"', 'event="executed"', "message=waiting", "message=waiting",
        'event="failed to execute command" error=null output=/var/lib/waagent/custom-script/download/3',
        'event="enable failed"', 'event="clearing settings and script files except most recent seq num"',
        'event="failed to handle" error="failed to execute command: command terminated with exit status=100"',
    ]  # fmt: skip
    return tuple(Line(number, head.format(number % 12) + text) for number, text in enumerate(texts, start=1))


EXCERPTS = (
    Excerpt(
        AGENT_LOG,
        (
            Line(1401, "2026-11-23T10:01:58.123456Z INFO ExtHandler ProcessExtensionsGoalState started"),
            Line(1411, "2026-11-23T10:02:19.000001Z INFO ExtHandler All extensions reached a terminal state"),
            Line(1412, f"2026-11-23T10:02:19.123456Z INFO ExtHandler Extension status: [('{CSE}', 'error')]"),
        ),
        frozenset({1412}),
        left_out=1409,
    ),
    Excerpt(HANDLER_LOG, handler_lines(), frozenset({18, 21})),
    Excerpt(
        STDERR,
        (Line(12, "Reading package lists..."), Line(13, "Waiting for cache lock"), Line(14, LOCKED)),
        frozenset({14}),
        left_out=11,
    ),
)  # fmt: skip
LEDGER = (
    LedgerEntry(AGENT_LOG, "log", "truncated", 4_400_000, 1_500_000, 1412, 1400, 12, 3, "waagent", "utf-8",
                "read to the limit of 1500000 bytes"),
    LedgerEntry(HANDLER_LOG, "log", "read", 4_157, 4_157, 21, 21, 21, 21, "logfmt", "utf-8"),
    LedgerEntry(STDERR, "output", "read", 1_039, 1_039, 14, 14, 14, 3, "", "utf-8"),
    LedgerEntry(STATUS, "status", "read", 635, 635, 24, 1, 1, 0, "", "utf-8"),
    LedgerEntry(f"var/lib/waagent/{CSE}-2.1.19/config/3.settings", "settings", "skipped", 912,
                note="settings hold secrets and are never copied"),
    LedgerEntry("var/log/plugins", "log", "missing"),
)  # fmt: skip
EVENTS = (
    Record(
        path=HANDLER_LOG,
        line=21,
        time=at("10:02:11"),
        basis="offset",
        level="",
        message="failed to execute command: command terminated with exit status=100",
        raw=(handler_lines()[20].text,),
        extension=CSE,
        version="2.1.19",
        operation="enable",
        sequence=3,
        fields={"event": "failed to handle"},
    ),
    Record(AGENT_LOG, 1412, local("10:02:19"), "local", "WARNING", "two\nlines", ("one", "two")),
)
REPORT = Report(
    created=at("10:31:05"),
    agent_version="0.1.0",
    verdict="failed",
    identity=IDENTITY,
    system=FACTS,
    window=Window(at("09:47:11"), at("10:17:19"), "failure in 3.status"),
    findings=(FINDING,),
    failures=(FAILURE,),
    others=(
        ExtensionState(CSE, None, "2.1.19", "error"),
        ExtensionState("Microsoft.Azure.Monitor.AzureMonitorLinuxAgent", None, "1.33.2", "success"),
    ),
    events=EVENTS,
    excerpts=EXCERPTS,
    ledger=LEDGER,
    duration=timedelta(seconds=2.5),
)


def finding(**changes: object) -> Finding:
    """The sample finding with fields of it, or of its failure, changed."""
    own = {key: value for key, value in changes.items() if key in Finding.__dataclass_fields__}
    failure = replace(FAILURE, **{key: value for key, value in changes.items() if key not in own})  # type: ignore[arg-type]
    return replace(FINDING, failure=failure, **own)  # type: ignore[arg-type]


def report(*findings: Finding, **changes: object) -> Report:
    """The sample report with these findings and other fields changed."""
    failures = tuple(finding.failure for finding in findings)
    return replace(REPORT, findings=findings, failures=failures, **changes)  # type: ignore[arg-type]
