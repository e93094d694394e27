"""What can be known of the bundles without opening one."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa

from collector.endpoint.database.engine import Database
from collector.endpoint.database.tables import BUNDLES, FINDINGS, INCIDENTS, INSTANCES, QUEUE, SCALE_SETS
from collector.endpoint.reading.choice import (
    Choice,
    Within,
    has_id,
    of_exit_code,
    of_extension,
    of_instance,
    of_scale_set,
    visible,
)
from collector.endpoint.reading.incidents import Incident, told
from collector.endpoint.reading.paging import PAGE, Page, cut, keyset
from collector.endpoint.reading.scale_sets import NAME_COLUMNS, ScaleSetName, named
from collector.endpoint.reading.words import Words
from collector.model import iso

#: Parameters of one statement: below what SQLite and PostgreSQL take.
_MOST_PARAMETERS = 500
_FIRST = ("kind", "extension", "exit_code", "owner", "title", "operation", "rule")


def now() -> datetime:
    """In whole milliseconds, as the index keeps it."""
    moment = datetime.now(timezone.utc)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@dataclass(frozen=True, slots=True)
class FirstFinding:
    """The finding that a bundle's verdict is about."""

    kind: str | None
    extension: str | None
    exit_code: int | None
    owner: str | None
    #: None where the bundle is encrypted
    title: str | None
    operation: str | None
    rule: str | None


@dataclass(frozen=True, slots=True)
class BundleEntry:
    """A stored bundle, as the index knows it."""

    id: str
    sha256: str
    bytes: int
    received: datetime
    created: datetime
    #: waiting (not indexed yet), indexed, damaged (`problem` says why), gone (from a watched store)
    state: str
    problem: str
    verdict: str
    trigger: str | None
    encrypted: bool
    #: how many it has
    findings: int
    #: None for what is not indexed yet
    scale_set: ScaleSetName | None
    instance_id: str | None
    instance_name: str | None
    system: str | None
    first: FirstFinding | None


@dataclass(frozen=True, slots=True)
class Told:
    """A finding of a bundle, and the incident that it belongs to."""

    number: int
    time: datetime | None
    version: str | None
    message: str | None
    incident: Incident


class Index:
    """Every method raises OSError for faults of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def receipt(self, bundle_id: str) -> dict[str, str] | None:
        """The first receipt of a bundle, None if it is not known."""
        query = sa.select(BUNDLES.c.id, BUNDLES.c.sha256, BUNDLES.c.received).where(BUNDLES.c.id == bundle_id)
        with self._database.reading() as connection:
            row = connection.execute(query).mappings().first()
        return receipt(dict(row)) if row else None

    def receipt_of(self, sha256: str) -> dict[str, str] | None:
        """The first receipt of the bundle that has this hash, None if it is not known."""
        query = sa.select(BUNDLES.c.id, BUNDLES.c.sha256, BUNDLES.c.received).where(BUNDLES.c.sha256 == sha256)
        with self._database.reading() as connection:
            row = connection.execute(query).mappings().first()
        return receipt(dict(row)) if row else None

    def known(self, hashes: Collection[str]) -> set[str]:
        """Those of these SHA-256 whose bundles are in the index."""
        wanted, found = sorted(hashes), set[str]()
        with self._database.reading() as connection:
            for start in range(0, len(wanted), _MOST_PARAMETERS):
                query = sa.select(BUNDLES.c.sha256).where(
                    BUNDLES.c.sha256.in_(wanted[start : start + _MOST_PARAMETERS])
                )
                found.update(connection.execute(query).scalars())
        return found

    def waiting(self) -> int:
        """How many bundles are stored and not indexed yet."""
        with self._database.reading() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(QUEUE)).scalar_one())


def receipt(row: Mapping[str, Any]) -> dict[str, str]:
    """What a sender gets for a bundle."""
    return {"id": row["id"], "sha256": row["sha256"], "received": str(iso(row["received"]))}


_OF_BUNDLE = (
    *("id", "sha256", "bytes", "received", "created", "state", "problem", "verdict", "trigger", "encrypted"),
    "findings",
)
_COLUMNS = (
    *(BUNDLES.c[name] for name in _OF_BUNDLE),
    INSTANCES.c.id.label("instance_id"),
    sa.func.coalesce(INSTANCES.c.name, INSTANCES.c.computer_name).label("instance_name"),
    INSTANCES.c.system,
    FINDINGS.c.number.label("first_number"),
    *(FINDINGS.c[name].label(f"first_{name}") for name in _FIRST),
    *NAME_COLUMNS,
)
_SOURCE = (
    BUNDLES.outerjoin(INSTANCES, BUNDLES.c.instance == INSTANCES.c.number)
    .outerjoin(SCALE_SETS, BUNDLES.c.scale_set == SCALE_SETS.c.number)
    .outerjoin(FINDINGS, sa.and_(FINDINGS.c.bundle == BUNDLES.c.id, FINDINGS.c.number == 0))
)
_ORDER = (BUNDLES.c.received, BUNDLES.c.id)
#: An incident with more bundles than these is looked for in the newest bundles; else these few are put into order.
_FEW = 2_000
_ID_PART = re.compile(r"^[0-9a-f]{1,16}$")


def bundles(
    connection: sa.Connection,
    within: Within,
    choice: Choice | None = None,
    *,
    limit: int = PAGE,
    after: str | None = None,
    words: Words | None = None,
) -> Page[BundleEntry]:
    """The last received first. Of `choice`: scale_set, instance, incident, verdict, since, until (when received), and
    extension, exit_code and owner of the first finding; text is the beginning of an id, or words
    of an instance's names. Raises CursorError.
    """
    query = sa.select(*_COLUMNS).select_from(_SOURCE).where(*_chosen(connection, within, choice or Choice(), words))
    found = connection.execute(keyset(query, _ORDER, after, limit)).mappings().all()
    rows, cursor = cut(found, limit, [(row["received"], row["id"]) for row in found])
    return Page(tuple(_entry(row) for row in rows), cursor)


def count(connection: sa.Connection, within: Within, choice: Choice | None = None, *, most: int = 10_000) -> int:
    """How many there are; `most` where there are as many or more, so that it takes no longer with millions."""
    query = sa.select(BUNDLES.c.id).where(*_chosen(connection, within, choice or Choice())).limit(most)
    return int(connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one())


def bundle(connection: sa.Connection, within: Within, bundle_id: str) -> BundleEntry | None:
    query = sa.select(*_COLUMNS).select_from(_SOURCE).where(has_id(BUNDLES.c.id, bundle_id))
    row = connection.execute(query.where(*visible(BUNDLES.c.scale_set, within))).mappings().first()
    return _entry(row) if row is not None else None


def findings_of(connection: sa.Connection, within: Within, bundle_id: str, *, most: int = 200) -> tuple[Told, ...]:
    """In the bundle's order."""
    source = FINDINGS.join(INCIDENTS, FINDINGS.c.incident == INCIDENTS.c.number)
    source = source.join(SCALE_SETS, INCIDENTS.c.scale_set == SCALE_SETS.c.number)
    own = [FINDINGS.c[name].label(f"own_{name}") for name in ("number", "time", "version", "message")]
    query = sa.select(*own, INCIDENTS, *NAME_COLUMNS).select_from(source).where(has_id(FINDINGS.c.bundle, bundle_id))
    query = query.where(*visible(INCIDENTS.c.scale_set, within)).order_by(FINDINGS.c.number).limit(most)
    rows = connection.execute(query).mappings().all()
    return tuple(
        Told(row["own_number"], row["own_time"], row["own_version"], row["own_message"], one)
        for row, one in zip(rows, told(connection, rows), strict=True)
    )


