"""The instances of a scale set beside what is expected of it, and which of them are alike. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from collector.bundle.words import WELL, short
from collector.fleet.natural import natural
from collector.fleet.scale_set import Instance as Listing
from collector.fleet.scale_set import State

#: From the gravest to what needs no look.
Outcome = Literal["failed", "hanging", "busy", "unknown", "silent", "well", "absent"]
_GRAVEST: tuple[Outcome, ...] = ("failed", "hanging", "busy", "unknown", "silent", "well", "absent")
_RANK = {outcome: rank for rank, outcome in enumerate(_GRAVEST)}
_BUSY = frozenset({"transitioning", "installing", "in-progress", "creating", "updating", "deleting"})
_FAILED = frozenset({"failed", "error", "notready", "unresponsive"})


@dataclass(frozen=True, slots=True)
class Cell:
    """What is known of one extension on one instance. `version` and `title` may be unknown."""

    outcome: Outcome
    exit_code: int | None = None
    version: str | None = None
    title: str | None = None
    #: the word of the state file
    told: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """An instance that has reported, or is expected to, or both."""

    label: str
    #: in addresses of this endpoint; None for one that has not reported
    id: str | None
    #: number in its set, or the machine's name
    instance_id: str | None = None
    #: of its newest bundle; None for one that has not reported
    verdict: str | None = None
    cells: Mapping[str, Cell] = field(default_factory=dict)
    #: what it is like, in words: image, zone, ...
    traits: Mapping[str, str] = field(default_factory=dict)
    bundle: str | None = None
    last_seen: datetime | None = None
    system: str | None = None
    #: as the list has it; None where there is no list, or it does not have this one
    listed: Listing | None = None
    #: whether the label is a name of its own, which commands may use
    is_named: bool = True
    #: its verdict, as the lists count it, where that tells of a failure or a hang; else the gravest of its cells: what
    #: only follows from a hang has a failed cell, and makes no failed instance. A page asks for it again and again
    outcome: Outcome = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "outcome", self._outcome())

    @property
    def is_silent(self) -> bool:
        return self.id is None

    def _outcome(self) -> Outcome:
        if self.id is None:
            return "silent"
        found: set[Outcome] = {cell.outcome for cell in self.cells.values()}
        found.discard("absent")
        if self.verdict in ("failed", "hanging"):
            return "failed" if self.verdict == "failed" else "hanging"
        if self.verdict == "nothing-found" and not found:
            found.add("unknown")
        return gravest(found) if found else "well"


@dataclass(frozen=True, slots=True)
class Row:
    """Instances that are alike in every cell."""

    #: what they have in common
    key: tuple[object, ...]
    outcome: Outcome
    cells: tuple[Cell, ...]
    members: tuple[Member, ...]
    #: the listed state of the silent: they are told apart by it
    state: State | None = None

    @property
    def id(self) -> str:
        return hashlib.sha256(repr(self.key).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Matrix:
    """`extensions` are the columns: handlers, those that failed first."""

    extensions: tuple[str, ...]
    rows: tuple[Row, ...]


def outcome_of(told: str) -> Outcome:
    """Of what the index keeps: failed, hanging, or the state file's word in small letters."""
    if told == "hanging":
        return "hanging"
    if told in _FAILED:
        return "failed"
    if told in _BUSY:
        return "busy"
    return "well" if told in WELL else "unknown"


def gravest(outcomes: Iterable[Outcome]) -> Outcome:
    return min(outcomes, key=_RANK.__getitem__)


def joined(reported: Sequence[Member], listed: Sequence[Listing]) -> tuple[Member, ...]:
    """Each instance once, by its label. Bundles and lists name one by its number, its name or its computer's name."""
    by_name: dict[str, Listing] = {}
    for one in listed:
        for name in (one.computer_name, one.name, one.id):
            if name:
                by_name[name.lower()] = one
    found: list[Member] = []
    heard: set[str] = set()
    for member in reported:
        names = (member.instance_id, member.label)
        match = next((by_name[name.lower()] for name in names if name and name.lower() in by_name), None)
        if match:
            heard.add(match.id)
        found.append(_with(member, match))
    found += [_silent(one) for one in listed if one.id not in heard]
    return tuple(sorted(found, key=lambda one: natural(one.label)))


def matrix(members: Sequence[Member]) -> Matrix:
    """What failed most in the first column, the gravest rows first; of equal ones the largest, then in the order of
    the members."""
    extensions = _columns(members)
    groups: dict[tuple[object, ...], list[Member]] = {}
    absent = Cell("absent")
    for member in members:
        cells = [member.cells.get(name, absent) for name in extensions]
        state = member.listed.state if member.listed and member.is_silent else None
        key = (member.outcome, tuple([(cell.outcome, cell.exit_code) for cell in cells]), state)
        groups.setdefault(key, []).append(member)
    rows = [
        Row(
            key,
            some[0].outcome,
            tuple(some[0].cells.get(name, absent) for name in extensions),
            tuple(some),
            some[0].listed.state if some[0].listed and some[0].is_silent else None,
        )
        for key, some in groups.items()
    ]
    rows.sort(key=lambda row: (_RANK[row.outcome], -len(row.members)))
    return Matrix(extensions, tuple(rows))


def _columns(members: Sequence[Member]) -> tuple[str, ...]:
    worst: dict[str, list[int]] = {}
    for member in members:
        for name, cell in member.cells.items():
            count = worst.setdefault(name, [0, 0, 0])
            count[2] += 1
            if cell.outcome in ("failed", "hanging"):
                count[cell.outcome == "hanging"] += 1
    return tuple(sorted(worst, key=lambda name: (-worst[name][0], -worst[name][1], -worst[name][2], short(name))))


def _with(member: Member, listing: Listing | None) -> Member:
    if listing is None:
        return member
    traits = dict(member.traits)
    if listing.latest_model is not None:
        traits["latest model"] = "applied" if listing.latest_model else "not applied"
    if listing.power:
        traits["power"] = listing.power
    return Member(
        member.label,
        member.id,
        member.instance_id,
        member.verdict,
        member.cells,
        traits,
        member.bundle,
        member.last_seen,
        member.system,
        listing,
    )


def _silent(listing: Listing) -> Member:
    return Member(listing.name or listing.computer_name or listing.id, None, listing.id, listed=listing)
