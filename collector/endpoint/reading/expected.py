"""Lists of the instances that a scale set should have: taken in from `az`, and told again."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import sqlalchemy as sa

from collector.bundle.codec import plain
from collector.endpoint.database.engine import Database
from collector.endpoint.database.expected_tables import EXPECTED, LISTS
from collector.endpoint.database.tables import SCALE_SETS
from collector.endpoint.indexing.naming import scale_set_key, short_id
from collector.errors import ConfigError
from collector.fleet.reading import read_scale_set
from collector.fleet.scale_set import ExtensionRow, Instance, Orchestration, ScaleSet, State, UpgradePolicy
from collector.model import Identity
from collector.read.encoding import SAMPLE, find_encoding

#: A scale set has at most 1,000 instances; one over several groups of placement may grow some day.
MOST_INSTANCES = 5_000
MOST_BYTES = 32_000_000


@dataclass(frozen=True, slots=True)
class Listed:
    """The newest list of a scale set."""

    listed: datetime
    by: str
    orchestration: Orchestration
    upgrade_policy: UpgradePolicy | None
    instances: tuple[Instance, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    scale_set: str  # id
    name: str
    instances: int
    #: sentences on what the list left open
    problems: tuple[str, ...]


def text_in(content: bytes) -> str:
    """What a file holds that the output of `az` was written to; PowerShell's ``>`` writes UTF-16.

    Raises ConfigError where it is no text.
    """
    found = find_encoding(content[:SAMPLE])
    if found is None:
        raise ConfigError("it is no text", "Give what az printed with -o json.")
    encoding, mark = found
    return content[mark:].decode(encoding, "replace")


def parsed(text: str, name: str | None = None, group: str | None = None) -> ScaleSet:
    """What `az vmss list-instances` (or `az vm list`) printed as JSON. Raises ConfigError with a hint."""
    found = read_scale_set(text, name=name, group=group)
    if not found.instances:
        raise ConfigError("it lists no instances", "Save: az vmss list-instances -g GROUP -n SET -o json")
    if len(found.instances) > MOST_INSTANCES:
        raise ConfigError(f"it lists more than {MOST_INSTANCES} instances", "Give the list of one scale set.")
    return found


def id_of(found: ScaleSet) -> str:
    """The id that the scale set has here. Raises ConfigError where the list does not tell which one it is."""
    if not (found.name and found.resource_group and found.subscription):
        raise ConfigError(
            "it does not tell which scale set it is of: names or ids were left out of it",
            "Save the whole answer, without --query: az vmss list-instances -g GROUP -n SET -o json; "
            "or give it on the page of the scale set.",
        )
    return short_id(scale_set_key(_identity(found)))


def take(
    database: Database,
    found: ScaleSet,
    *,
    by: str,
    now: datetime,
    within: Collection[int] | None,
    scale_set: str | None = None,
) -> Taken | None:
    """Keeps the list in the place of the one before. `scale_set`: the id of one that is known.

    A set that no bundle has told of yet is added, for a caller that may see all. None: there is no such set, or the
    caller may not see it. Raises ConfigError, OSError.
    """
    told = scale_set or id_of(found)
    with database.writing() as connection:
        query = sa.select(SCALE_SETS.c.number).where(SCALE_SETS.c.id == told)
        number = connection.execute(query.with_for_update()).scalar()  # SQLite has one writer at a time, and ignores it
        if number is None and scale_set is None and within is None:
            number = _added(connection, told, found, now)
        if number is None or (within is not None and number not in within):
            return None
        connection.execute(sa.delete(EXPECTED).where(EXPECTED.c.scale_set == number))
        connection.execute(sa.delete(LISTS).where(LISTS.c.scale_set == number))
        row = {"scale_set": number, "listed": now, "by": by[:128], "orchestration": found.orchestration}
        connection.execute(sa.insert(LISTS), row | {"upgrade_policy": found.upgrade_policy})
        rows = {one.id.lower(): _row(number, one) for one in found.instances}
        connection.execute(sa.insert(EXPECTED), list(rows.values()))
    return Taken(told, found.name or "", len(rows), found.problems)


def expected(connection: sa.Connection, number: int) -> Listed | None:
    """Of the scale set with this number in the tables."""
    head = connection.execute(sa.select(LISTS).where(LISTS.c.scale_set == number)).mappings().first()
    if head is None:
        return None
    query = sa.select(EXPECTED).where(EXPECTED.c.scale_set == number)
    alike: dict[str, tuple[ExtensionRow, ...]] = {}  # of a thousand instances few have others

    def rows(text: str) -> tuple[ExtensionRow, ...]:
        if text not in alike:
            alike[text] = tuple(ExtensionRow(**one) for one in json.loads(text))
        return alike[text]

    instances = tuple(
        Instance(
            id=row["instance_id"],
            name=row["name"],
            computer_name=row["computer_name"],
            extensions=rows(row["extensions"]),
            latest_model=row["latest_model"],
            power=row["power"],
            zone=row["zone"],
            state=cast("State | None", row["state"]),
        )
        for row in connection.execute(query).mappings()
    )
    return Listed(head["listed"], head["by"], head["orchestration"], head["upgrade_policy"], instances)


def _row(number: int, one: Instance) -> dict[str, object]:
    kept = ("name", "state", "publisher", "type", "version")
    extensions = [{key: value for key, value in plain(row).items() if key in kept} for row in one.extensions]
    return {
        "scale_set": number,
        "instance_id": one.id[:128],
        "name": one.name and one.name[:128],
        "computer_name": one.computer_name and one.computer_name[:128],
        "zone": one.zone and one.zone[:8],
        "state": one.state,
        "power": one.power and one.power[:24],
        "latest_model": one.latest_model,
        "extensions": json.dumps(extensions),
    }


def _added(connection: sa.Connection, told: str, found: ScaleSet, now: datetime) -> int:
    identity = _identity(found)
    row = {
        "id": told,
        "key": scale_set_key(identity),
        "name": identity.scale_set,
        "resource_group": identity.resource_group,
        "subscription": identity.subscription,
        "first_seen": now,
        "last_seen": now,
    }
    return int(connection.execute(sa.insert(SCALE_SETS).returning(SCALE_SETS.c.number), row).scalar_one())


def _identity(found: ScaleSet) -> Identity:
    return Identity(
        system="linux",
        scale_set=found.name and found.name[:128],
        resource_group=found.resource_group and found.resource_group[:128],
        subscription=found.subscription and found.subscription[:36],
    )
