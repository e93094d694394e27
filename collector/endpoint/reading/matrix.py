"""The matrix of a scale set: every instance, and what is known of each of its extensions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from collector.endpoint.database.tables import BUNDLES, INCIDENT_INSTANCES, INCIDENTS, INSTANCES, SCALE_SETS, STATES
from collector.endpoint.reading.expected import Listed, expected
from collector.endpoint.reading.members import Cell, Member, Outcome, joined, outcome_of

#: So many instances are compared and drawn. A scale set has at most 1,000; only a group of lone machines has more.
MOST_MEMBERS = 5_000
#: So many of the earliest failures of a scale set are looked at before all of them are.
_EARLIEST = 50
_TRAITS = {"image": "image", "agent_version": "guest agent", "os": "system", "location": "location", "zone": "zone"}


@dataclass(frozen=True, slots=True)
class FirstFailure:
    """The earliest one that the instances of a scale set told of, of what is still seen."""

    instance: str
    instance_id: str
    incident: str
    extension: str
    exit_code: int | None
    kind: str
    title: str | None
    time: datetime
    bundle: str


@dataclass(frozen=True, slots=True)
class Whole:
    """All that is known of a scale set at a moment."""

    number: int
    id: str
    name: str | None
    resource_group: str | None
    subscription: str | None
    last_seen: datetime
    members: tuple[Member, ...]
    #: how many have reported, which may be more than `members`
    reported: int
    listed: Listed | None
    first: FirstFailure | None

    @property
    def silent(self) -> tuple[Member, ...]:
        return tuple(one for one in self.members if one.is_silent)


def whole(
    connection: sa.Connection, within: Collection[int] | None, scale_set_id: str, *, most: int = MOST_MEMBERS
) -> Whole | None:
    """None: there is no such scale set, or the caller may not see it."""
    query = sa.select(SCALE_SETS).where(SCALE_SETS.c.id == scale_set_id)
    row = connection.execute(query).mappings().first()
    if row is None or (within is not None and row["number"] not in within):
        return None
    number = row["number"]
    found = reported(connection, number, most)
    count = len(found)
    if count >= most:
        counting = sa.select(sa.func.count()).select_from(INSTANCES).where(INSTANCES.c.scale_set == number)
        count = int(connection.execute(counting).scalar_one())
    listed = expected(connection, number)
    return Whole(
        number,
        row["id"],
        row["name"],
        row["resource_group"],
        row["subscription"],
        row["last_seen"],
        joined(found, listed.instances if listed else ()),
        count,
        listed,
        first_failure(connection, number),
    )


def reported(connection: sa.Connection, number: int, most: int = MOST_MEMBERS) -> list[Member]:
    """The instances of a scale set that have sent a bundle, the last seen first."""
    names = ("number", "id", "name", "computer_name", "instance_id", "last_verdict", "last_bundle", "last_seen")
    query = sa.select(*(INSTANCES.c[name] for name in (*names, "system", *_TRAITS)))
    query = query.where(INSTANCES.c.scale_set == number)
    query = query.order_by(INSTANCES.c.last_seen.desc(), INSTANCES.c.number.desc()).limit(most)
    rows = connection.execute(query).all()
    # of a larger group only the cells of those that are drawn
    since = rows[-1].last_seen if len(rows) >= most else None
    cells = _cells(connection, number, since)
    if any(row.number not in cells and row.last_verdict in ("failed", "hanging") for row in rows):
        cells = {**_cells_of_incidents(connection, number, since), **cells}
    return [
        Member(
            label=row.name or row.computer_name or row.instance_id or f"unnamed {row.id[:6]}",
            id=row.id,
            is_named=bool(row.name or row.computer_name or row.instance_id),
            instance_id=row.instance_id,
            verdict=row.last_verdict,
            cells=cells.get(row.number, {}),
            traits={word: value for word, value in zip(_TRAITS.values(), row[-len(_TRAITS) :], strict=True) if value},
            bundle=row.last_bundle,
            last_seen=row.last_seen,
            system=row.system,
        )
        for row in rows
    ]


def _cells(connection: sa.Connection, number: int, since: datetime | None) -> Mapping[int, dict[str, Cell]]:
    """By instance and extension, of the newest bundle of each instance: what an older one told no longer counts."""
    names = ("instance", "extension", "outcome", "version", "exit_code", "title")
    query = sa.select(*(STATES.c[name] for name in names)).join(INSTANCES, STATES.c.instance == INSTANCES.c.number)
    # one follows from the other, which the planner does not know
    query = query.where(STATES.c.scale_set == number, INSTANCES.c.scale_set == number)
    query = query.where(STATES.c.bundle == INSTANCES.c.last_bundle)
    if since is not None:
        query = query.where(INSTANCES.c.last_seen >= since)
    found: dict[int, dict[str, Cell]] = {}
    alike: dict[tuple[object, ...], Cell] = {}  # of thousands of cells few differ
    for instance, extension, outcome, version, code, title in connection.execute(query).all():
        key = (outcome, version, code, title)
        cell = alike.get(key)
        if cell is None:
            cell = alike[key] = Cell(outcome_of(outcome), code, version, title, outcome)
        if (cells := found.get(instance)) is None:
            cells = found[instance] = {}
        cells[extension] = cell
    return found


def _cells_of_incidents(
    connection: sa.Connection, number: int, since: datetime | None
) -> Mapping[int, dict[str, Cell]]:
    """Of instances whose newest bundle is encrypted: its envelope tells what failed, and nothing of what is well."""
    pairs = INCIDENT_INSTANCES
    source = pairs.join(INSTANCES, pairs.c.instance == INSTANCES.c.number)
    source = source.join(INCIDENTS, pairs.c.incident == INCIDENTS.c.number)
    source = source.join(BUNDLES, pairs.c.bundle == BUNDLES.c.id)
    told = [INCIDENTS.c[name] for name in ("extension", "kind", "exit_code", "title")]
    query = sa.select(pairs.c.instance, *told).select_from(source)
    query = query.where(INCIDENTS.c.scale_set == number, pairs.c.bundle == INSTANCES.c.last_bundle, BUNDLES.c.encrypted)
    if since is not None:
        query = query.where(INSTANCES.c.last_seen >= since)
    found: dict[int, dict[str, Cell]] = {}
    for instance, extension, kind, code, title in connection.execute(query).all():
        if extension and kind in ("failure", "hang"):
            outcome: Outcome = "hanging" if kind == "hang" else "failed"
            found.setdefault(instance, {}).setdefault(extension, Cell(outcome, code, None, title, outcome))
    return found


def having(connection: sa.Connection, incident_id: str) -> set[str]:
    """The ids of the instances whose newest bundle tells of this incident."""
    pairs = INCIDENT_INSTANCES
    source = pairs.join(INSTANCES, pairs.c.instance == INSTANCES.c.number)
    source = source.join(INCIDENTS, pairs.c.incident == INCIDENTS.c.number)
    query = sa.select(INSTANCES.c.id).select_from(source)
    query = query.where(INCIDENTS.c.id == incident_id, pairs.c.bundle == INSTANCES.c.last_bundle)
    return set(connection.execute(query).scalars())


def first_failure(connection: sa.Connection, number: int) -> FirstFailure | None:
    """Of what the newest bundle of some instance still tells."""
    of_set = sa.select(INCIDENTS.c.number).where(
        INCIDENTS.c.scale_set == number, INCIDENTS.c.kind.in_(("failure", "hang"))
    )
    told = INCIDENT_INSTANCES.c
    earliest = sa.select(told.incident, told.instance, told.first_seen, told.bundle).where(told.incident.in_(of_set))
    earliest = earliest.order_by(told.first_seen, told.incident, told.instance)
    # a scale set has tens of thousands of them, and mostly one of the first is still seen
    row = _still_seen(connection, earliest.limit(_EARLIEST)) or _still_seen(connection, earliest)
    if row is None:
        return None
    return FirstFailure(
        row["name"] or row["computer_name"] or row["instance_id"],
        row["instance_id"],
        row["incident_id"],
        row["extension"] or "",
        row["exit_code"],
        row["kind"],
        row["title"],
        row["first_seen"],
        row["bundle"],
    )


def _still_seen(connection: sa.Connection, pairs: sa.Select[Any]) -> sa.RowMapping | None:
    """The first of these pairs whose bundle is the newest one of its instance."""
    told = pairs.subquery()
    source = told.join(INSTANCES, told.c.instance == INSTANCES.c.number)
    source = source.join(INCIDENTS, told.c.incident == INCIDENTS.c.number)
    query = sa.select(
        INSTANCES.c.name,
        INSTANCES.c.computer_name,
        INSTANCES.c.id.label("instance_id"),
        INCIDENTS.c.id.label("incident_id"),
        *(INCIDENTS.c[name] for name in ("extension", "exit_code", "kind", "title")),
        told.c.first_seen,
        told.c.bundle,
    )
    query = query.select_from(source).where(told.c.bundle == INSTANCES.c.last_bundle)
    query = query.order_by(told.c.first_seen, told.c.incident, told.c.instance).limit(1)
    return connection.execute(query).mappings().first()
