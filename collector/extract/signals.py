"""One record to signals: what it says about an operation of an extension."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

from collector.data.noise import is_noise
from collector.extract.rules import Match, SignalKind, matches
from collector.model import Record

OPERATIONS = ("Install", "Enable", "Disable", "Update", "Uninstall")
#: Names under which the guest agent reports its own events (Azure/WALinuxAgent).
AGENT_NAMES = frozenset({"WALinuxAgent", "WALA", "Agent", "ExtHandler", "GuestAgent", "WindowsAzureGuestAgent"})
#: The row of signals.toml for what the Windows agent keeps of a command's output.
COMMAND_OUTPUT = "windows-command-output"
#: The row for its line that a command has ended, well or not.
COMMAND_ENDED = "windows-command-ended"
AGENT_FORMATS = frozenset({"waagent", "waagent-old", "waapp", "command-execution", "windows-event"})

#: A handler's folder, on Linux and on Windows.
_FOLDER = re.compile(
    r"(?:/waagent/([^/\s-]+)-(\d+(?:\.\d+)*)/|\\Plugins\\([^\\\s]+)\\(\d+(?:\.\d+)*)\\)", re.IGNORECASE
)
#: Publisher.Type after a word that says what it is.
_NAMED = re.compile(
    r"\b(?:plugin|handler|extension)\b[^A-Za-z]{0,3}(?:\(?name:? )?'?([A-Z]\w+(?:\.\w+)+)'?"
    r"(?:,? version:? '?(\d[\d.]*\d))?",
    re.IGNORECASE,
)
_OPERATION = re.compile(r"\b(un)?(install|enable|disable|update)\b", re.IGNORECASE)
#: Longest numbers that count, of seconds and of anything else (digits).
SECONDS_DIGITS, _DIGITS = 9, 18
_STATE = re.compile(r"\(u?'([^']+)', u?'([^']+)'\)")
#: States that the agent gives to what failed, in lower case.
AGENT_FAILED_STATES = frozenset({"error", "failed", "notready", "unresponsive"})


@dataclass(frozen=True, slots=True)
class Signal:
    """What one place on the disk says. Times as in `model`: naive where no zone is known."""

    rule: str
    kind: SignalKind
    rank: int
    path: str
    line: int
    time: datetime | None
    text: str  # the line to quote
    detail: str = ""  # the whole text it stands in
    extension: str | None = None
    version: str | None = None
    name: str | None = None
    sequence: int | None = None
    operation: str | None = None
    exit_code: int | None = None
    agent_code: int | None = None
    status_code: int | None = None
    limit_seconds: int | None = None
    inner: bool = False
    telling: bool = False
    by_agent: bool = False
    state: str = ""  # of a result or a status file: "error", "success", "transitioning", "NotReady"
    caused_by: str | None = None
    by_line: bool = True  # whether the lines of the detail are lines of the file, one for one
    times: int = 1  # how many alike this one stands for


def operation_in(text: str) -> str | None:
    """The operation that a command line names, by its last such word."""
    found = list(_OPERATION.finditer(text))
    if not found:
        return None
    return ("Un" if found[-1][1] else "") + (found[-1][2].lower() if found[-1][1] else found[-1][2].title())


def operation_named(word: str | None) -> str | None:
    """The usual spelling of an operation, or None where the word is no operation."""
    title = (word or "").strip().title()
    return title if title in OPERATIONS else None


def of_record(record: Record) -> list[Signal]:
    """All signals of one record. Harmless look-alikes give none that tell of a failure."""
    found = [signal for match in matches(record.message, record.format) for signal in _of_match(match, record)]
    if record.level == "ERROR" and all(signal.kind == "mention" for signal in found):
        found += _of_error_record(record)
    if any(signal.kind in ("failure", "hang", "mention") for signal in found) and is_noise(_whole(record)):
        return [signal for signal in found if signal.kind not in ("failure", "hang", "mention")]
    return found


def number_of(digits: str | None, most: int = _DIGITS) -> int | None:
    """The number that a log tells; None for one of more than `most` digits, which counts nothing on an instance:
    Python refuses to read very long ones, and what is reckoned with them leaves the calendar."""
    return int(digits) if digits is not None and len(digits.lstrip("+-")) <= most else None


def _whole(record: Record) -> str:
    """The first line as the agent printed it: some harmless lines are known by their operation."""
    op = record.fields.get("op")
    first = record.message.split("\n", 1)[0]
    return f"op={op}, message={first}" if op else first


def _time_of(record: Record) -> datetime | None:
    """When it happened. A file's own time is when the last of its lines came, and on a copied disk not even that."""
    return None if record.basis == "file" else record.time


