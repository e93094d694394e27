"""The frozen values handed from stage to stage.

Times are `datetime` values. An aware one is in UTC. A naive one is a local time for which nothing on
the disk tells the zone: it is shown without a ``Z`` and never called UTC. Use `iso` to print a moment and
`order` to sort moments, so that no stage has a rule of its own.

Paths in values are relative to the instance's root, with forward slashes (``var/log/waagent.log``,
``WindowsAzure/Logs/WaAppAgent.log``): they mean the same on the live instance and on a mounted disk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import MAXYEAR, MINYEAR, datetime, timedelta, timezone
from pathlib import Path
from typing import Literal, final

System = Literal["linux", "windows"]
FindingKind = Literal["failure", "hang", "warning"]
Owner = Literal["script", "extension", "guest", "network", "platform", "unknown"]
Confidence = Literal["high", "medium", "low"]
Verdict = Literal["healthy", "failed", "hanging", "nothing-found"]
DeliveryState = Literal["delivered", "spooled", "skipped"]
TriggerKind = Literal["command", "watch"]
PracticeState = Literal["pass", "violated", "not-applicable", "unknown"]

#: How a record's time was got: written with Z; with an offset; local and resolved by a known zone; local
#: with nothing that tells the zone; taken from the record before; taken from the file's own time.
TimeBasis = Literal["utc", "offset", "zone", "local", "inherited", "file", "none"]

#: What a discovered file is, and so which reader and parser it gets.
SourceKind = Literal[
    "log",  # lines with stamps
    "output",  # a script's stdout or stderr: lines without stamps
    "status",  # N.status
    "handler-state",  # HandlerState, one word
    "handler-status",  # HandlerStatus, JSON
    "aggregate",  # waagent_status.json, aggregatestatus*.json
    "heartbeat",  # heartbeat.log, HeartBeat.Json
    "settings",  # N.settings: listed, never copied
    "manifest",  # HandlerManifest.json
    "environment",  # HandlerEnvironment.json
    "state",  # other JSON state (provision.json, error.json)
]

Outcome = Literal[
    "read",  # read to its end (or to the end of the window)
    "outside-window",  # read, and holds nothing of the window
    "empty",
    "missing",  # a known place where nothing is
    "denied",
    "vanished",  # listed, gone when opened or while being read
    "not-a-file",
    "truncated",  # only a part was read: budget, or a broken archive
    "undecodable",  # binary, or not the JSON it should be
    "skipped",  # known and deliberately not copied (settings)
    "dropped",  # read, but left out of the bundle for its budget
]


def order(moment: datetime | None) -> datetime:
    """A key that sorts aware and naive moments together; None sorts first."""
    if moment is None:
        return FIRST
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


#: No zone is further from UTC than this.
WIDEST = timedelta(hours=14)
#: The calendar's ends.
FIRST = datetime.min.replace(tzinfo=timezone.utc)
LAST = datetime.max.replace(tzinfo=timezone.utc)


def moved(moment: datetime, by: timedelta) -> datetime:
    """A sum that stops at the calendar's ends."""
    try:
        return moment + by
    except OverflowError:
        return FIRST if by < timedelta(0) else LAST


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 with ``Z`` for UTC, without a zone for a local time that nothing tells the zone of."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        return moment.isoformat()
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat() + "Z"


def moment_of(text: object) -> datetime | None:
    """A moment as `iso` writes it, in UTC where no zone is told; None for anything else, and at the calendar's ends,
    where no zone and no span can be reckoned with it."""
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    if not MINYEAR < moment.year < MAXYEAR:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


@final
class RedactedText(str):
    """Text that may leave the instance. Only `collector.redact` makes one; any string operation on it
    gives a plain `str` again, which the bundle's writer refuses."""

    __slots__ = ()


# ---- discover ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Remains:
    """Lines that no file holds: of a file that is gone, as the resident agent kept them, redacted already; or what
    the system answered when it was asked.

    `is_whole`: nothing is missing; `note`: which lines these are.
    """

    bytes: Callable[[], bytes]
    is_whole: bool
    note: str


