"""Which bundles go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from collector.endpoint.database.engine import Database
from collector.endpoint.database.stores_tables import WATCHED_FILES
from collector.endpoint.database.tables import BUNDLES, INSTANCES

#: What waits for the indexer is not touched: it would be written while it is deleted. Nor is what lies in a watched
#: place: that is its owner's.
REMOVABLE = sa.and_(
    BUNDLES.c.state != "waiting", ~sa.exists().where(WATCHED_FILES.c.sha256 == BUNDLES.c.sha256, ~WATCHED_FILES.c.gone)
)
#: Of what was in a watched place and is gone, nothing is stored here.
_STORED = sa.and_(REMOVABLE, BUNDLES.c.state != "gone")
_TROUBLED = ("failed", "hanging")
#: Bundles of one look.
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Limits:
    """None: without that limit."""

    keep_days: float | None = None
    keep_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Victim:
    id: str
    sha256: str
    bytes: int
    received: datetime
    #: gone: it was in a watched place
    state: str
    why: str  # "age" or "size"


def chosen(database: Database, limits: Limits, at: datetime) -> Iterator[list[Victim]]:
    """All that are to go, some at a time, whether they are deleted meanwhile or not. Raises OSError.

    By age those that were received before the limit, oldest first. By size, oldest first, until the rest is within the
    limit: first those that tell of no failure and are not the newest of their instance; when none of them is left, any.
    So failures are kept longest, and what is shown as an instance's state is not older than what was deleted of it.
    What comes in meanwhile counts the next time.
    """
    excess = 0 if limits.keep_bytes is None else _stored(database) - limits.keep_bytes
    young: sa.ColumnElement[bool] = sa.true()
    if limits.keep_days is not None:
        oldest = at - timedelta(days=limits.keep_days)
        young = BUNDLES.c.received >= oldest
        for some in _walk(database, sa.and_(REMOVABLE, ~young), "age"):
            excess -= sum(victim.bytes for victim in some if victim.state != "gone")
            yield some
    newest = sa.exists().where(INSTANCES.c.number == BUNDLES.c.instance, INSTANCES.c.last_bundle == BUNDLES.c.id)
    first = sa.and_(BUNDLES.c.verdict.not_in(_TROUBLED), ~newest)
    for condition in (first, ~first):
        if excess <= 0:
            return
        for some in _walk(database, sa.and_(_STORED, young, condition), "size"):
            enough, excess = _enough(some, excess)
            yield enough
            if excess <= 0:
                return


def _stored(database: Database) -> int:
    with database.reading() as connection:
        total = sa.select(sa.func.coalesce(sa.func.sum(BUNDLES.c.bytes), 0)).where(_STORED)
        return int(connection.execute(total).scalar_one())


def _enough(victims: list[Victim], excess: int) -> tuple[list[Victim], int]:
    found = []
    for victim in victims:
        if excess <= 0:
            break
        found.append(victim)
        excess -= victim.bytes
    return found, excess


def _walk(database: Database, condition: sa.ColumnElement[bool], why: str) -> Iterator[list[Victim]]:
    """Each look begins behind the last one: what was passed over once is not looked at again."""
    names = ("id", "sha256", "bytes", "received", "state")
    order = (BUNDLES.c.received, BUNDLES.c.id)
    query = sa.select(*(BUNDLES.c[name] for name in names)).where(condition).order_by(*order).limit(_AT_ONCE)
    behind: sa.ColumnElement[bool] = sa.true()
    while True:
        with database.reading() as connection:
            found = [Victim(**row._mapping, why=why) for row in connection.execute(query.where(behind))]
        if not found:
            return
        yield found
        last = found[-1]
        moment = sa.literal(last.received, BUNDLES.c.received.type)
        behind = sa.tuple_(*order) > sa.tuple_(moment, sa.literal(last.id))
