"""What makes a filled index slow to look at: the largest scale set with a list, bundles with all the events that one can
have, a long record of who did what, many tokens and accounts; and the ids by which a walk over all pages finds them."""

from __future__ import annotations

import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any

import sqlalchemy as sa

from collector.endpoint.access.audit import Act, record
from collector.endpoint.access.tokens import new_secret, token_row
from collector.endpoint.database.access_tables import ACCOUNTS, TOKENS
from collector.endpoint.database.engine import Database
from collector.endpoint.database.tables import BUNDLES, FINDINGS, INCIDENTS, INSTANCES, SCALE_SETS
from collector.endpoint.reading.expected import parsed, take
from collector.endpoint.reading.paging import closed
from collector.endpoint.stores.folder import FolderStore
from collector.model import Identity
from tests.collecting import collect
from tests.endpoint import demo_site
from tests.endpoint.busy import busy_disk
from tests.endpoint.filling import receive
from tests.endpoint.made import varied
from tests.endpoint.spread import Group, site

_NOW = datetime(2026, 6, 30, 13, tzinfo=timezone.utc)
_PEOPLE, _TOKENS = 40, 1_000


def crowd(database: Database, store: FolderStore, *, of: int) -> dict[str, str]:
    """To an index that `fill` made with so many bundles. Raises OSError."""
    largest = max(site(of).groups, key=lambda group: group.instances)
    busy, busy_too = _add_busy(database, store, largest)
    _add_people(database, acts=of)
    with database.reading() as connection:
        of_set = sa.select(SCALE_SETS.c.id, SCALE_SETS.c.number).where(SCALE_SETS.c.name == largest.name)
        scale_set = connection.execute(of_set).one()
    listed = parsed(demo_site.listing(largest.name, largest.instances))
    take(database, listed, by="ann", now=_NOW, within=None, scale_set=scale_set.id)
    with database.reading() as connection:
        return _ids(connection, scale_set.number) | {"scale_set": scale_set.id, "busy": busy, "busy_too": busy_too}


def _add_busy(database: Database, store: FolderStore, group: Group) -> list[str]:
    """Of two of its instances, received after all others."""
    ids = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        base = Path(collect(busy_disk(folder / "disk"), folder / "state").json["bundle"]["path"])
        for number in (0, 1):
            identity, when = group.identity(number), _NOW + timedelta(minutes=number)
            told: dict[str, Any] = {name: getattr(identity, name) for name in Identity.__slots__}
            file = varied(base, folder, **told, created=f"{when:%Y-%m-%dT%H:%M:%SZ}")
            ids.append(receive(database, store, file, when))
    return ids


def _add_people(database: Database, *, acts: int) -> None:
    random = Random("people")
    people = [f"person{number}@example.org" for number in range(_PEOPLE)]
    with database.writing() as connection:
        for start in range(0, acts, 1_000):
            seconds = range(start, min(start + 1_000, acts))
            record(
                connection,
                *(
                    Act(
                        random.choice(people),
                        random.choice(("open", "open", "open", "download", "login")),
                        f"{random.getrandbits(64):016x}",
                        address=f"10.0.{random.randrange(250)}.{random.randrange(250)}",
                        time=_NOW - timedelta(seconds=20 * (acts - second)),
                    )
                    for second in seconds
                ),
            )
        tokens = [
            token_row(new_secret(), f"set {number}", "upload", _NOW, "ann")
            | {"scale_set": f"rg-{number}/set-{number}", "expires": _NOW + timedelta(days=3_000)}
            | {"revoked": _NOW if number % 3 == 0 else None}
            for number in range(_TOKENS)
        ]
        connection.execute(sa.insert(TOKENS), tokens)
        row = {"password": "none", "scope": "read", "created": _NOW, "created_by": "ann"}
        connection.execute(sa.insert(ACCOUNTS), [row | {"name": f"reader{number}"} for number in range(_TOKENS)])


def _ids(connection: sa.Connection, scale_set: int) -> dict[str, str]:
    """Of what has most of everything, and the places in the midst of long lists."""
    incident = sa.select(INCIDENTS.c.id).order_by(INCIDENTS.c.instances.desc()).limit(1)
    instance = sa.select(INSTANCES.c.id, INSTANCES.c.name).where(INSTANCES.c.scale_set == scale_set)
    instance = instance.order_by(INSTANCES.c.last_seen.desc()).limit(1)
    busiest, name = connection.execute(instance).one()
    return {
        "incident": connection.execute(incident).scalar_one(),
        "instance": busiest,
        "name": name,
        "deep_bundles": _deep(connection, BUNDLES.c.received, BUNDLES.c.id),
        "deep_incidents": _deep(connection, INCIDENTS.c.last_seen, INCIDENTS.c.number),
        "deep_findings": _deep(connection, FINDINGS.c.serial),
    }


def _deep(connection: sa.Connection, *columns: sa.Column[Any]) -> str:
    """The cursor behind nine tenths of a list that is ordered by these."""
    count = connection.execute(sa.select(sa.func.count()).select_from(columns[0].table)).scalar_one()
    return closed(list(connection.execute(sa.select(*columns).order_by(*columns).offset(count // 10).limit(1)).one()))
