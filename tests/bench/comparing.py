"""`vmext compare` over the bundles of a large scale set: absolute bounds on its time and its memory.

The bundles are made anew for each run, by the writer that collecting uses.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random

from collector.bundle.writer import write
from collector.diagnose.diagnose import diagnose
from collector.model import (
    DiskFacts,
    Evidence,
    Excerpt,
    ExtensionState,
    Failure,
    FindingKind,
    Identity,
    LedgerEntry,
    Line,
    Record,
    Report,
    SystemFacts,
    Verdict,
    Window,
)
from collector.redact.redactor import Redactor
from tests.bench.logs import END, MB
from tests.bench.measuring import Result, measure, unmeasured, vmext
from tests.bench.messages import AMA, CSE, EXTENSIONS, guid, usual, wrong

BUNDLES, QUICK_BUNDLES = 1_000, 50
#: Seconds, and megabytes (10^6 bytes).
TIME_BOUND, MEMORY_BOUND = 10, 200
#: One in so many is healthy.
HEALTHY = 10
_EVENTS, _AGENT_LINES, _SOURCES = 60, 150, 25
_AGENT_LOG = "var/log/waagent.log"


@dataclass(frozen=True, slots=True)
class Kind:
    """A failure as it shows on one instance; `{pid}` and `{guid}` differ from one to the next."""

    extension: str
    operation: str
    exit_code: int | None
    message: str
    path: str
    share: int
    kind: FindingKind = "failure"


KINDS = (
    Kind(CSE, "Enable", 100, "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process {pid} "
         "(unattended-upgr)", "var/lib/waagent/custom-script/download/{turn}/stderr", 6),
    Kind(CSE, "Enable", 22, "curl: (22) The requested URL returned error: 403 (request {guid})",
         "var/lib/waagent/custom-script/download/{turn}/stderr", 3),
    Kind(AMA, "Install", 56, "Install failed with exit code 56 because the package manager on the VM is currently "
         "locked: please wait and try again", f"var/log/azure/{AMA}/extension.log", 2),
    Kind(CSE, "Enable", None, "executing command: bootstrap of {guid}", f"var/log/azure/{CSE}/handler.log", 1, "hang"),
)  # fmt: skip


def run(data: Path, quick: bool) -> list[Result]:
    count = QUICK_BUNDLES if quick else BUNDLES
    with tempfile.TemporaryDirectory(prefix="vmext-bench-", dir=data) as folder:
        return rows(Path(folder), count, make(Path(folder), count))


def rows(folder: Path, count: int, size: int) -> list[Result]:
    """The command as a process, on the bundles of a folder, which have so many bytes."""
    told = f"compare, {count} bundles"
    cost = measure(vmext("compare", "--format", "json", folder), expect=(10,))
    problem = wrong_in(json.loads(cost.out), count)
    if problem:
        return [unmeasured(told, problem)]
    note = f"of {size / count / 1000:.0f} kB each, {size / MB:.0f} MB in all; {cost.cpu:.1f} s of processor"
    return [
        Result(f"{told}: wall time of the process", cost.wall, "s", TIME_BOUND, note=note),
        Result(f"{told}: most memory", cost.rss_mb, "MB", MEMORY_BOUND),
    ]


def wrong_in(document: dict[str, object], count: int) -> str:
    """What the comparison does not tell rightly; empty where it does."""
    kinds = [_kind(number) for number in range(count)]
    expected = sorted(
        (sum(kind is one for kind in kinds), one.extension, one.operation.lower(), one.exit_code) for one in KINDS
    )
    failures: list[dict[str, object]] = document["failures"]  # type: ignore[assignment]
    found = sorted((one["count"], one["extension"], one["operation"], one["exit_code"]) for one in failures)
    healthy = document["instances"]["healthy"]  # type: ignore[index]
    if document["problems"] or healthy != kinds.count(None):
        return f"{healthy} healthy, problems: {document['problems']}"
    return "" if found == expected else f"{found} instead of {expected}"


# ---- bundles -------------------------------------------------------------------------------------------


def make(folder: Path, count: int) -> int:
    """Writes the bundles of a scale set of `count` instances; returns their bytes."""
    total = 0
    for number in range(count):
        redactor = Redactor(b"%032d" % number)
        report = redactor.clean(report_of(number, Random(number)))
        total += write(report, seal=redactor, audit=redactor.document, folder=folder).bytes
    return total


def _kind(number: int) -> Kind | None:
    """Which failure the instance has; None for a healthy one."""
    if number % HEALTHY == 0:
        return None
    shares = [kind for kind in KINDS for _ in range(kind.share)]
    return shares[number % len(shares)]


@cache
def _texts() -> tuple[list[str], list[str]]:
    """Lines that an agent's log usually has, and errors."""
    chance = Random(1)
    usual_lines = [record.decode().rstrip("\n") for record in usual(chance)]
    return usual_lines, [record.decode().rstrip("\n") for record in wrong(chance)]


