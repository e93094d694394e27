"""Writes what a batch of bundles says into the tables, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from collector.endpoint.database.engine import Database
from collector.endpoint.database.tables import (
    BUNDLES,
    FINDINGS,
    INCIDENT_INSTANCES,
    INCIDENTS,
    INSTANCES,
    QUEUE,
    SCALE_SETS,
    STATES,
)
from collector.endpoint.indexing.rows import Entry, Row, incident_row


def write(database: Database, connection: sa.Connection, entries: Sequence[Entry]) -> list[str]:
    """Adds each entry whose bundle still waits, once, and takes it from the queue; gives the ids of these."""
    query = sa.select(BUNDLES.c.id, BUNDLES.c.received).where(
        BUNDLES.c.id.in_([one.bundle for one in entries]), BUNDLES.c.state == "waiting"
    )
    if database.is_postgresql:  # SQLite has one writer at a time
        query = query.order_by(BUNDLES.c.id).with_for_update()
    received = {row.id: row.received for row in connection.execute(query)}
    waiting = sorted((one for one in entries if one.bundle in received), key=lambda one: one.created)
    if not waiting:
        return []
    sets = _write_scale_sets(database, connection, waiting)
    instances = _write_instances(database, connection, waiting, sets)
    incidents = _write_incidents(database, connection, waiting, received, instances, sets)
    findings = [
        finding
        | {
            "incident": incidents[finding["incident"]],
            "scale_set": sets[one.scale_set["id"]],
            "instance": instances[one.instance["key"]],
        }
        for one in waiting
        for finding in one.findings
    ]
    if findings:
        connection.execute(sa.insert(FINDINGS), findings)
    _write_states(database, connection, waiting, instances, sets)
    _write_bundles(connection, waiting, instances, sets)
    connection.execute(sa.delete(QUEUE).where(QUEUE.c.bundle.in_(received)))
    return [one.bundle for one in waiting]


def _write_bundles(
    connection: sa.Connection, entries: Sequence[Entry], instances: dict[str, int], sets: dict[str, int]
) -> None:
    """What the list of bundles is chosen by, of the first finding too."""
    copied = ("extension", "exit_code", "owner")
    changes: dict[str, Any] = {
        name: sa.bindparam(f"b_{name}") for name in ("findings", "instance", "scale_set", *copied)
    }
    rows = []
    for one in entries:
        row = {"b_id": one.bundle, "b_findings": len(one.findings)}
        row |= {"b_instance": instances[one.instance["key"]], "b_scale_set": sets[one.scale_set["id"]]}
        rows.append(row | {f"b_{name}": one.findings[0][name] if one.findings else None for name in copied})
    done = sa.update(BUNDLES).where(BUNDLES.c.id == sa.bindparam("b_id")).values(state="indexed", **changes)
    connection.execute(done, rows)


def _write_scale_sets(database: Database, connection: sa.Connection, entries: Sequence[Entry]) -> dict[str, int]:
    """The scale sets' numbers by their ids."""
    rows: dict[str, Row] = {}
    for one in entries:
        rows[one.scale_set["id"]] = _joined(rows.get(one.scale_set["id"]), one.scale_set)
    insert = database.insert(SCALE_SETS)
    upsert = insert.on_conflict_do_update(index_elements=["id"], set_=_widened(SCALE_SETS, insert.excluded))
    found = connection.execute(upsert.returning(SCALE_SETS.c.id, SCALE_SETS.c.number), _in_order(rows))
    return {row.id: row.number for row in found}


def _write_instances(
    database: Database, connection: sa.Connection, entries: Sequence[Entry], sets: dict[str, int]
) -> dict[str, int]:
    """The instances' numbers by their keys; what the newest bundle says of one replaces what an older one said."""
    rows: dict[str, Row] = {}
    for one in sorted(entries, key=lambda one: one.created):
        key = one.instance["key"]
        first = rows[key]["first_seen"] if key in rows else one.created
        rows[key] = one.instance | {"first_seen": first, "scale_set": sets[one.scale_set["id"]]}
    insert = database.insert(INSTANCES)
    new = insert.excluded
    is_newer = new.last_seen >= INSTANCES.c.last_seen
    told = sorted(_names(INSTANCES) - {"number", "id", "key", "scale_set", "first_seen"})
    changes = {name: sa.case((is_newer, new[name]), else_=INSTANCES.c[name]) for name in told}
    earlier = new.first_seen < INSTANCES.c.first_seen
    changes["first_seen"] = sa.case((earlier, new.first_seen), else_=INSTANCES.c.first_seen)
    upsert = insert.on_conflict_do_update(index_elements=["key"], set_=changes)
    found = connection.execute(upsert.returning(INSTANCES.c.key, INSTANCES.c.number), _in_order(rows))
    return {row.key: row.number for row in found}