def _of_match(match: Match, record: Record) -> list[Signal]:
    rule, groups = match.rule, match.groups
    base = Signal(
        rule.id,
        rule.kind,
        rule.rank,
        record.path,
        record.line,
        _time_of(record),
        text=_quote(match, record),
        detail=record.message,
        extension=groups.get("extension") or rule.extension or _extension_of(record),
        version=groups.get("version") or record.version,
        name=groups.get("name") if rule.kind == "settings" else record.name,
        sequence=number_of(groups["sequence"]) if "sequence" in groups else record.sequence,
        operation=_operation(match, record),
        exit_code=number_of(groups.get("exit")),
        agent_code=number_of(groups["agent"]) if "agent" in groups else rule.agent,
        limit_seconds=number_of(groups.get("limit"), SECONDS_DIGITS),
        inner=rule.inner,
        telling=rule.telling,
        by_agent=record.format in AGENT_FORMATS,
        by_line=_is_by_line(record),
    )
    if rule.id == "windows-plugin-enabled":
        base = replace(base, extension=groups.get("extension") or groups.get("name"), name=None, state="enabled")
    if "states" in groups:
        return _states(base, groups["states"])
    if (base.extension is None or base.version is None) and (folder := _FOLDER.search(groups.get("text", ""))):
        extension = folder[1] or folder[3]
        if base.extension in (None, extension):
            base = replace(base, extension=extension, version=folder[2] or folder[4])
    if base.exit_code == 0 and "state" in groups:  # a handler that failed and gives no code
        return [replace(base, exit_code=None)]
    if base.exit_code == 0 and rule.kind in ("failure", "mention"):
        return [replace(base, kind="end")] if rule.kind == "failure" else []
    return [base]


def _is_by_line(record: Record) -> bool:
    """Not where the message was packed, or held escaped line ends or the carriage returns of a progress meter."""
    return record.message.count("\n") < len(record.raw) and not any("\r" in line for line in record.raw)


def _quote(match: Match, record: Record) -> str:
    """The line in which the match stands, an event as the agent writes it, so that it can be found by searching."""
    operation = record.fields.get("op")
    if match.offset or not operation or not record.raw or "encoded" in record.fields:
        return match.line
    return f"Event: name={record.fields.get('name', '')}, op={operation}, message={match.line}"


def _operation(match: Match, record: Record) -> str | None:
    named = operation_named(match.groups.get("operation"))
    if named or match.rule.operation:
        return named or match.rule.operation
    if record.operation in OPERATIONS:
        return record.operation
    return operation_in(match.groups.get("text", ""))


def _extension_of(record: Record) -> str | None:
    return None if record.extension in AGENT_NAMES else record.extension


def _states(base: Signal, states: str) -> list[Signal]:
    """One result for each extension named, quoted for itself; old agents print the list with u''."""
    found = []
    before = base.text.split(states, 1)[0]
    for entry in _STATE.finditer(states):
        extension, state = entry.groups()
        failed = state.lower() in AGENT_FAILED_STATES
        found.append(
            replace(
                base,
                text=f"{before}[{entry[0]}]",
                extension=extension,
                version=None,
                name=None,
                state=state,
                rank=base.rank if failed else 10,
            )
        )
    return found


def _of_error_record(record: Record) -> list[Signal]:
    """An error that no row knows: strong where the agent says it of an extension, else a mention; what the agent
    says of itself is none."""
    by_agent = record.format in AGENT_FORMATS
    event = by_agent and bool(record.fields.get("op")) and _extension_of(record) is not None
    first = record.message.split("\n", 1)[0]
    extension, version = _extension_of(record), record.version
    if by_agent and extension is None and (named := _NAMED.search(first)):
        event, extension, version = True, named[1], named[2]
    if by_agent and extension is None:
        return []
    return [
        Signal(
            "agent-event" if event else "error-record",
            "failure" if event else "mention",
            50 if event else 35,
            record.path,
            record.line,
            _time_of(record),
            text=first,
            detail=record.message,
            extension=extension,
            version=version,
            name=record.name,
            sequence=record.sequence,
            operation=record.operation if record.operation in OPERATIONS else operation_in(first) if event else None,
            by_agent=by_agent,
            by_line=_is_by_line(record),
        )
    ]
