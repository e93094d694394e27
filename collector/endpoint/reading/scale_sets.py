"""Scale sets: what each has, and how its instances are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from collector.endpoint.database.expected_tables import EXPECTED
from collector.endpoint.database.tables import INCIDENTS, INSTANCES, SCALE_SETS
from collector.endpoint.reading.choice import Choice, Within, has_id, visible
from collector.endpoint.reading.paging import PAGE, Page, cut, keyset


@dataclass(frozen=True, slots=True)
class ScaleSetName:
    """`name` is None for the lone machines of a resource group."""

    id: str
    name: str | None
    resource_group: str | None
    subscription: str | None


@dataclass(frozen=True, slots=True)
class ScaleSet:
    """Its instances are counted by what the newest bundle of each says."""

    id: str
    name: str | None
    resource_group: str | None
    subscription: str | None
    instances: int
    #: as `az` listed them; None where nobody gave a list
    expected: int | None
    #: how many of these have sent nothing; None where nobody gave a list
    silent: int | None
    failed: int
    hanging: int
    healthy: int
    #: whose newest bundle tells of no failure because nothing was found to look at
    nothing_found: int
    #: kinds of failure that were ever seen in it
    incidents: int
    first_seen: datetime
    #: when the newest bundle was made
    last_seen: datetime


_NAMED = {"scale_set_id": "id", "scale_set_name": "name"} | {name: name for name in ("resource_group", "subscription")}
#: The columns of `SCALE_SETS` for `named`, in a query that joins it.
NAME_COLUMNS = tuple(SCALE_SETS.c[name].label(label) for label, name in _NAMED.items())
_ORDER = (SCALE_SETS.c.last_seen, SCALE_SETS.c.number)


def named(row: Mapping[Any, Any]) -> ScaleSetName:
    """Out of a row of a query that has `NAME_COLUMNS`."""
    return ScaleSetName(*(row[label] for label in _NAMED))


def scale_sets(
    connection: sa.Connection,
    within: Within,
    choice: Choice | None = None,
    *,
    limit: int = PAGE,
    after: str | None = None,
) -> Page[ScaleSet]:
    """Those with the newest bundle first. Of `choice`: text (a part of a name), verdict (one that an instance has),
    since, until. Raises CursorError.
    """
    choice = choice or Choice()
    query = sa.select(SCALE_SETS).where(*visible(SCALE_SETS.c.number, within))
    if choice.text and choice.text.strip():
        columns = (SCALE_SETS.c.name, SCALE_SETS.c.resource_group, SCALE_SETS.c.subscription)
        part = choice.text.strip()
        query = query.where(sa.or_(*(column.icontains(part, autoescape=True) for column in columns)))
    if choice.verdict:
        has = (INSTANCES.c.scale_set == SCALE_SETS.c.number, INSTANCES.c.last_verdict == choice.verdict)
        query = query.where(sa.exists().where(*has))
    if choice.since:
        query = query.where(SCALE_SETS.c.last_seen >= choice.since)
    if choice.until:
        query = query.where(SCALE_SETS.c.first_seen <= choice.until)
    found = connection.execute(keyset(query, _ORDER, after, limit)).mappings().all()
    rows, cursor = cut(found, limit, [(row["last_seen"], row["number"]) for row in found])
    return Page(tuple(_told(connection, rows)), cursor)


def scale_set(connection: sa.Connection, within: Within, scale_set_id: str) -> ScaleSet | None:
    """None: there is none with this id, or the caller may not see it."""
    query = sa.select(SCALE_SETS).where(has_id(SCALE_SETS.c.id, scale_set_id), *visible(SCALE_SETS.c.number, within))
    rows = connection.execute(query).mappings().all()
    return _told(connection, rows)[0] if rows else None


def instance_counts(connection: sa.Connection, numbers: Collection[int]) -> dict[int, int]:
    """How many instances of each of these scale sets have sent a bundle: what "37 of 40" counts, everywhere.

    Of those that are listed and silent nobody knows whether they have what the others have.
    """
    query = sa.select(INSTANCES.c.scale_set, sa.func.count()).where(INSTANCES.c.scale_set.in_(sorted(set(numbers))))
    return {row[0]: row[1] for row in connection.execute(query.group_by(INSTANCES.c.scale_set))}


def _silent(connection: sa.Connection, numbers: Collection[int]) -> dict[int, int]:
    """How many of each list have sent nothing, as `members.joined` decides it; without those of which that is none."""
    here = INSTANCES.c.scale_set.in_(numbers)
    label = sa.func.coalesce(INSTANCES.c.name, INSTANCES.c.computer_name)
    told = [
        sa.select(INSTANCES.c.scale_set, sa.func.lower(column)).where(here, column.is_not(None))
        for column in (INSTANCES.c.instance_id, label)
    ]
    heard = sa.union(*told)
    names = (EXPECTED.c.instance_id, EXPECTED.c.name, EXPECTED.c.computer_name)
    unheard = (
        sa.tuple_(EXPECTED.c.scale_set, sa.func.lower(sa.func.coalesce(name, ""))).not_in(heard) for name in names
    )
    query = sa.select(EXPECTED.c.scale_set, sa.func.count()).where(EXPECTED.c.scale_set.in_(numbers), *unheard)
    return {row[0]: row[1] for row in connection.execute(query.group_by(EXPECTED.c.scale_set))}


def _expected(connection: sa.Connection, numbers: Collection[int]) -> dict[int, int]:
    query = sa.select(EXPECTED.c.scale_set, sa.func.count()).where(EXPECTED.c.scale_set.in_(sorted(set(numbers))))
    return {row[0]: row[1] for row in connection.execute(query.group_by(EXPECTED.c.scale_set))}


def _verdicts(connection: sa.Connection, numbers: Collection[int]) -> dict[int, dict[str, int]]:
    columns = (INSTANCES.c.scale_set, INSTANCES.c.last_verdict)
    query = sa.select(*columns, sa.func.count()).where(INSTANCES.c.scale_set.in_(numbers)).group_by(*columns)
    found: dict[int, dict[str, int]] = {}
    for number, verdict, count in connection.execute(query):
        found.setdefault(number, {})[verdict or ""] = count
    return found


def _incidents(connection: sa.Connection, numbers: Collection[int]) -> dict[int, int]:
    query = sa.select(INCIDENTS.c.scale_set, sa.func.count()).where(INCIDENTS.c.scale_set.in_(numbers))
    return {row[0]: row[1] for row in connection.execute(query.group_by(INCIDENTS.c.scale_set))}


def _told(connection: sa.Connection, rows: Sequence[Mapping[Any, Any]]) -> list[ScaleSet]:
    numbers = [row["number"] for row in rows]
    verdicts, incidents = _verdicts(connection, numbers), _incidents(connection, numbers)
    expected = _expected(connection, numbers)
    silent = _silent(connection, sorted(expected)) if expected else {}
    return [
        ScaleSet(
            id=row["id"],
            name=row["name"],
            resource_group=row["resource_group"],
            subscription=row["subscription"],
            instances=sum(counts.values()),
            expected=expected.get(row["number"]),
            silent=silent.get(row["number"], 0) if row["number"] in expected else None,
            failed=counts.get("failed", 0),
            hanging=counts.get("hanging", 0),
            healthy=counts.get("healthy", 0),
            nothing_found=counts.get("nothing-found", 0),
            incidents=incidents.get(row["number"], 0),
            first_seen=row["first_seen"],
            last_seen=row["last_seen"],
        )
        for row in rows
        for counts in [verdicts.get(row["number"], {})]
    ]