@dataclass(frozen=True, slots=True)
class Source:
    """A file that may tell something, found by the tables of `collector/data/sources`."""

    path: str  # relative to the instance's root, forward slashes
    file: Path  # where it is opened on this machine
    kind: SourceKind
    format: str = "auto"  # name of a parser in parse.registry, or "auto"
    extension: str | None = None  # Publisher.Type
    version: str | None = None
    name: str | None = None  # one of several configurations of a handler
    sequence: int | None = None
    size: int = 0  # bytes, when listed
    modified: float = 0.0  # seconds since the epoch, when listed; wrong on a copied disk
    problem: Outcome | None = None  # what listing already found wrong ("denied", "not-a-file")
    note: str = ""
    remains: Remains | None = None  # what is read in place of `file`


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the instance is. Unknown parts are None, never guessed."""

    system: System
    instance_name: str | None = None
    computer_name: str | None = None
    scale_set: str | None = None
    instance_id: str | None = None
    resource_group: str | None = None
    resource_id: str | None = None
    subscription: str | None = None
    location: str | None = None
    zone: str | None = None
    image: str | None = None
    os: str | None = None
    agent_version: str | None = None
    vm_id: str | None = None
    container_id: str | None = None
    activity_id: str | None = None
    correlation_id: str | None = None
    source: str = "unknown"  # "metadata service", "files on the disk", "--instance"


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    pid: int
    name: str
    command: str
    state: str
    started: datetime | None
    cpu_seconds: float
    memory_bytes: int
    children: int = 0
    parent: int | None = None
    extension: str | None = None  # Publisher.Type, where the command line tells it
    waits_for: str = ""  # what a process that does nothing sits in: "input (terminal)", "child apt-get (pid 1873)"
    connections: int | None = None  # open TCP connections; None where no one looked
    open_files: tuple[str, ...] = ()  # paths; only of what hangs, and at most twenty


@dataclass(frozen=True, slots=True)
class DiskFacts:
    """A file system. Of a mounted disk its fstab tells only mount and options: sizes are 0, which means unknown."""

    mount: str
    total_bytes: int
    free_bytes: int
    inodes_free: int | None = None  # None where it has no fixed number of them
    options: str = ""
    holds: tuple[str, ...] = ()  # of the folders that agent and handlers write to, those that lie on it


@dataclass(frozen=True, slots=True)
class SystemEvent:
    """Something of the system as a whole that can end a handler, told by the system's own records."""

    kind: Literal["oom-kill", "boot", "shutdown", "disk-full", "read-only", "clock-step", "agent-stop", "agent-start"]
    time: datetime | None
    text: str  # the line as it stands there
    path: str = ""  # relative to the instance's root; empty where it is no file
    line: int = 0
    process: str = ""  # whom it hit
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class LockHolder:
    """Who holds a package manager's lock now."""

    path: str
    pid: int | None
    process: str = ""
    command: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """The guest agent as a service of this machine."""

    state: Literal["running", "stopped", "absent", "unknown"]
    enabled: bool | None = None  # starts at boot
    extensions_enabled: bool | None = None  # Extensions.Enabled of waagent.conf
    auto_update: bool | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ThrottleFacts:
    """A control group that its quota held back."""

    unit: str  # "azure-vmextensions-Publisher.Type.slice"
    extension: str | None
    throttled_seconds: float
    quota_percent: float | None = None  # of one processor


@dataclass(frozen=True, slots=True)
class ProbeFacts:
    """What came of asking one address."""

    target: str  # "wireserver 168.63.129.16:80"
    reached: bool
    detail: str
    seconds: float


