"""What the index concludes from the bundles, without the numbers that the database gives."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from collector.endpoint.database.engine import Database
from collector.endpoint.database.tables import INCIDENT_INSTANCES, INCIDENTS, INSTANCES, SCALE_SETS, STATES


def told(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Two indexes that tell the same are of the same bundles."""
    with database.reading() as connection:
        instance = sa.select(INSTANCES.c.key, INSTANCES.c.last_bundle, INSTANCES.c.last_verdict)
        incident = [INCIDENTS.c[name] for name in ("id", "instances", "bundles", "first_seen", "last_seen")]
        pair = [INCIDENT_INSTANCES.c[name] for name in ("first_seen", "last_seen", "bundles", "bundle")]
        pairs = (
            sa.select(INCIDENTS.c.id, INSTANCES.c.key, *pair)
            .join_from(INCIDENT_INSTANCES, INCIDENTS, INCIDENT_INSTANCES.c.incident == INCIDENTS.c.number)
            .join(INSTANCES, INCIDENT_INSTANCES.c.instance == INSTANCES.c.number)
        )
        states = sa.select(INSTANCES.c.key, STATES.c.extension, STATES.c.outcome, STATES.c.bundle).join_from(
            STATES, INSTANCES, STATES.c.instance == INSTANCES.c.number
        )
        queries = {"instances": instance, "incidents": sa.select(*incident), "pairs": pairs, "states": states}
        queries["scale sets"] = sa.select(SCALE_SETS.c.key)
        return {name: sorted(map(tuple, connection.execute(query))) for name, query in queries.items()}