def _chosen(
    connection: sa.Connection, within: Within, choice: Choice, words: Words | None = None
) -> list[sa.ColumnElement[bool]]:
    columns = BUNDLES.c
    found = visible(columns.scale_set, within)
    found += of_scale_set(connection, columns.scale_set, choice.scale_set)
    found += of_instance(columns.instance, choice.instance)
    found += of_extension(connection, columns.extension, choice.extension)
    found += of_exit_code(columns.exit_code, choice.exit_code)
    found += _of_incident(connection, choice.incident)
    if choice.owner:
        found.append(columns.owner == choice.owner)
    if choice.verdict:
        found.append(columns.verdict == choice.verdict)
    if choice.since:
        found.append(columns.received >= choice.since)
    if choice.until:
        found.append(columns.received <= choice.until)
    if choice.received_after:
        found.append(columns.received > choice.received_after)
    if choice.text and choice.text.strip():
        of_instance_named = columns.instance.in_((words or Words(connection)).instances(within, choice.text))
        found.append(sa.or_(_begins(choice.text.strip().lower()), of_instance_named))
    return found


def _begins(part: str) -> sa.ColumnElement[bool]:
    """By the order of the ids, in which every collation puts 'g' behind the digits."""
    if not _ID_PART.match(part):
        return sa.false()
    return BUNDLES.c.id.between(part.ljust(16, "0"), part.ljust(16, "g"))


def _of_incident(connection: sa.Connection, incident_id: str | None) -> list[sa.ColumnElement[bool]]:
    if not incident_id:
        return []
    query = sa.select(INCIDENTS.c.number, INCIDENTS.c.bundles).where(has_id(INCIDENTS.c.id, incident_id))
    row = connection.execute(query).first()
    if row is None:
        return [sa.false()]
    tells = FINDINGS.c.incident == row.number
    if row.bundles <= _FEW:
        return [BUNDLES.c.id.in_(sa.select(FINDINGS.c.bundle).where(tells))]
    return [sa.exists().where(tells, FINDINGS.c.bundle == BUNDLES.c.id).correlate(BUNDLES)]


def _entry(row: Mapping[Any, Any]) -> BundleEntry:
    first = FirstFinding(*(row[f"first_{name}"] for name in _FIRST)) if row["first_number"] is not None else None
    return BundleEntry(
        scale_set=named(row) if row["scale_set_id"] is not None else None,
        instance_id=row["instance_id"],
        instance_name=row["instance_name"],
        system=row["system"],
        first=first,
        **{name: row[name] for name in _OF_BUNDLE},
    )
