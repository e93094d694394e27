"""Instance views: what the guest agent reported of one instance."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from typing import Literal

from collector.fleet.az_output import states
from collector.fleet.az_output.tree import Node, first, node, nodes, text
from collector.fleet.scale_set import ExtensionRow, Instance, State

#: Exit codes as handlers write them into their messages.
_EXIT = re.compile(
    r"\b(?:exit[ _-]?(?:code|status)(?: of)?\s*[:=]?|exited with(?: code)?)\s*'?\"?(-?\d{1,10})\b", re.IGNORECASE
)
_MOVING: frozenset[State] = frozenset({"in-progress", "deleting"})


def is_view(entry: Node) -> bool:
    """Whether the object is an instance view of a machine (and not of an extension or of the set)."""
    if isinstance(entry.get("virtualMachine"), dict):
        return False
    return "vmAgent" in entry or ("statuses" in entry and bool({"disks", "osName", "extensions"} & entry.keys()))


def apply(instance: Instance, view: Node) -> Instance:
    """The instance with what its view tells: agent, power, system, and a row for each extension that reported."""
    own = nodes(view.get("statuses"))
    agent = node(view.get("vmAgent"))
    reported = nodes(agent.get("statuses"))
    rows = tuple(row for entry in nodes(view.get("extensions")) if (row := extension(entry, own)))
    rows += tuple(_unlisted(nodes(agent.get("extensionHandlers")), (*instance.extensions, *rows)))
    silent = next((status for status in (*reported, *own) if _is_silent(status)), None)
    if silent and not rows and not instance.extensions:
        rows = (_silent_row(silent, own),)
    return replace(
        instance,
        computer_name=instance.computer_name or text(view.get("computerName")),
        extensions=merged(instance.extensions, rows),
        power=instance.power or _power(own),
        agent=first(reported[0], "displayStatus", "code") if reported else instance.agent,
        agent_version=text(agent.get("vmAgentVersion")) or instance.agent_version,
        system=instance.system or _system(view),
        state=instance.state or _own_state(own),
    )


def extension(entry: Node, machine: tuple[Node, ...] = ()) -> ExtensionRow | None:
    """One extension's own view. `machine`: the statuses of its machine, which tell since when it is being updated."""
    name = text(entry.get("name"))
    if not name:
        return None
    statuses = nodes(entry.get("statuses"))
    codes = tuple(code for status in statuses if (code := text(status.get("code"))))
    state = states.gravest(found for code in codes if (found := states.of_code(code)))
    told = next((status for status in statuses if states.of_code(str(status.get("code"))) == state), {})
    publisher, _, kind = (text(entry.get("type")) or "").rpartition(".")
    message = text(told.get("message")) or ""
    return ExtensionRow(
        name=name,
        state=state,
        publisher=publisher or None,
        type=kind or None,
        version=text(entry.get("typeHandlerVersion")),
        message=message,
        exit_code=exit_code(message) if state == "failed" else None,
        since=None if state == "succeeded" else moment(told.get("time")) or _since(machine, state),
        codes=codes,
    )


def merged(rows: tuple[ExtensionRow, ...], views: tuple[ExtensionRow, ...]) -> tuple[ExtensionRow, ...]:
    """The model's rows with what the views tell; of two states the graver counts."""
    if not rows or not views:
        return rows or views
    seen = {view.name.lower(): view for view in views}
    both = [_both(row, seen.pop(row.name.lower())) if row.name.lower() in seen else row for row in rows]
    return (*both, *seen.values())


def _both(row: ExtensionRow, view: ExtensionRow) -> ExtensionRow:
    return replace(
        view,
        name=row.name,
        state=states.gravest((row.state, view.state)),
        publisher=row.publisher or view.publisher,
        type=row.type or view.type,
        version=view.version or row.version,
    )


def exit_code(message: str) -> int | None:
    """The exit code that a handler's message names."""
    found = _EXIT.search(message)
    return int(found[1]) if found else None


def moment(value: object) -> str | None:
    """A time of the platform, in UTC and to the second; what is no time is left out."""
    stamp = text(value)
    if not stamp:
        return None
    stamp = re.sub(r"\.\d+", "", stamp).replace("Z", "+00:00")
    try:
        parsed = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    if parsed.tzinfo is None:
        return parsed.isoformat()
    return parsed.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _since(machine: tuple[Node, ...], state: State) -> str | None:
    """Extensions' statuses often have no time; the machine's own status of the same kind has one."""
    wanted = {"in-progress"} if state in _MOVING else {state}
    same = (status for status in machine if states.of_code(str(status.get("code"))) in wanted)
    return next((at for status in same if (at := moment(status.get("time")))), None)


def _is_silent(status: Node) -> bool:
    """Of the agent; or of the machine, where an agent that never reported has no status of its own."""
    code = str(status.get("code")).lower()
    not_ready = str(status.get("displayStatus")).lower() == "not ready"
    return not_ready or "unavailable" in code or "vmagentstatuscommunicationerror" in code


def _silent_row(status: Node, machine: tuple[Node, ...]) -> ExtensionRow:
    """Stands for all extensions of an instance whose agent says nothing."""
    codes = [text(status.get("code")), *(text(other.get("code")) for other in machine)]
    kept = tuple(code for code in dict.fromkeys(codes) if code and code.lower().startswith("provisioningstate/"))
    return ExtensionRow("", "agent-unresponsive", message=text(status.get("message")) or "", codes=kept)


def _unlisted(handlers: tuple[Node, ...], rows: tuple[ExtensionRow, ...]) -> Iterator[ExtensionRow]:
    """Handlers that failed before they had an extension to report of; they are known by their type only."""
    known = {f"{row.publisher}.{row.type}".lower() for row in rows}
    for handler in handlers:
        status = node(handler.get("status"))
        code, kind = text(status.get("code")) or "", text(handler.get("type")) or ""
        if kind and kind.lower() not in known and states.of_code(code) == "failed":
            row = extension({**handler, "name": kind.rpartition(".")[2], "statuses": [status]})
            if row:
                yield row


def _own_state(statuses: tuple[Node, ...]) -> State | None:
    return next((found for status in statuses if (found := states.of_code(str(status.get("code"))))), None)


def _power(statuses: tuple[Node, ...]) -> str | None:
    codes = [str(status.get("code")) for status in statuses]
    return next((code.partition("/")[2].lower() for code in codes if code.lower().startswith("powerstate/")), None)


def _system(view: Node) -> Literal["linux", "windows"] | None:
    name = text(view.get("osName"))
    if not name:
        return None
    return "windows" if "windows" in name.lower() else "linux"
