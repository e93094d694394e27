"""Takes bundles out of the index in one transaction, which costs what these bundles hold, however much is left.

Rows are locked in the order in which the indexer does it (instances by key, incidents by id), so that the two never
wait for each other in a circle; whoever comes second sees what the first has done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from collector.endpoint.database.engine import Database
from collector.endpoint.database.retention_tables import UNSETTLED
from collector.endpoint.database.stores_tables import WATCHED_FILES
from collector.endpoint.database.tables import (
    BUNDLES,
    FINDINGS,
    INCIDENT_INSTANCES,
    INCIDENTS,
    INSTANCES,
    QUEUE,
    STATES,
)
from collector.endpoint.retention.choosing import REMOVABLE, Victim

#: Values of one statement: below what SQLite and PostgreSQL take.
_PIECE = 400
_THIS_PAIR = sa.and_(
    INCIDENT_INSTANCES.c.incident == sa.bindparam("p_incident"),
    INCIDENT_INSTANCES.c.instance == sa.bindparam("p_instance"),
)

_Any = TypeVar("_Any")
Pair = tuple[int, int]  # an incident and an instance, by their numbers


@dataclass(frozen=True, slots=True)
class _Seen:
    bundle: str
    time: datetime


def delete(database: Database, connection: sa.Connection, victims: Sequence[Victim]) -> set[str]:
    """Their rows go; incidents and instances of which nothing is left go with them. Gives the ids of those that went:
    the others are gone already, or not to be removed any more.

    Incidents of which something is left are marked as unsettled.
    """
    _forget_watched(connection, victims)
    found = _still_there(database, connection, [victim.id for victim in victims])
    ids, instances = sorted(found), sorted({number for number in found.values() if number is not None})
    _lock(database, connection, INSTANCES.c.number, instances, INSTANCES.c.key)
    lost = _pairs_of(connection, ids)
    incidents = sorted({incident for incident, _ in lost})
    _lock(database, connection, INCIDENTS.c.number, incidents, INCIDENTS.c.id)
    for piece in _pieces(ids):
        connection.execute(sa.delete(QUEUE).where(QUEUE.c.bundle.in_(piece)))
        connection.execute(sa.delete(FINDINGS).where(FINDINGS.c.bundle.in_(piece)))
        for some in _pieces(instances):
            connection.execute(sa.delete(STATES).where(STATES.c.instance.in_(some), STATES.c.bundle.in_(piece)))
        connection.execute(sa.delete(BUNDLES).where(BUNDLES.c.id.in_(piece)))
    gone = _take_from_pairs(connection, lost, found.keys())
    _take_from_incidents(database, connection, lost, gone)
    _settle_instances(connection, instances, found.keys())
    return set(ids)


def _forget_watched(connection: sa.Connection, victims: Sequence[Victim]) -> None:
    """Of what is gone from a watched place: should it come back, it is read as one that was never there."""
    hashes = [victim.sha256 for victim in victims if victim.state == "gone"]
    for piece in _pieces(hashes):
        files = WATCHED_FILES.c
        connection.execute(sa.delete(WATCHED_FILES).where(files.sha256.in_(piece), files.gone))


def _still_there(database: Database, connection: sa.Connection, ids: Sequence[str]) -> dict[str, int | None]:
    """Each with its instance's number."""
    found: dict[str, int | None] = {}
    for piece in _pieces(sorted(ids)):
        query = sa.select(BUNDLES.c.id, BUNDLES.c.instance).where(BUNDLES.c.id.in_(piece), REMOVABLE)
        query = query.order_by(BUNDLES.c.id)
        if database.is_postgresql:  # SQLite has one writer at a time
            query = query.with_for_update(of=BUNDLES)
        found |= {row.id: row.instance for row in connection.execute(query)}
    return found


def _lock(
    database: Database,
    connection: sa.Connection,
    column: sa.Column[int],
    numbers: Collection[int],
    order: sa.Column[str],
) -> None:
    if not database.is_postgresql:
        return
    for piece in _pieces(sorted(numbers)):
        connection.execute(sa.select(column).where(column.in_(piece)).order_by(order).with_for_update())


def _pairs_of(connection: sa.Connection, bundles: Sequence[str]) -> Counter[Pair]:
    """How many of these bundles tell of each incident on each instance."""
    found = Counter[Pair]()
    for piece in _pieces(bundles):
        query = sa.select(FINDINGS.c.incident, FINDINGS.c.instance, FINDINGS.c.bundle).distinct()
        query = query.where(FINDINGS.c.bundle.in_(piece), FINDINGS.c.incident.is_not(None))
        found.update((row.incident, row.instance) for row in connection.execute(query))
    return found


def _take_from_pairs(connection: sa.Connection, lost: Counter[Pair], bundles: Collection[str]) -> list[Pair]:
    """Gives the pairs of which nothing is left; the others tell of the bundles that are left."""
    gone: list[Pair] = []
    changed: dict[Pair, dict[str, Any]] = {}
    without_newest: list[Pair] = []
    for piece in _pieces(sorted(lost)):
        for row in connection.execute(sa.select(INCIDENT_INSTANCES).where(_these(piece))):
            pair = (row.incident, row.instance)
            if row.bundles <= lost[pair]:
                gone.append(pair)
                continue
            names = {"p_incident": row.incident, "p_instance": row.instance, "p_bundles": row.bundles - lost[pair]}
            changed[pair] = names | {"p_first": row.first_seen, "p_last": row.last_seen, "p_bundle": row.bundle}
            if row.bundle in bundles:
                without_newest.append(pair)
    for pair, seen in _seen(connection, list(changed), oldest=True).items():
        changed[pair]["p_first"] = seen.time
    for pair, seen in _seen(connection, without_newest, oldest=False).items():
        changed[pair] |= {"p_last": seen.time, "p_bundle": seen.bundle}
    told = {"first_seen": "p_first", "last_seen": "p_last", "bundles": "p_bundles", "bundle": "p_bundle"}
    if gone:
        keys = [{"p_incident": incident, "p_instance": instance} for incident, instance in gone]
        connection.execute(sa.delete(INCIDENT_INSTANCES).where(_THIS_PAIR), keys)
    if changed:
        update = sa.update(INCIDENT_INSTANCES).where(_THIS_PAIR)
        values = {name: sa.bindparam(label, type_=INCIDENT_INSTANCES.c[name].type) for name, label in told.items()}
        connection.execute(update.values(values), list(changed.values()))
    return gone


