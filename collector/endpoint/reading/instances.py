"""Instances: what each told of itself last, and what it has had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from collector.endpoint.database.tables import INCIDENT_INSTANCES, INCIDENTS, INSTANCES, SCALE_SETS, STATES
from collector.endpoint.reading.choice import Choice, Within, has_id, of_scale_set, visible
from collector.endpoint.reading.incidents import IS_CURRENT, Incident, told
from collector.endpoint.reading.paging import PAGE, Page, cut, keyset
from collector.endpoint.reading.scale_sets import NAME_COLUMNS, ScaleSetName, named
from collector.endpoint.reading.words import Words


@dataclass(frozen=True, slots=True)
class Instance:
    """As its newest bundle tells."""

    id: str
    scale_set: ScaleSetName
    name: str | None
    computer_name: str | None
    instance_id: str | None
    location: str | None
    zone: str | None
    system: str | None
    os: str | None
    agent_version: str | None
    image: str | None
    verdict: str | None
    #: id of the newest bundle
    last_bundle: str | None
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the newest bundle that tells of an extension says of it."""

    extension: str
    #: failed, hanging, or what the state file says in small letters
    outcome: str
    version: str | None
    exit_code: int | None
    title: str | None
    bundle: str
    created: datetime


@dataclass(frozen=True, slots=True)
class Had:
    """An incident that an instance has had."""

    incident: Incident
    #: how many other instances of its scale set have had it
    others: int
    #: whether the instance's newest bundle tells of it
    is_current: bool
    first_seen: datetime
    last_seen: datetime
    #: how many bundles of this instance tell of it, and the newest of them
    bundles: int
    bundle: str


_FACTS = (
    *("name", "computer_name", "instance_id", "location", "zone", "system", "os"),
    *("agent_version", "image", "last_bundle", "first_seen", "last_seen"),
)
_COLUMNS = (INSTANCES.c.number, INSTANCES.c.id, INSTANCES.c.last_verdict, *(INSTANCES.c[name] for name in _FACTS))
_SOURCE = INSTANCES.join(SCALE_SETS, INSTANCES.c.scale_set == SCALE_SETS.c.number)
_ORDER = (INSTANCES.c.last_seen, INSTANCES.c.number)


def instances(
    connection: sa.Connection,
    within: Within,
    choice: Choice | None = None,
    *,
    limit: int = PAGE,
    after: str | None = None,
    words: Words | None = None,
) -> Page[Instance]:
    """Those with the newest bundle first. Of `choice`: scale_set, verdict, since, until, text (a part of a name).

    Raises CursorError.
    """
    choice = choice or Choice()
    query = sa.select(*_COLUMNS, *NAME_COLUMNS).select_from(_SOURCE).where(*visible(INSTANCES.c.scale_set, within))
    query = query.where(*of_scale_set(connection, INSTANCES.c.scale_set, choice.scale_set))
    if choice.verdict:
        query = query.where(INSTANCES.c.last_verdict == choice.verdict)
    if choice.since:
        query = query.where(INSTANCES.c.last_seen >= choice.since)
    if choice.until:
        query = query.where(INSTANCES.c.first_seen <= choice.until)
    if choice.text and choice.text.strip():
        query = query.where(INSTANCES.c.number.in_((words or Words(connection)).instances(within, choice.text)))
    found = connection.execute(keyset(query, _ORDER, after, limit)).mappings().all()
    rows, cursor = cut(found, limit, [(row["last_seen"], row["number"]) for row in found])
    return Page(tuple(told_instance(row) for row in rows), cursor)


def instance(connection: sa.Connection, within: Within, instance_id: str) -> Instance | None:
    query = sa.select(*_COLUMNS, *NAME_COLUMNS).select_from(_SOURCE).where(has_id(INSTANCES.c.id, instance_id))
    row = connection.execute(query.where(*visible(INSTANCES.c.scale_set, within))).mappings().first()
    return told_instance(row) if row is not None else None


def outcomes(connection: sa.Connection, within: Within, instance_id: str) -> tuple[Outcome, ...]:
    """Of its extensions, in the order of their names."""
    names = ("extension", "outcome", "version", "exit_code", "title", "bundle", "created")
    query = sa.select(*(STATES.c[name] for name in names)).join(INSTANCES, STATES.c.instance == INSTANCES.c.number)
    query = query.where(has_id(INSTANCES.c.id, instance_id), *visible(INSTANCES.c.scale_set, within))
    return tuple(Outcome(*row) for row in connection.execute(query.order_by(STATES.c.extension)))


def incidents_of_instance(
    connection: sa.Connection, within: Within, instance_id: str, *, limit: int = PAGE
) -> tuple[Had, ...]:
    """The newest first."""
    pairs = INCIDENT_INSTANCES
    source = pairs.join(INSTANCES, pairs.c.instance == INSTANCES.c.number)
    source = source.join(INCIDENTS, pairs.c.incident == INCIDENTS.c.number)
    source = source.join(SCALE_SETS, INCIDENTS.c.scale_set == SCALE_SETS.c.number)
    columns = [pairs.c[name].label(f"pair_{name}") for name in ("first_seen", "last_seen", "bundles", "bundle")]
    query = sa.select(INCIDENTS, *NAME_COLUMNS, *columns, IS_CURRENT).select_from(source)
    query = query.where(has_id(INSTANCES.c.id, instance_id), *visible(INSTANCES.c.scale_set, within))
    query = query.order_by(pairs.c.last_seen.desc(), pairs.c.incident.desc()).limit(limit)
    rows = connection.execute(query).mappings().all()
    return tuple(
        Had(
            incident=one,
            others=max(one.instances - 1, 0),
            is_current=row["is_current"],
            first_seen=row["pair_first_seen"],
            last_seen=row["pair_last_seen"],
            bundles=row["pair_bundles"],
            bundle=row["pair_bundle"],
        )
        for row, one in zip(rows, told(connection, rows), strict=True)
    )


def told_instance(row: Mapping[Any, Any]) -> Instance:
    return Instance(
        id=row["id"], scale_set=named(row), verdict=row["last_verdict"], **{name: row[name] for name in _FACTS}
    )
