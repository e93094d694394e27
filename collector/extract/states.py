"""A state file to signals: what it says about an operation of an extension."""

from __future__ import annotations

from dataclasses import replace

from collector.extract.rules import SignalKind, matches
from collector.extract.signals import (
    AGENT_FAILED_STATES,
    SECONDS_DIGITS,
    Signal,
    number_of,
    operation_in,
    operation_named,
)
from collector.model import BrokenState, HandlerStatus, StatusFile

#: The agent's codes that name an operation (Azure/WALinuxAgent:azurelinuxagent/common/exception.py).
_OF_AGENT_CODE = {1007: "Install", 1008: "Update", 1009: "Enable", 1010: "Disable"}


def of_status(status: StatusFile) -> list[Signal]:
    """N.status: its verdict, and what its message says in words."""
    source = status.source
    execution = status.execution or {}
    state = _state_of(status)
    detail = _detail_of(status)
    base = Signal(
        "status-file",
        "result",
        75,
        source.path,
        1,
        status.time,
        text=detail.strip().split("\n", 1)[0],
        detail=detail,
        extension=source.extension,
        version=source.version,
        name=status.name if source.name else None,
        sequence=status.sequence if status.sequence is not None else source.sequence,
        operation=operation_named(status.operation) or "Enable",
        status_code=status.code,
        state=state,
    )
    if source.name:
        base = replace(base, name=source.name)
    if state in ("error", "timedout"):
        code = execution.get("exitCode")
        base = replace(base, kind="hang" if state == "timedout" else "failure")
        if isinstance(code, int) and code != 0:
            base = replace(base, exit_code=code, rank=90)
        if state == "timedout":
            base = replace(base, rank=97)
        return [_with_text(base)]
    if state != "success":
        return [base]
    # the extension is well, and tells that what it watches is not
    watched = [sub for sub in status.substatus if sub.status == "error" and sub.message]
    found = [replace(base, kind="end")]
    return found + [
        replace(base, rule="substatus", state="warning", text=sub.message.split("\n", 1)[0]) for sub in watched
    ]


def _state_of(status: StatusFile) -> str:
    """The state that counts: a managed Run Command says success for a script that failed, and the truth in JSON."""
    inner = str((status.execution or {}).get("executionState", "")).lower()
    if inner in ("failed", "canceled"):
        return "error"
    if inner == "timedout":
        return "timedout"
    return "error" if status.status in ("error", "failed") else status.status


def _detail_of(status: StatusFile) -> str:
    execution = status.execution
    if execution:
        blocks = f"\n[stdout]\n{execution.get('output', '')}\n[stderr]\n{execution.get('error', '')}"
        return f"{execution.get('executionMessage', '')}{blocks}"
    subs = [f"{sub.name}: {sub.message}" for sub in status.substatus if sub.message]
    return "\n".join([status.message, *subs])


def of_handler_status(handler: HandlerStatus) -> list[Signal]:
    """config/HandlerStatus or a row of the aggregate: the agent's last word on the handler."""
    state = handler.status
    base = Signal(
        "handler-status",
        "end" if state.lower() == "ready" else "result",
        60,
        handler.source.path,
        1,
        None,
        text=handler.message.strip().split("\n", 1)[0],
        detail=handler.message,
        extension=handler.extension,
        version=handler.version,
        operation=_OF_AGENT_CODE.get(handler.code or 0),
        agent_code=handler.code if handler.code and handler.code >= 1000 else None,
        by_agent=True,
        state=state,
    )
    if state.lower() not in AGENT_FAILED_STATES:
        return [base]
    kind: SignalKind = "hang" if state.lower() == "unresponsive" else "failure"
    return [_with_text(replace(base, kind=kind))]


def of_broken(broken: BrokenState) -> list[Signal]:
    """A status file that is not JSON makes the agent report 1012 for the extension."""
    source = broken.source
    if source.kind != "status":
        return []
    return [
        Signal(
            "status-not-json",
            "failure",
            60,
            source.path,
            1,
            None,
            text=f"status file of sequence {source.sequence} can't be read: {broken.problem}",
            detail=broken.text,
            extension=source.extension,
            version=source.version,
            name=source.name,
            sequence=source.sequence,
            operation="Enable",
            agent_code=1012,
        )
    ]


def _with_text(signal: Signal) -> Signal:
    """The signal together with what the table's rows find in its text."""
    for match in sorted(matches(signal.detail, "status"), key=lambda match: -match.rule.rank):
        rule, groups = match.rule, match.groups
        if rule.id.startswith("agent-dependency") and signal.extension != groups["extension"]:
            return replace(signal, caused_by=groups["extension"], rank=20, text=match.line)
        if rule.kind not in ("failure", "hang") or (groups.get("exit") == "0"):
            continue
        return replace(
            signal,
            kind="hang" if rule.kind == "hang" else signal.kind,
            rank=max(signal.rank, rule.rank - 1),
            operation=signal.operation
            or operation_named(groups.get("operation"))
            or (operation_in(groups.get("text", "")) if signal.by_agent else None),
            exit_code=number_of(groups["exit"]) if "exit" in groups else signal.exit_code,
            limit_seconds=number_of(groups.get("limit"), SECONDS_DIGITS) or signal.limit_seconds,
            text=match.line,
            telling=rule.telling,
        )
    return signal
