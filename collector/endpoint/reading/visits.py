"""When a person last looked, and what is new since."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa

from collector.endpoint.database.engine import Database
from collector.endpoint.database.expected_tables import VISITS
from collector.endpoint.database.tables import BUNDLES, FINDINGS, INCIDENTS

#: Who comes back after so long begins a new visit.
PAUSE = timedelta(minutes=30)
_PRECISION = timedelta(minutes=1)


def visit(database: Database, person: str, now: datetime) -> datetime | None:
    """Notes that a person looks now; gives when the visit before this one ended, None for the first. Raises OSError.

    A visit that can't be noted, since the disk is full, is no reason not to show what is wrong.
    """
    person = person[:128]
    query = sa.select(VISITS.c.before, VISITS.c.latest).where(VISITS.c.person == person)
    with database.reading() as connection:
        row = connection.execute(query).first()
    if row is not None and now - row.latest < _PRECISION:
        told: datetime | None = row.before
        return told
    before = None if row is None else row.latest if now - row.latest >= PAUSE else row.before
    values = {"person": person, "before": before, "latest": now}
    upsert = database.insert(VISITS).values(values)
    with database.writing() as connection:
        connection.execute(upsert.on_conflict_do_update(index_elements=["person"], set_=values))
    return before


def first_told_after(connection: sa.Connection, incident_ids: Collection[str], moment: datetime) -> set[str]:
    """Those of these incidents of which no bundle had come at that moment."""
    if not incident_ids:
        return set()
    known = sa.select(FINDINGS.c.bundle).join(BUNDLES, FINDINGS.c.bundle == BUNDLES.c.id)
    known = known.where(FINDINGS.c.incident == INCIDENTS.c.number, BUNDLES.c.received <= moment)
    query = sa.select(INCIDENTS.c.id).where(INCIDENTS.c.id.in_(sorted(incident_ids)), ~known.exists())
    return set(connection.execute(query).scalars())
