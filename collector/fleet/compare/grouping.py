"""Failures of many instances, put together where they are the same: by signature, the most spread first. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from collector.model import Cause, FindingKind, System, Verdict, order

Unit = str  # "bytes", "count", "time" (seconds since 1970), "seconds"


@dataclass(frozen=True, slots=True)
class Told:
    """One failure or hang as one bundle tells it."""

    kind: FindingKind
    extension: str
    operation: str | None
    exit_code: int | None
    masked: str  # the message without what differs from instance to instance
    message: str
    time: datetime | None  # its first, or since when it hangs
    causes: tuple[Cause, ...] = ()  # the finding's own first
    name: str | None = None  # of one of several configurations of a handler
    version: str | None = None
    caused_by: str | None = None
    path: str = ""  # of the telling line
    line: int = 0


@dataclass(frozen=True, slots=True)
class Instance:
    """What is kept of a bundle."""

    key: str  # the same for every bundle of this instance
    name: str  # as people know it
    id: str | None  # number in its scale set
    scale_set: str | None
    system: System
    bundle: str  # id
    place: str  # where the bundle lies
    created: datetime
    verdict: Verdict
    told: tuple[Told, ...] = ()
    extensions: Mapping[str, str] = field(default_factory=dict)  # label and version
    traits: Mapping[str, str] = field(default_factory=dict)
    measures: Mapping[str, tuple[float, Unit]] = field(default_factory=dict)
    lines: frozenset[str] = frozenset()  # masked lines that look like errors
    lines_cut: bool = False  # there were more of them


@dataclass(frozen=True, slots=True)
class Signature:
    """What makes two failures the same. Codes are part of it, so that they never are where these differ."""

    kind: FindingKind
    extension: str
    operation: str | None
    exit_code: int | None
    masked: str


@dataclass(frozen=True, slots=True)
class Group:
    """One failure over instances, each instance once, in the order of time."""

    signature: Signature
    members: tuple[tuple[Instance, Told], ...]
    follows: tuple[Group, ...] = ()  # what only follows from it

    @property
    def caused_by(self) -> str | None:
        return self.members[0][1].caused_by

    @property
    def instances(self) -> tuple[Instance, ...]:
        return tuple(instance for instance, _ in self.members)


def signature(told: Told) -> Signature:
    operation = told.operation.casefold() if told.operation else None
    return Signature(told.kind, told.extension, operation, told.exit_code, told.masked)


def newest(bundles: Iterable[Instance]) -> tuple[tuple[Instance, ...], tuple[str, ...]]:
    """The newest bundle of each instance, and a sentence on each that does not count."""
    kept: dict[str, Instance] = {}
    notes: list[str] = []
    for bundle in bundles:
        other = kept.setdefault(bundle.key, bundle)
        if other is bundle:
            continue
        if other.bundle == bundle.bundle:
            notes.append(f"{bundle.place} is the same bundle as {other.place}: it counts once")
            continue
        old, new = sorted((other, bundle), key=lambda one: (one.created, one.place))
        kept[bundle.key] = new
        notes.append(f"{old.place} is an older bundle of {old.name}: only {new.place} counts")
    return tuple(kept.values()), tuple(notes)


def groups(instances: Sequence[Instance]) -> tuple[Group, ...]:
    """The failures, then the hangs; of each kind the one on the most instances first, then the earliest.

    What only follows from another failure stands below that, where the two share instances.
    """
    members: defaultdict[Signature, dict[str, tuple[Instance, Told]]] = defaultdict(dict)
    for instance in instances:
        for told in sorted(instance.told, key=lambda one: _moment(one.time)):
            members[signature(told)].setdefault(instance.key, (instance, told))
    made = [Group(key, tuple(sorted(found.values(), key=_when))) for key, found in members.items()]
    made.sort(key=lambda group: (group.signature.kind == "hang", -len(group.members), _when(group.members[0])))
    return _nested(made)


def _nested(made: Sequence[Group]) -> tuple[Group, ...]:
    roots = [group for group in made if group.caused_by is None]
    below: defaultdict[int, list[Group]] = defaultdict(list)
    alone: list[Group] = []
    for group in made:
        if group.caused_by is None:
            continue
        keys = {instance.key for instance in group.instances}
        shared = [
            (len(keys & {instance.key for instance in root.instances}), -number)
            for number, root in enumerate(roots)
            if root.signature.extension == group.caused_by
        ]
        most, number = max(shared, default=(0, 0))
        if most:
            below[-number].append(group)
        else:
            alone.append(group)
    nested = [replace(root, follows=tuple(below[number])) for number, root in enumerate(roots)]
    return (*nested, *alone)


def _when(member: tuple[Instance, Told]) -> tuple[bool, datetime, str]:
    return (*_moment(member[1].time), member[0].name)


def _moment(moment: datetime | None) -> tuple[bool, datetime]:
    """A key that sorts the unknown last."""
    return moment is None, order(moment)