def report_of(number: int, chance: Random, agent_lines: int = _AGENT_LINES, most_events: int = _EVENTS) -> Report:
    usual_lines, errors = _texts()
    kind, when = _kind(number), END + timedelta(seconds=number)
    verdict: Verdict = "healthy" if kind is None else "hanging" if kind.kind == "hang" else "failed"
    identity = Identity(
        "linux", f"web_{number}", f"web{number:06d}", "web", str(number), "rg-web", vm_id=guid(chance),
        location="westeurope", zone=str(number % 3 + 1), os="Ubuntu 22.04.5 LTS",
        agent_version="2.15.0.1" if kind else "2.14.0.1", source="metadata service",
    )  # fmt: skip
    facts = SystemFacts(
        live=True, boot_time=when - timedelta(minutes=chance.randrange(5, 50)), cpu_count=2,
        memory_total_bytes=4_100_000_000, memory_available_bytes=chance.randrange(2_000_000_000, 3_000_000_000),
        disks=(DiskFacts("/", 31_000_000_000, chance.randrange(2, 4) * 10**9 if kind else 20 * 10**9, 1_900_000),),
    )  # fmt: skip
    failures = (_failure(kind, when, chance),) if kind else ()
    states = tuple(
        ExtensionState(name, None, version, "success")
        for name, version in EXTENSIONS.items()
        if kind is None or name != kind.extension
    )
    findings = diagnose(failures, identity, facts, states)
    texts = chance.choices(usual_lines, k=agent_lines) + (chance.choices(errors, k=5) if kind else [])
    events = tuple(_record(text, place, when) for place, text in enumerate(texts[-most_events:], start=1))
    rows = enumerate("\n".join(texts).split("\n"), start=1)
    excerpts = [
        Excerpt(_AGENT_LOG, tuple(Line(place, f"{when.isoformat()} {text}") for place, text in rows), frozenset())
    ]
    excerpts += [
        Excerpt(one.path, (Line(1, "bootstrap of the web tier"), Line(2, one.text)), frozenset({2}))
        for failure in failures
        for one in failure.evidence
    ]
    return Report(
        when, "0.1.0", verdict, identity, facts, Window(when - timedelta(minutes=15), when, "failure in 3.status"),
        findings, failures, states, events, tuple(excerpts), tuple(_ledger(failures)), timedelta(seconds=1),
    )  # fmt: skip


def _failure(kind: Kind, when: datetime, chance: Random) -> Failure:
    turn, pid, some = chance.randrange(1, 9), chance.randrange(400, 30_000), guid(chance)
    message, path = (text.format(turn=turn, pid=pid, guid=some) for text in (kind.message, kind.path))
    hang = kind.kind == "hang"
    return Failure(
        kind.kind, kind.extension, None, EXTENSIONS[kind.extension], kind.operation, turn, kind.exit_code,
        None, None, message, f"{message}\n[stderr]\n{message}", when, when, when if hang else None,
        5_400 if hang else None, 1, (Evidence(path, 2, when, message),),
    )  # fmt: skip


def _record(text: str, place: int, when: datetime) -> Record:
    level, _, message = text.partition(" ")
    return Record(_AGENT_LOG, place, when, "utc", level, message, tuple(text.split("\n")))


def _ledger(failures: tuple[Failure, ...]) -> Iterator[LedgerEntry]:
    yield LedgerEntry(_AGENT_LOG, "log", "read", 900_000, 60_000, 400, 300, 250, 150, "waagent", "utf-8")
    quoted = {evidence.path for failure in failures for evidence in failure.evidence}
    for path in sorted(quoted):
        kind = "output" if path.endswith("stderr") else "log"
        yield LedgerEntry(path, kind, "read", 200, 200, 2, 2, 2, 2)  # type: ignore[arg-type]
    settings = LedgerEntry("", "settings", "skipped", 900, note="settings hold secrets and are never copied")
    for number, (name, version) in enumerate(EXTENSIONS.items()):
        path = f"var/lib/waagent/{name}-{version}/config/{number}.settings"
        yield replace(settings, path=path, settings_hash="a1f" if failures else "9c0")
    for number in range(_SOURCES):
        yield LedgerEntry(f"var/log/azure/source-{number}.log", "log", "outside-window", 5_000, 5_000, 40, 40)
