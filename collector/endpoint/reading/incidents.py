"""Incidents: the same failure on the instances of one scale set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from collector.endpoint.database.tables import FINDINGS, INCIDENT_INSTANCES, INCIDENTS, INSTANCES, SCALE_SETS
from collector.endpoint.reading.choice import (
    Choice,
    Within,
    has_id,
    of_exit_code,
    of_extension,
    of_instance,
    of_scale_set,
    visible,
)
from collector.endpoint.reading.paging import PAGE, Page, cut, keyset
from collector.endpoint.reading.scale_sets import NAME_COLUMNS, ScaleSetName, instance_counts, named
from collector.endpoint.reading.words import Words


@dataclass(frozen=True, slots=True)
class Incident:
    id: str
    scale_set: ScaleSetName
    #: failure, hang or warning
    kind: str | None
    rule: str | None
    extension: str | None
    operation: str | None
    exit_code: int | None
    owner: str | None
    #: None where only encrypted bundles tell of it
    title: str | None
    #: of the first bundle that told of it; those of others differ in paths and times
    message: str | None
    #: how many instances have had it, of how many of the scale set that have sent a bundle
    instances: int
    known_instances: int
    bundles: int
    first_seen: datetime
    last_seen: datetime
    #: when the newest bundle that tells of it came in
    last_received: datetime


@dataclass(frozen=True, slots=True)
class Affected:
    """An instance that has had an incident."""

    id: str
    name: str | None
    computer_name: str | None
    instance_id: str | None
    zone: str | None
    #: of its newest bundle
    verdict: str | None
    #: whether its newest bundle still tells of the incident
    is_current: bool
    first_seen: datetime
    last_seen: datetime
    #: how many of its bundles tell of the incident, and the newest of them
    bundles: int
    bundle: str


_FACTS = (
    *("id", "kind", "rule", "extension", "operation", "exit_code", "owner", "title", "message"),
    *("instances", "bundles", "first_seen", "last_seen", "last_received"),
)
_ORDER = (INCIDENTS.c.last_seen, INCIDENTS.c.number)
_SOURCE = INCIDENTS.join(SCALE_SETS, INCIDENTS.c.scale_set == SCALE_SETS.c.number)
#: What a verdict of a bundle means for the kind of an incident; no other verdict has one.
_KINDS = {"failed": ("failure",), "hanging": ("hang",)}

#: Whether an instance's newest bundle tells of an incident, in a query of `INCIDENT_INSTANCES` with `INSTANCES`.
IS_CURRENT = (
    sa.exists()
    .where(FINDINGS.c.bundle == INSTANCES.c.last_bundle, FINDINGS.c.incident == INCIDENT_INSTANCES.c.incident)
    .correlate(INSTANCES, INCIDENT_INSTANCES)
    .label("is_current")
)


def incidents(
    connection: sa.Connection,
    within: Within,
    choice: Choice | None = None,
    *,
    limit: int = PAGE,
    after: str | None = None,
    words: Words | None = None,
) -> Page[Incident]:
    """The last seen first. Every part of `choice` counts but `incident`. Raises CursorError."""
    query = sa.select(INCIDENTS, *NAME_COLUMNS).select_from(_SOURCE)
    query = query.where(*_conditions(connection, within, choice or Choice(), words))
    found = connection.execute(keyset(query, _ORDER, after, limit)).mappings().all()
    rows, cursor = cut(found, limit, [(row["last_seen"], row["number"]) for row in found])
    return Page(tuple(told(connection, rows)), cursor)


def incident(connection: sa.Connection, within: Within, incident_id: str) -> Incident | None:
    query = sa.select(INCIDENTS, *NAME_COLUMNS).select_from(_SOURCE).where(has_id(INCIDENTS.c.id, incident_id))
    rows = connection.execute(query.where(*visible(INCIDENTS.c.scale_set, within))).mappings().all()
    return told(connection, rows)[0] if rows else None


def affected(
    connection: sa.Connection, within: Within, incident_id: str, *, limit: int = PAGE, after: str | None = None
) -> Page[Affected]:
    """The instances of an incident, the last seen first, each with its newest bundle. Raises CursorError."""
    pairs = INCIDENT_INSTANCES
    one = sa.select(INCIDENTS.c.number).where(
        has_id(INCIDENTS.c.id, incident_id), *visible(INCIDENTS.c.scale_set, within)
    )
    names = ("id", "name", "computer_name", "instance_id", "zone", "last_verdict")
    query = sa.select(pairs, *(INSTANCES.c[name] for name in names), IS_CURRENT)
    query = query.select_from(pairs.join(INSTANCES, pairs.c.instance == INSTANCES.c.number))
    query = query.where(pairs.c.incident == one.scalar_subquery())
    found = connection.execute(keyset(query, (pairs.c.last_seen, pairs.c.instance), after, limit)).mappings().all()
    rows, cursor = cut(found, limit, [(row["last_seen"], row["instance"]) for row in found])
    return Page(tuple(_affected(row) for row in rows), cursor)


def new_incidents(connection: sa.Connection, within: Within, since: datetime, *, most: int = 1_000) -> int:
    """How many have had a bundle since then; `most` where there are more."""
    query = sa.select(INCIDENTS.c.number).where(INCIDENTS.c.last_received > since)
    bounded = query.where(*visible(INCIDENTS.c.scale_set, within)).limit(most).subquery()
    return int(connection.execute(sa.select(sa.func.count()).select_from(bounded)).scalar_one())


def told(connection: sa.Connection, rows: Sequence[Mapping[Any, Any]]) -> list[Incident]:
    """Rows of `INCIDENTS` with `NAME_COLUMNS`, in their order."""
    known = instance_counts(connection, [row["scale_set"] for row in rows])
    return [
        Incident(
            scale_set=named(row),
            known_instances=known.get(row["scale_set"], 0),
            **{name: row[name] for name in _FACTS},
        )
        for row in rows
    ]


def _affected(row: Mapping[Any, Any]) -> Affected:
    return Affected(
        id=row["id"],
        name=row["name"],
        computer_name=row["computer_name"],
        instance_id=row["instance_id"],
        zone=row["zone"],
        verdict=row["last_verdict"],
        is_current=row["is_current"],
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        bundles=row["bundles"],
        bundle=row["bundle"],
    )


def _conditions(
    connection: sa.Connection, within: Within, choice: Choice, words: Words | None = None
) -> list[sa.ColumnElement[bool]]:
    columns = INCIDENTS.c
    found = visible(columns.scale_set, within)
    found += of_scale_set(connection, columns.scale_set, choice.scale_set)
    found += of_extension(connection, columns.extension, choice.extension)
    found += of_exit_code(columns.exit_code, choice.exit_code)
    if choice.owner:
        found.append(columns.owner == choice.owner)
    if choice.kind:
        found.append(columns.kind == choice.kind)
    if choice.verdict:
        found.append(columns.kind.in_(_KINDS.get(choice.verdict, ())))
    if choice.since:
        found.append(columns.last_seen >= choice.since)
    if choice.until:
        found.append(columns.first_seen <= choice.until)
    if choice.received_after:
        found.append(columns.last_received > choice.received_after)
    if choice.instance:
        had = sa.select(INCIDENT_INSTANCES.c.incident)
        found.append(columns.number.in_(had.where(*of_instance(INCIDENT_INSTANCES.c.instance, choice.instance))))
    if choice.text and choice.text.strip():
        found.append(columns.number.in_((words or Words(connection)).incidents(within, choice.text)))
    return found