@dataclass(frozen=True, slots=True)
class SystemFacts:
    """What psutil and the disk say about the machine now; empty for a mounted disk (`live` false)."""

    live: bool
    boot_time: datetime | None = None
    cpu_count: int | None = None
    load: tuple[float, ...] = ()
    memory_total_bytes: int | None = None
    memory_available_bytes: int | None = None
    swap_total_bytes: int | None = None
    swap_free_bytes: int | None = None
    memory_stall_percent: float | None = None  # of the last minute, in which some process waited for memory
    disks: tuple[DiskFacts, ...] = ()
    processes: tuple[ProcessFacts, ...] = ()  # the guest agent's and handlers'
    events: tuple[SystemEvent, ...] = ()  # what the system's own logs tell, in the order of time
    events_note: str = ""  # why they may not be all
    locks: tuple[LockHolder, ...] = ()  # of the package managers' locks that are held now
    agent: AgentFacts | None = None
    throttled: tuple[ThrottleFacts, ...] = ()
    clock_offset_seconds: float | None = None  # this clock minus a right one; None where nothing tells
    clock_note: str = ""  # how that is known
    interpreters: tuple[str, ...] = ()  # Pythons a handler could be started with: "/usr/bin/python3 3.6"
    secure_boot: bool | None = None
    probes: tuple[ProbeFacts, ...] = ()  # only where the network was to be probed
    time_zone: str | None = None  # name or path of the zone of the disk, None where nothing tells it
    time_zone_note: str = ""  # why nothing tells it, or what makes it doubtful


# ---- read and parse ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    number: int  # from 1, counted in the file as decoded
    text: str  # without its line end
    cut: bool = False  # longer than the reader's limit, the rest dropped


@dataclass(frozen=True, slots=True)
class Record:
    """One log record: its head line and the lines that belong to it."""

    path: str
    line: int  # number of the head line
    time: datetime | None
    basis: TimeBasis
    level: str  # "ERROR", "WARNING", "INFO", "DEBUG" or "" where the format has none
    message: str  # head's message, then continuation lines, joined by \n; stamps and prefixes taken off
    raw: tuple[str, ...]  # the lines as they stand in the file
    extension: str | None = None
    version: str | None = None
    name: str | None = None
    operation: str | None = None  # "Enable", "Install", ... as the record itself says
    sequence: int | None = None
    fields: Mapping[str, str] = field(default_factory=dict)  # logfmt pairs, waagent "op", thread ...
    format: str = ""  # the parser that made it
    sure: Confidence = "high"  # of the time


@dataclass(frozen=True, slots=True)
class Substatus:
    name: str
    status: str
    code: int | None
    message: str


@dataclass(frozen=True, slots=True)
class StatusFile:
    """N.status as a value. `code` is the file's own field and not an exit code."""

    source: Source
    sequence: int | None
    name: str | None
    operation: str | None
    status: str  # lower case: transitioning, warning, error, success, failed ...
    code: int | None
    message: str
    time: datetime | None
    substatus: tuple[Substatus, ...] = ()
    execution: Mapping[str, object] | None = None  # managed Run Command: the JSON inside the message


@dataclass(frozen=True, slots=True)
class HandlerStatus:
    """config/HandlerStatus (or a row of the aggregate status) as a value."""

    source: Source
    extension: str
    version: str
    status: str  # "Ready", "NotReady", "Unresponsive" ...
    code: int | None
    message: str


@dataclass(frozen=True, slots=True)
class BrokenState:
    """A state file that is not what it should be; `text` is its beginning."""

    source: Source
    problem: str
    text: str


# ---- extract -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Window:
    """The time frame that was read. `start` and `end` are None for "no evidence, everything read"."""

    start: datetime | None
    end: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One line somewhere on the disk that tells of a failure."""

    path: str
    line: int
    time: datetime | None
    text: str
    role: Literal["telling", "exit", "result", "context", "repeat", "fact"] = "telling"


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed or hanging operation of one extension, told by any number of files."""

    kind: FindingKind
    extension: str
    name: str | None
    version: str | None
    operation: str | None
    sequence: int | None
    exit_code: int | None
    agent_code: int | None  # the guest agent's code: 1007 install, 1009 enable ...
    status_code: int | None  # the status file's own code field
    message: str  # the telling line
    detail: str  # the failure's whole text (message, stdout and stderr blocks), decoded
    first_time: datetime | None
    last_time: datetime | None
    hang_since: datetime | None
    limit_seconds: int | None
    count: int
    evidence: tuple[Evidence, ...]
    caused_by: str | None = None  # Publisher.Type of the failure this one only follows from
    repeats_after_collect: int = 0  # the same failure again because collecting re-enabled the handlers


