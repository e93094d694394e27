"""What can be known of the bundles without opening one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa

from collector.endpoint.database.engine import Database
from collector.endpoint.database.tables import BUNDLES, FINDINGS, INSTANCES, QUEUE, SCALE_SETS
from collector.model import iso

#: Parameters of one statement: below what SQLite and PostgreSQL take.
_MOST_PARAMETERS = 500
_FIRST = ("kind", "extension", "exit_code", "owner", "title", "operation", "rule")


def now() -> datetime:
    """In whole milliseconds, as the index keeps it."""
    moment = datetime.now(timezone.utc)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


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

    def bundles(self, filters: Mapping[str, str], *, limit: int, offset: int = 0) -> Sequence[Mapping[str, Any]]:
        """Bundles with their instance and first finding, newest first.

        `filters`: verdict, extension, scale_set, exit_code, owner, q.
        """
        instance = sa.func.coalesce(INSTANCES.c.name, INSTANCES.c.computer_name).label("instance")
        columns = [SCALE_SETS.c.name.label("scale_set"), SCALE_SETS.c.resource_group, INSTANCES.c.system]
        told = [column for column in BUNDLES.c if column.name != "instance"]
        query = _joined(sa.select(*told, instance, *columns, *(FINDINGS.c[name] for name in _FIRST)), filters)
        query = query.order_by(BUNDLES.c.received.desc(), BUNDLES.c.id.desc()).limit(limit).offset(offset)
        with self._database.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [dict(row) | {name: iso(row[name]) for name in ("received", "created")} for row in rows]

    def count(self, filters: Mapping[str, str]) -> int:
        with self._database.reading() as connection:
            return int(connection.execute(_joined(sa.select(sa.func.count()), filters)).scalar_one())

    def waiting(self) -> int:
        """How many bundles are stored and not indexed yet."""
        with self._database.reading() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(QUEUE)).scalar_one())


def receipt(row: Mapping[str, Any]) -> dict[str, str]:
    """What a sender gets for a bundle."""
    return {"id": row["id"], "sha256": row["sha256"], "received": str(iso(row["received"]))}


def _joined(query: sa.Select[Any], filters: Mapping[str, str]) -> sa.Select[Any]:
    first = sa.and_(FINDINGS.c.bundle == BUNDLES.c.id, FINDINGS.c.number == 0)
    source = BUNDLES.outerjoin(INSTANCES, BUNDLES.c.instance == INSTANCES.c.number)
    source = source.outerjoin(SCALE_SETS, INSTANCES.c.scale_set == SCALE_SETS.c.number).outerjoin(FINDINGS, first)
    return query.select_from(source).where(*_conditions(filters))


def _conditions(filters: Mapping[str, str]) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if filters.get("verdict"):
        found.append(BUNDLES.c.verdict == filters["verdict"])
    if filters.get("scale_set"):
        found.append(SCALE_SETS.c.name == filters["scale_set"])
    if filters.get("extension"):
        found.append(FINDINGS.c.extension.icontains(filters["extension"], autoescape=True))
    if filters.get("owner"):
        found.append(FINDINGS.c.owner == filters["owner"])
    if filters.get("exit_code"):
        try:
            found.append(FINDINGS.c.exit_code == int(filters["exit_code"].strip(), 0))
        except ValueError:
            found.append(sa.false())
    if filters.get("q"):
        fields = (
            INSTANCES.c.name,
            INSTANCES.c.computer_name,
            SCALE_SETS.c.name,
            BUNDLES.c.id,
            FINDINGS.c.title,
            FINDINGS.c.message,
            FINDINGS.c.extension,
        )
        found.append(sa.or_(*(field.icontains(filters["q"], autoescape=True) for field in fields)))
    return found