def _write_incidents(
    database: Database,
    connection: sa.Connection,
    entries: Sequence[Entry],
    received: dict[str, datetime],
    instances: dict[str, int],
    sets: dict[str, int],
) -> dict[str, int]:
    """The incidents' numbers by their ids, with their counts brought up to date."""
    rows: dict[str, Row] = {}
    pairs: dict[tuple[str, int], Row] = {}
    for one in entries:
        number = instances[one.instance["key"]]
        for mark in {finding["incident"]: finding for finding in reversed(one.findings)}.values():
            new = incident_row(one, mark, received[one.bundle])
            new |= {"bundles": 1, "scale_set": sets[one.scale_set["id"]]}
            rows[mark["incident"]] = _joined(rows.get(mark["incident"]), new)
            pair = {
                "first_seen": new["first_seen"],
                "last_seen": new["last_seen"],
                "bundles": 1,
                "bundle": one.bundle,
            }
            pairs[mark["incident"], number] = _joined(pairs.get((mark["incident"], number)), pair)
    if not rows:
        return {}
    insert = database.insert(INCIDENTS)
    changes = _widened(INCIDENTS, insert.excluded) | {
        "last_received": _later(INCIDENTS.c.last_received, insert.excluded.last_received),
        "bundles": INCIDENTS.c.bundles + insert.excluded.bundles,
    }
    upsert = insert.on_conflict_do_update(index_elements=["id"], set_=changes)
    found = connection.execute(upsert.returning(INCIDENTS.c.id, INCIDENTS.c.number), _in_order(rows))
    numbers = {row.id: row.number for row in found}
    _write_pairs(database, connection, {(numbers[mark], number): row for (mark, number), row in pairs.items()})
    return numbers


def _write_pairs(database: Database, connection: sa.Connection, pairs: dict[tuple[int, int], Row]) -> None:
    """Which instances have an incident; a new one counts in the incident's number of instances."""
    table = INCIDENT_INSTANCES
    rows = [{"incident": pair[0], "instance": pair[1], **pairs[pair]} for pair in sorted(pairs)]
    insert = database.insert(table)
    fresh = connection.execute(
        insert.on_conflict_do_nothing().returning(table.c.incident, table.c.instance), rows
    ).all()
    is_fresh = {(row.incident, row.instance) for row in fresh}
    known = [row for row in rows if (row["incident"], row["instance"]) not in is_fresh]
    if known:
        is_newer = insert.excluded.last_seen >= table.c.last_seen
        changes = _widened(table, insert.excluded) | {
            "bundles": table.c.bundles + insert.excluded.bundles,
            "bundle": sa.case((is_newer, insert.excluded.bundle), else_=table.c.bundle),
        }
        connection.execute(insert.on_conflict_do_update(index_elements=["incident", "instance"], set_=changes), known)
    added: dict[int, int] = {}
    for incident, _ in is_fresh:
        added[incident] = added.get(incident, 0) + 1
    if added:
        count = sa.update(INCIDENTS).where(INCIDENTS.c.number == sa.bindparam("i_number"))
        count = count.values(instances=INCIDENTS.c.instances + sa.bindparam("i_added"))
        connection.execute(count, [{"i_number": number, "i_added": added[number]} for number in sorted(added)])


def _write_states(
    database: Database,
    connection: sa.Connection,
    entries: Sequence[Entry],
    instances: dict[str, int],
    sets: dict[str, int],
) -> None:
    rows: dict[tuple[int, str], Row] = {}
    for one in sorted(entries, key=lambda one: one.created):
        told = {"instance": instances[one.instance["key"]], "scale_set": sets[one.scale_set["id"]]}
        for state in one.states:
            rows[told["instance"], state["extension"]] = state | told
    if not rows:
        return
    insert = database.insert(STATES)
    changes = {name: insert.excluded[name] for name in sorted(_names(STATES) - {"instance", "extension"})}
    upsert = insert.on_conflict_do_update(
        index_elements=["instance", "extension"], set_=changes, where=insert.excluded.created >= STATES.c.created
    )
    connection.execute(upsert, _in_order(rows))


def _names(table: sa.Table) -> set[str]:
    return {column.name for column in table.columns}


def _in_order(rows: dict[object, Row] | dict[str, Row] | dict[tuple[int, str], Row]) -> list[Row]:
    """By their keys: writers that lock in one order never wait for each other in a circle."""
    return [row for _, row in sorted(rows.items(), key=lambda item: str(item[0]))]


def _joined(before: Row | None, after: Row) -> Row:
    """Two tellings of one thing within a batch."""
    if before is None:
        return after
    newest = after if after["last_seen"] >= before["last_seen"] else before
    joined = newest | {
        "first_seen": min(before["first_seen"], after["first_seen"]),
        "last_seen": max(before["last_seen"], after["last_seen"]),
    }
    if "bundles" in after:
        joined["bundles"] = before["bundles"] + after["bundles"]
    if "last_received" in after:
        joined["last_received"] = max(before["last_received"], after["last_received"])
    return joined


def _widened(table: sa.Table, new: sa.ColumnCollection[str, sa.ColumnElement[object]]) -> Row:
    return {
        "first_seen": sa.case((new["first_seen"] < table.c.first_seen, new["first_seen"]), else_=table.c.first_seen),
        "last_seen": _later(table.c.last_seen, new["last_seen"]),
    }


def _later(known: sa.ColumnElement[object], new: sa.ColumnElement[object]) -> sa.ColumnElement[object]:
    return sa.case((new > known, new), else_=known)
