"""Makes anew what was concluded from bundles that are gone: times of incidents, scale sets with nothing in them."""

from __future__ import annotations

import sqlalchemy as sa

from collector.endpoint.database.engine import Database
from collector.endpoint.database.expected_tables import LISTS
from collector.endpoint.database.retention_tables import UNSETTLED
from collector.endpoint.database.tables import BUNDLES, INCIDENT_INSTANCES, INCIDENTS, INSTANCES, SCALE_SETS


def settle(database: Database, connection: sa.Connection, most: int) -> int:
    """Counts up to `most` incidents anew that have lost bundles; tells how many.

    Once for each incident, not for each bundle that it loses: it may be on many thousands of instances.
    """
    chosen = sa.select(INCIDENTS.c.number).join(UNSETTLED, UNSETTLED.c.incident == INCIDENTS.c.number)
    chosen = chosen.order_by(INCIDENTS.c.id).limit(most)
    if database.is_postgresql:  # who counts on meanwhile waits; SQLite has one writer at a time
        chosen = chosen.with_for_update(of=INCIDENTS)
    numbers = list(connection.execute(chosen).scalars())
    if not numbers:
        return 0
    table = INCIDENT_INSTANCES.c
    query = sa.select(
        table.incident.label("i_number"),
        sa.func.count().label("i_instances"),
        sa.cast(sa.func.sum(table.bundles), sa.Integer).label("i_bundles"),
        sa.func.min(table.first_seen).label("i_first"),
        sa.func.max(table.last_seen).label("i_last"),
    )
    found = connection.execute(query.where(table.incident.in_(numbers)).group_by(table.incident)).mappings().all()
    if found:
        told = {"instances": "i_instances", "bundles": "i_bundles", "first_seen": "i_first", "last_seen": "i_last"}
        update = sa.update(INCIDENTS).where(INCIDENTS.c.number == sa.bindparam("i_number"))
        values = {name: sa.bindparam(label, type_=INCIDENTS.c[name].type) for name, label in told.items()}
        connection.execute(update.values(values), [dict(row) for row in found])
    connection.execute(sa.delete(UNSETTLED).where(UNSETTLED.c.incident.in_(numbers)))
    return len(numbers)


def drop_empty(database: Database, most: int) -> int:
    """Takes out up to `most` scale sets that no instance is left of and that nobody gave a list for; tells how many.

    Raises OSError.
    """
    number = SCALE_SETS.c.number
    rooms = (INSTANCES.c.scale_set, INCIDENTS.c.scale_set, BUNDLES.c.scale_set, LISTS.c.scale_set)
    empty = sa.and_(*(~sa.exists().where(column == number) for column in rooms))
    with database.reading() as connection:
        numbers = list(connection.execute(sa.select(number).where(empty).order_by(number).limit(most)).scalars())
    if not numbers:
        return 0
    with database.writing() as connection:
        if database.is_postgresql:  # what was put into one of them meanwhile is seen by the statement behind this one
            lock = sa.select(number).where(number.in_(numbers)).order_by(SCALE_SETS.c.id).with_for_update()
            connection.execute(lock)
        return connection.execute(sa.delete(SCALE_SETS).where(number.in_(numbers), empty)).rowcount
