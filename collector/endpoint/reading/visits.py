"""When a person last looked, and what is new since."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import sqlalchemy as sa

from collector.endpoint.database.access_tables import ACCOUNTS
from collector.endpoint.database.engine import Database
from collector.endpoint.database.expected_tables import VISITS
from collector.endpoint.database.tables import BUNDLES, FINDINGS, INCIDENTS, milliseconds

#: Who comes back after so long begins a new visit.
PAUSE = timedelta(minutes=30)
_PRECISION = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Visit:
    """`before`: when the visit before this one ended; None in the first. `latest`: when this one was last seen."""

    before: datetime | None
    latest: datetime


def following(known: Visit | None, now: datetime) -> Visit:
    """What is known of a person who looks now. The same as `known` where nothing is to be noted."""
    if known is None:
        return Visit(None, now)
    if now - known.latest < _PRECISION:
        return known
    return Visit(known.latest if now - known.latest >= PAUSE else known.before, now)


def visit(database: Database, person: str, now: datetime) -> Visit | None:
    """Notes that a person with an account looks now; None for one without. Raises OSError."""
    query = sa.select(VISITS.c.before, VISITS.c.latest)
    query = query.select_from(ACCOUNTS.outerjoin(VISITS, VISITS.c.person == ACCOUNTS.c.name))
    with database.reading() as connection:
        row = connection.execute(query.where(ACCOUNTS.c.name == person)).first()
    if row is None:
        return None
    known = Visit(row.before, row.latest) if row.latest is not None else None
    found = following(known, now)
    if found != known:
        values = {"person": person, "before": found.before, "latest": found.latest}
        upsert = database.insert(VISITS).values(values)
        with database.writing() as connection:
            connection.execute(upsert.on_conflict_do_update(index_elements=["person"], set_=values))
    return found


def as_text(known: Visit) -> str:
    """For a cookie, which keeps the visits of those without an account: milliseconds since 1970."""
    return f"{milliseconds(known.before) if known.before else ''}.{milliseconds(known.latest)}"


def from_text(text: str | None) -> Visit | None:
    """None for what `as_text` did not write."""
    before, mark, latest = (text or "").partition(".")
    if not (mark and _is_moment(latest) and (not before or _is_moment(before))):
        return None
    return Visit(_moment(before) if before else None, _moment(latest))


def _is_moment(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 14


def _moment(text: str) -> datetime:
    return datetime.fromtimestamp(int(text) / 1000, timezone.utc)


def first_told_after(connection: sa.Connection, incident_ids: Collection[str], moment: datetime) -> set[str]:
    """Those of these incidents of which no bundle had come at that moment."""
    if not incident_ids:
        return set()
    known = sa.select(FINDINGS.c.bundle).join(BUNDLES, FINDINGS.c.bundle == BUNDLES.c.id)
    known = known.where(FINDINGS.c.incident == INCIDENTS.c.number, BUNDLES.c.received <= moment)
    query = sa.select(INCIDENTS.c.id).where(INCIDENTS.c.id.in_(sorted(incident_ids)), ~known.exists())
    return set(connection.execute(query).scalars())
