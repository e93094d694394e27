"""Which bundles go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from collector.endpoint.database.stores_tables import WATCHED_FILES
from collector.endpoint.database.tables import BUNDLES, INSTANCES

_OWN = ~sa.exists().where(WATCHED_FILES.c.sha256 == BUNDLES.c.sha256, ~WATCHED_FILES.c.gone)
_TROUBLED = ("failed", "hanging")


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
    instance: int | None
    why: str  # "age" or "size"


def too_old(connection: sa.Connection, limits: Limits, at: datetime, most: int) -> list[Victim]:
    """Up to `most` bundles that were received before the limit, oldest first."""
    if limits.keep_days is None:
        return []
    query = _indexed().where(BUNDLES.c.received < at - timedelta(days=limits.keep_days))
    return _victims(connection, query.order_by(BUNDLES.c.received, BUNDLES.c.id).limit(most), "age")


def too_much(connection: sa.Connection, limits: Limits, most: int) -> list[Victim]:
    """Up to `most` bundles, oldest first, until the rest is within the limit.

    First those that tell of no failure and are not the newest of their instance; when none of them is left, any. So
    failures are kept longest, and what is shown as an instance's state is not older than what was deleted of it.
    """
    if limits.keep_bytes is None:
        return []
    stored = connection.execute(sa.select(sa.func.coalesce(sa.func.sum(BUNDLES.c.bytes), 0)).where(_OWN)).scalar_one()
    excess = int(stored) - limits.keep_bytes
    newest = sa.exists().where(INSTANCES.c.number == BUNDLES.c.instance, INSTANCES.c.last_bundle == BUNDLES.c.id)
    quiet = BUNDLES.c.verdict.not_in(_TROUBLED)
    for condition in (quiet & ~newest, sa.true()):
        if excess <= 0:
            return []
        query = _indexed().where(condition).order_by(BUNDLES.c.received, BUNDLES.c.id).limit(most)
        found = _enough(_victims(connection, query, "size"), excess)
        if found:
            return found
    return []


def _enough(victims: Sequence[Victim], excess: int) -> list[Victim]:
    found = []
    for victim in victims:
        if excess <= 0:
            break
        found.append(victim)
        excess -= victim.bytes
    return found


def _indexed() -> sa.Select[Any]:
    """What waits for the indexer is not touched: it would be written while it is deleted. Nor is what lies in a
    watched place: that is its owner's."""
    columns = (BUNDLES.c[name] for name in ("id", "sha256", "bytes", "received", "instance"))
    return sa.select(*columns).where(BUNDLES.c.state != "waiting", _OWN)


def _victims(connection: sa.Connection, query: sa.Select[Any], why: str) -> list[Victim]:
    return [Victim(**row._mapping, why=why) for row in connection.execute(query)]