@dataclass(frozen=True, slots=True)
class ExtensionState:
    """The last known state of an extension, for the verdict's line about the others."""

    extension: str
    name: str | None
    version: str | None
    state: str  # "success", "error", "transitioning", "NotReady", "Ready", ...


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The lines of the window around failures in one source."""

    path: str
    lines: tuple[Line, ...]
    failing: frozenset[int]  # numbers of the lines to mark
    left_out: int = 0  # lines of the window that are not here


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    path: str
    kind: SourceKind
    outcome: Outcome
    bytes_total: int = 0
    bytes_read: int = 0
    lines: int = 0
    records: int = 0
    records_in_window: int = 0
    excerpt_lines: int = 0
    format: str = ""
    encoding: str = ""
    note: str = ""
    guarantee: str = ""  # of a log of which a time frame was wanted: how far it is certain that all of it was found
    settings_hash: str = ""  # of a settings file: three digits that tell different public settings apart, and no more


# ---- diagnose ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cause:
    """One explanation of a failure, and what speaks for it."""

    id: str  # of the rule, signature or code
    title: str
    owner: Owner
    confidence: Confidence
    meaning: str
    remedy: str
    documentation: str = ""
    evidence: tuple[Evidence, ...] = ()  # lines; what the machine itself showed has the role "fact"


@dataclass(frozen=True, slots=True)
class Practice:
    """A documented practice of an extension, held against this instance."""

    id: str
    extension: str  # Publisher.Type, "" for the machine as a whole
    state: PracticeState
    title: str  # the practice in a few words
    detail: str  # the evidence, one sentence; never a value of a setting, only its key
    remedy: str = ""
    documentation: str = ""
    path: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """A failure and what it means."""

    id: str  # of the rule, code or signature that explains it; "unexplained" if none does
    failure: Failure
    title: str  # a few words: "package manager locked"
    owner: Owner
    meaning: str
    remedy: str
    confidence: Confidence
    do: tuple[str, ...] = ()  # commands that can be pasted, or single steps
    dont: str = ""
    documentation: str = ""  # where the meaning is from
    causes: tuple[Cause, ...] = ()  # every explanation that fits, the likeliest first: the finding's own


# ---- the whole -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Trigger:
    """Why there was a run: someone gave the command, or the resident agent noticed something."""

    kind: TriggerKind
    text: str = ""  # what was noticed, one sentence; it may quote a log


BY_COMMAND = Trigger("command")


@dataclass(frozen=True, slots=True)
class Report:
    """Everything one run found, before redaction; redaction gives the same type back."""

    created: datetime
    agent_version: str  # of vmext
    verdict: Verdict
    identity: Identity
    system: SystemFacts
    window: Window
    findings: tuple[Finding, ...]
    failures: tuple[Failure, ...]
    others: tuple[ExtensionState, ...]
    events: tuple[Record, ...]
    excerpts: tuple[Excerpt, ...]
    ledger: tuple[LedgerEntry, ...]
    duration: timedelta = timedelta(0)
    events_left_out: int = 0  # records that tell something and are not among the events
    practices: tuple[Practice, ...] = ()
    trigger: Trigger = BY_COMMAND


@dataclass(frozen=True, slots=True)
class BundleInfo:
    id: str  # 16 hexadecimal digits
    path: Path
    bytes: int
    sha256: str  # hexadecimal
    encrypted: bool = False
    labels: tuple[tuple[str, str], ...] = ()  # name and value, for stores that keep such beside what they store


@dataclass(frozen=True, slots=True)
class Delivery:
    state: DeliveryState
    target: str | None = None
    error: str | None = None
    received: datetime | None = None  # the receipt's time
