"""Which instances to ask: exactly the impacted ones, and one healthy one to compare them with. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from collector.errors import ConfigError
from collector.fleet.scale_set import Instance, ScaleSet
from collector.model import moment_of

Role = Literal["failed", "in progress", "healthy", "asked for"]

#: An extension that is in progress for this long is looked at; most are done in five minutes.
LONG = timedelta(minutes=10)
#: Power states of an instance on which nothing can run.
_OFF = frozenset({"deallocated", "deallocating", "stopped", "stopping"})


@dataclass(frozen=True, slots=True)
class Choice:
    """One instance to be asked, and why."""

    id: str
    role: Role
    why: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """`left_out` are impacted instances that Run Command can't reach, with the reason."""

    ask: tuple[Choice, ...] = ()
    left_out: tuple[Choice, ...] = ()
    problems: tuple[str, ...] = ()


def plan_of(scale_set: ScaleSet, now: datetime, *, healthy: bool = True, only: Sequence[str] = ()) -> Plan:
    """Whom to ask. `only` names the instances instead; a healthy one is then not added.

    Raises ConfigError for an instance in `only` that a file of the whole scale set does not have.
    """
    if only:
        return _only(scale_set, only)
    ask: list[Choice] = []
    left_out: list[Choice] = []
    for instance in scale_set.instances:
        choice = _choice(instance, now)
        if choice is not None:
            reason = _unreachable(instance)
            (left_out if reason else ask).append(
                Choice(choice.id, choice.role, "; ".join(filter(None, (choice.why, reason)))) if reason else choice
            )
    problems: tuple[str, ...] = ()
    if healthy and ask:
        chosen = _healthy(scale_set.instances)
        if chosen is not None:
            ask.append(Choice(chosen.id, "healthy", "for comparison"))
        else:
            problems = ("no healthy instance to compare with",)
    return Plan(tuple(ask), tuple(left_out), problems)


def _only(scale_set: ScaleSet, only: Sequence[str]) -> Plan:
    known = [instance.id for instance in scale_set.instances]
    unknown = [name for name in only if name not in known] if scale_set.whole and known else []
    if unknown:
        has = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
        raise ConfigError(f"--instances: the scale set has no instance {', '.join(unknown)}", f"It has: {has}.")
    return Plan(tuple(Choice(name, "asked for") for name in dict.fromkeys(only)))


def _choice(instance: Instance, now: datetime) -> Choice | None:
    failed = [row.name or "an extension" for row in instance.extensions if row.state == "failed"]
    if failed:
        return Choice(instance.id, "failed", f"{', '.join(failed)} failed")
    slow = [row for row in instance.extensions if row.state == "in-progress" and _long(row.since, now)]
    if slow:
        since = f" since {slow[0].since}" if slow[0].since else ""
        return Choice(
            instance.id, "in progress", f"{', '.join(row.name or 'an extension' for row in slow)} in progress{since}"
        )
    if any(row.state == "agent-unresponsive" for row in instance.extensions):
        return Choice(instance.id, "in progress", "")
    return None


def _long(since: str | None, now: datetime) -> bool:
    """Unknown counts as long: the platform rarely tells since when."""
    began = moment_of(since)
    return began is None or now - began >= LONG


def _unreachable(instance: Instance) -> str:
    if (instance.power or "").lower() in _OFF:
        return f"it is {(instance.power or '').lower()}"
    silent = any(row.state == "agent-unresponsive" for row in instance.extensions)
    if silent or (instance.agent or "").lower() == "not ready":
        return "its guest agent does not answer, so that Run Command can't reach it"
    return ""


def _healthy(instances: Sequence[Instance]) -> Instance | None:
    """One whose extensions all succeeded, best with the latest model, as the failed ones have it."""
    fine = [
        instance
        for instance in instances
        if instance.extensions
        and all(row.state == "succeeded" for row in instance.extensions)
        and not _unreachable(instance)
    ]
    return next(iter([*(one for one in fine if one.latest_model), *fine]), None)