def _seen(connection: sa.Connection, pairs: Sequence[Pair], *, oldest: bool) -> dict[Pair, _Seen]:
    """When what is left of each tells of it, by the bundle that came first or last.

    It is looked for from that end, bundle by bundle: an instance may have sent thousands.
    """
    order = (BUNDLES.c.received, BUNDLES.c.id) if oldest else (BUNDLES.c.received.desc(), BUNDLES.c.id.desc())
    tells = sa.exists().where(FINDINGS.c.incident == INCIDENT_INSTANCES.c.incident, FINDINGS.c.bundle == BUNDLES.c.id)
    tells = tells.correlate(INCIDENT_INSTANCES, BUNDLES)
    here = sa.select(BUNDLES.c.id).where(BUNDLES.c.instance == INCIDENT_INSTANCES.c.instance, tells)
    found: dict[Pair, _Seen] = {}
    for piece in _pieces(pairs):
        one = here.order_by(*order).limit(1).correlate(INCIDENT_INSTANCES).scalar_subquery()
        query = sa.select(INCIDENT_INSTANCES.c.incident, INCIDENT_INSTANCES.c.instance, one.label("bundle"))
        bundles = {
            (row.incident, row.bundle): (row.incident, row.instance)
            for row in connection.execute(query.where(_these(piece)))
            if row.bundle is not None
        }
        told = sa.select(FINDINGS.c.incident, FINDINGS.c.bundle, FINDINGS.c.time, BUNDLES.c.created)
        told = told.join(BUNDLES, FINDINGS.c.bundle == BUNDLES.c.id)
        told = told.where(FINDINGS.c.bundle.in_(sorted({bundle for _, bundle in bundles})))
        for row in connection.execute(told.order_by(FINDINGS.c.bundle, FINDINGS.c.number)):
            pair = bundles.get((row.incident, row.bundle))
            if pair is not None and pair not in found:  # as the indexer: the first one tells when
                found[pair] = _Seen(row.bundle, row.time or row.created)
    return found


def _these(pairs: Sequence[Pair]) -> sa.ColumnElement[bool]:
    """The first two conditions say no more than the third, for which SQLite has no index."""
    table = INCIDENT_INSTANCES.c
    incidents, instances = ({pair[place] for pair in pairs} for place in (0, 1))
    apart = sa.and_(table.incident.in_(sorted(incidents)), table.instance.in_(sorted(instances)))
    return sa.and_(apart, sa.tuple_(table.incident, table.instance).in_(pairs))


def _take_from_incidents(
    database: Database, connection: sa.Connection, lost: Counter[Pair], gone: Collection[Pair]
) -> None:
    instances, bundles = Counter(incident for incident, _ in gone), Counter[int]()
    for (incident, _), count in lost.items():
        bundles[incident] += count
    if not bundles:
        return
    table = INCIDENTS.c
    update = sa.update(INCIDENTS).where(table.number == sa.bindparam("i_number"))
    update = update.values(
        instances=table.instances - sa.bindparam("i_instances"), bundles=table.bundles - sa.bindparam("i_bundles")
    )
    rows = [
        {"i_number": number, "i_instances": instances[number], "i_bundles": count} for number, count in bundles.items()
    ]
    connection.execute(update, rows)
    left: list[int] = []
    for piece in _pieces(sorted(bundles)):
        connection.execute(sa.delete(INCIDENTS).where(table.number.in_(piece), table.instances <= 0))
        left += connection.execute(sa.select(table.number).where(table.number.in_(piece))).scalars()
    if left:
        insert = database.insert(UNSETTLED).on_conflict_do_nothing()
        connection.execute(insert, [{"incident": number} for number in left])


def _settle_instances(connection: sa.Connection, instances: Sequence[int], deleted: Collection[str]) -> None:
    """Those without a bundle go; of the others the newest that is left is the newest."""
    for piece in _pieces(instances):
        left = sa.exists().where(BUNDLES.c.instance == INSTANCES.c.number)
        here = INSTANCES.c.number.in_(piece)
        connection.execute(sa.delete(INSTANCES).where(here, ~left))
        newest = connection.execute(sa.select(INSTANCES.c.number, INSTANCES.c.last_bundle).where(here)).all()
        for number in [row.number for row in newest if row.last_bundle in deleted]:
            query = sa.select(BUNDLES.c.id, BUNDLES.c.verdict).where(BUNDLES.c.instance == number)
            row = connection.execute(query.order_by(BUNDLES.c.created.desc(), BUNDLES.c.id.desc()).limit(1)).one()
            values = {"last_bundle": row.id, "last_verdict": row.verdict}
            connection.execute(sa.update(INSTANCES).where(INSTANCES.c.number == number).values(values))


def _pieces(values: Sequence[_Any]) -> Iterator[Sequence[_Any]]:
    for start in range(0, len(values), _PIECE):
        yield values[start : start + _PIECE]
