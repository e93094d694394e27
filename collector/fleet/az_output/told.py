"""What one object of the file tells: an instance and where it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from collector.fleet.az_output.ids import ResourceId
from collector.fleet.az_output.view import merged
from collector.fleet.scale_set import Instance


@dataclass(frozen=True, slots=True)
class Told:
    """`place` is the id that named it; `flexible` and `in_set` are None where the object does not tell."""

    instance: Instance
    place: ResourceId | None = None
    scale_set: str | None = None
    flexible: bool | None = None
    in_set: bool | None = None
    tags: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    problems: tuple[str, ...] = ()


def joined(told: Iterable[Told]) -> tuple[Told, ...]:
    """One for each instance: the same one may be told of by several answers in one file."""
    told = list(told)
    sets = {one.scale_set.lower() for one in told if one.scale_set}
    alone = next(iter(sets)) if len(sets) == 1 else ""  # whoever does not name its set can only be of this one
    found: dict[tuple[str, str], Told] = {}
    for one in told:
        key = ((one.scale_set or alone).lower(), one.instance.id.lower())
        before = found.get(key)
        found[key] = one if before is None else _both(before, one)
    return tuple(found.values())


def _both(before: Told, later: Told) -> Told:
    old, new = before.instance, later.instance
    instance = replace(
        old,
        name=old.name or new.name,
        computer_name=old.computer_name or new.computer_name,
        extensions=merged(old.extensions, new.extensions),
        latest_model=old.latest_model if new.latest_model is None else new.latest_model,
        power=new.power or old.power,
        agent=new.agent or old.agent,
        agent_version=new.agent_version or old.agent_version,
        system=old.system or new.system,
        zone=old.zone or new.zone,
        vm_id=old.vm_id or new.vm_id,
        state=new.state or old.state,
    )
    return replace(before, instance=instance, tags=before.tags | later.tags, problems=before.problems + later.problems)
