"""Takes bundles out of the index in one transaction, and makes what was counted and concluded from them anew.

Rows are locked in the order in which the indexer does it (instances by key, incidents by id), so that the two never
wait for each other in a circle; whoever comes second sees what the first has done.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from collector.endpoint.database.engine import Database
from collector.endpoint.database.tables import (
    BUNDLES,
    FINDINGS,
    INCIDENT_INSTANCES,
    INCIDENTS,
    INSTANCES,
    QUEUE,
    STATES,
)
from collector.endpoint.retention.choosing import Victim

#: Parameters of one statement: below what SQLite and PostgreSQL take.
_PIECE = 400

_Any = TypeVar("_Any")


def delete(database: Database, connection: sa.Connection, victims: Sequence[Victim]) -> set[str]:
    """Their rows go; incidents and instances of which nothing is left go with them. Gives the ids of those that were
    still there."""
    deleted = set[str]()
    ids = sorted(victim.id for victim in victims)
    instances = sorted({victim.instance for victim in victims if victim.instance is not None})
    _lock(database, connection, INSTANCES.c.number, instances, INSTANCES.c.key)
    incidents = _incidents_of(connection, ids)
    _lock(database, connection, INCIDENTS.c.number, incidents, INCIDENTS.c.id)
    for piece in _pieces(ids):
        connection.execute(sa.delete(QUEUE).where(QUEUE.c.bundle.in_(piece)))
        connection.execute(sa.delete(FINDINGS).where(FINDINGS.c.bundle.in_(piece)))
        for some in _pieces(instances):
            connection.execute(sa.delete(STATES).where(STATES.c.instance.in_(some), STATES.c.bundle.in_(piece)))
        gone = sa.delete(BUNDLES).where(BUNDLES.c.id.in_(piece)).returning(BUNDLES.c.id)
        deleted.update(connection.execute(gone).scalars())
    _count_pairs(connection, incidents, instances)
    _count_incidents(connection, incidents)
    _settle_instances(connection, instances, ids)
    return deleted


def _lock(
    database: Database,
    connection: sa.Connection,
    column: sa.Column[int],
    numbers: Collection[int],
    order: sa.Column[str],
) -> None:
    if not database.is_postgresql:  # SQLite has one writer at a time
        return
    for piece in _pieces(sorted(numbers)):
        connection.execute(sa.select(column).where(column.in_(piece)).order_by(order).with_for_update())


def _incidents_of(connection: sa.Connection, bundles: Sequence[str]) -> list[int]:
    found = set[int]()
    for piece in _pieces(bundles):
        query = sa.select(FINDINGS.c.incident).where(FINDINGS.c.bundle.in_(piece), FINDINGS.c.incident.is_not(None))
        found.update(connection.execute(query.distinct()).scalars())
    return sorted(found)


def _count_pairs(connection: sa.Connection, incidents: Sequence[int], instances: Sequence[int]) -> None:
    """Which of the instances still have which of the incidents, from the bundles that are left of them."""
    table = INCIDENT_INSTANCES.c
    for piece in _pieces(instances):
        for some in _pieces(incidents):
            here = table.instance.in_(piece) & table.incident.in_(some)
            connection.execute(sa.delete(INCIDENT_INSTANCES).where(here))
            if rows := _pairs(connection, some, piece):
                connection.execute(sa.insert(INCIDENT_INSTANCES), rows)


def _pairs(connection: sa.Connection, incidents: Sequence[int], instances: Sequence[int]) -> list[dict[str, Any]]:
    """As the indexer counts them: of a bundle's findings of one incident the first one tells when."""
    seen = sa.func.coalesce(FINDINGS.c.time, BUNDLES.c.created).label("seen")
    query = sa.select(FINDINGS.c.incident, BUNDLES.c.instance, BUNDLES.c.id, seen)
    query = query.select_from(BUNDLES.join(FINDINGS, FINDINGS.c.bundle == BUNDLES.c.id))
    query = query.where(BUNDLES.c.instance.in_(instances), FINDINGS.c.incident.in_(incidents))
    counted = set[tuple[int, str]]()
    rows: dict[tuple[int, int], dict[str, Any]] = {}
    for row in connection.execute(query.order_by(BUNDLES.c.received, BUNDLES.c.id, FINDINGS.c.number)):
        if (row.incident, row.id) in counted:
            continue
        counted.add((row.incident, row.id))
        new = {"first_seen": row.seen, "last_seen": row.seen, "bundles": 1, "bundle": row.id}
        pair = rows.setdefault((row.incident, row.instance), {"incident": row.incident, "instance": row.instance} | new)
        if pair["bundle"] != row.id:
            is_newer = row.seen >= pair["last_seen"]
            pair |= {
                "first_seen": min(pair["first_seen"], row.seen),
                "last_seen": max(pair["last_seen"], row.seen),
                "bundles": pair["bundles"] + 1,
                "bundle": row.id if is_newer else pair["bundle"],
            }
    return list(rows.values())


def _count_incidents(connection: sa.Connection, incidents: Sequence[int]) -> None:
    table = INCIDENT_INSTANCES.c
    for piece in _pieces(incidents):
        query = sa.select(
            table.incident.label("i_number"),
            sa.func.count().label("i_instances"),
            sa.func.sum(table.bundles).label("i_bundles"),
            sa.func.min(table.first_seen).label("i_first"),
            sa.func.max(table.last_seen).label("i_last"),
        )
        rows = [
            dict(row._mapping)
            for row in connection.execute(query.where(table.incident.in_(piece)).group_by(table.incident))
        ]
        gone = set(piece) - {row["i_number"] for row in rows}
        connection.execute(sa.delete(INCIDENTS).where(INCIDENTS.c.number.in_(gone)))
        if rows:
            update = sa.update(INCIDENTS).where(INCIDENTS.c.number == sa.bindparam("i_number"))
            update = update.values(
                instances=sa.bindparam("i_instances"),
                bundles=sa.bindparam("i_bundles"),
                first_seen=sa.bindparam("i_first"),
                last_seen=sa.bindparam("i_last"),
            )
            connection.execute(update, [row | {"i_bundles": int(row["i_bundles"])} for row in rows])


def _settle_instances(connection: sa.Connection, instances: Sequence[int], deleted: Sequence[str]) -> None:
    """Those without a bundle go; of the others the newest that is left is the newest."""
    for piece in _pieces(instances):
        query = sa.select(BUNDLES.c.instance, BUNDLES.c.id, BUNDLES.c.verdict).where(BUNDLES.c.instance.in_(piece))
        left = {row.instance: row for row in connection.execute(query.order_by(BUNDLES.c.created, BUNDLES.c.id))}
        gone = set(piece) - left.keys()
        connection.execute(sa.delete(STATES).where(STATES.c.instance.in_(gone)))
        connection.execute(sa.delete(INSTANCES).where(INSTANCES.c.number.in_(gone)))
        for some in _pieces(deleted):
            lost = INSTANCES.c.number.in_(piece) & INSTANCES.c.last_bundle.in_(some)
            for number in connection.execute(sa.select(INSTANCES.c.number).where(lost)).scalars().all():
                values = {"last_bundle": left[number].id, "last_verdict": left[number].verdict}
                connection.execute(sa.update(INSTANCES).where(INSTANCES.c.number == number).values(values))


def _pieces(values: Sequence[_Any]) -> Iterator[Sequence[_Any]]:
    for start in range(0, len(values), _PIECE):
        yield values[start : start + _PIECE]
