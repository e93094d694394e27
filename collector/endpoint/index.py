"""What can be searched for without opening a bundle: SQLite through SQLAlchemy."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from collector.bundle import words
from collector.bundle.envelope import Envelope
from collector.bundle.reader import Bundle
from collector.model import iso

_META = sa.MetaData()
BUNDLES = sa.Table(
    "bundles",
    _META,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("sha256", sa.String(64), nullable=False, index=True),
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("received", sa.String(32), nullable=False, index=True),
    sa.Column("created", sa.String(32), nullable=False),
    sa.Column("verdict", sa.String(16), nullable=False, index=True),
    sa.Column("instance", sa.String(128)),
    sa.Column("scale_set", sa.String(128), index=True),
    sa.Column("resource_group", sa.String(128)),
    sa.Column("system", sa.String(8)),
    sa.Column("findings", sa.Integer, nullable=False),
    sa.Column("encrypted", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("by_itself", sa.Boolean, nullable=False, server_default=sa.false()),  # nobody asked for it
)
FINDINGS = sa.Table(
    "findings",
    _META,
    sa.Column("bundle", sa.ForeignKey("bundles.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("rule", sa.String(64)),
    sa.Column("kind", sa.String(8)),
    sa.Column("extension", sa.String(128), index=True),
    sa.Column("exit_code", sa.BigInteger, index=True),
    sa.Column("owner", sa.String(16)),
    sa.Column("title", sa.String(200)),
    sa.Column("operation", sa.String(32)),
)
TOKENS = sa.Table(
    "tokens",
    _META,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("created", sa.String(32), nullable=False),
)
SCHEMA = sa.Table("schema", _META, sa.Column("version", sa.Integer, primary_key=True))
VERSION = 1


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Index:
    def __init__(self, data: Path) -> None:
        """Opens or makes `<data>/index.sqlite`. Every method that writes raises OSError for faults of the disk."""
        self._engine = sa.create_engine(f"sqlite:///{data / 'index.sqlite'}", connect_args={"timeout": 30})
        with self._writing() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            _META.create_all(connection)
            _add_missing(connection)
            connection.execute(insert(SCHEMA).values(version=VERSION).on_conflict_do_nothing())

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """A transaction: all of it or nothing."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.OperationalError as error:
            is_full = "disk is full" in str(error.orig)
            raise OSError(errno.ENOSPC if is_full else errno.EIO, f"the index: {error.orig}") from error

    def receipt(self, bundle_id: str) -> dict[str, str] | None:
        """The first receipt of a bundle, None if it is not known."""
        query = sa.select(BUNDLES.c.id, BUNDLES.c.sha256, BUNDLES.c.received).where(BUNDLES.c.id == bundle_id)
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return dict(row) if row else None

    def knows(self, sha256: str) -> bool:
        with self._engine.connect() as connection:
            return connection.execute(sa.select(BUNDLES.c.id).where(BUNDLES.c.sha256 == sha256)).first() is not None

    def add(self, bundle: Bundle | Envelope, sha256: str, size: int) -> dict[str, str]:
        """Adds a bundle once, whoever sends it at the same time; gives the first receipt. Of an encrypted bundle
        what its envelope tells."""
        identity = bundle.identity
        row = {
            "id": bundle.id,
            "sha256": sha256,
            "bytes": size,
            "received": now(),
            "created": iso(bundle.created),
            "verdict": bundle.verdict,
            "instance": identity.instance_name or identity.computer_name,
            "scale_set": identity.scale_set,
            "resource_group": identity.resource_group,
            "system": identity.system,
            "findings": len(bundle.findings),
            "encrypted": isinstance(bundle, Envelope),
            "by_itself": isinstance(bundle, Bundle) and bundle.trigger.kind == "watch",
        }
        with self._writing() as connection:
            added = connection.execute(insert(BUNDLES).values(**row).on_conflict_do_nothing()).rowcount
            if added and bundle.findings:
                connection.execute(
                    sa.insert(FINDINGS),
                    [_finding_row(bundle.id, n, f) for n, f in enumerate(bundle.findings)],
                )
        receipt = self.receipt(bundle.id)
        if receipt is None:
            raise RuntimeError(f"the bundle {bundle.id} was indexed and is not there")
        return receipt

    def bundles(self, filters: Mapping[str, str], *, limit: int, offset: int = 0) -> Sequence[Mapping[str, Any]]:
        """Bundles with their first finding, newest first.

        `filters`: verdict, extension, scale_set, exit_code, owner, q.
        """
        first = sa.and_(FINDINGS.c.bundle == BUNDLES.c.id, FINDINGS.c.number == 0)
        columns = [
            FINDINGS.c[name] for name in ("kind", "extension", "exit_code", "owner", "title", "operation", "rule")
        ]
        query = (
            sa.select(BUNDLES, *columns).select_from(BUNDLES.outerjoin(FINDINGS, first)).where(*_conditions(filters))
        )
        query = query.order_by(BUNDLES.c.received.desc(), BUNDLES.c.id).limit(limit).offset(offset)
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def count(self, filters: Mapping[str, str]) -> int:
        first = sa.and_(FINDINGS.c.bundle == BUNDLES.c.id, FINDINGS.c.number == 0)
        query = sa.select(sa.func.count()).select_from(BUNDLES.outerjoin(FINDINGS, first)).where(*_conditions(filters))
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def add_token(self, sha256: str, name: str) -> None:
        with self._writing() as connection:
            connection.execute(insert(TOKENS).values(sha256=sha256, name=name, created=now()).on_conflict_do_nothing())

    def token_hashes(self) -> list[str]:
        with self._engine.connect() as connection:
            return list(connection.execute(sa.select(TOKENS.c.sha256)).scalars())


def _add_missing(connection: sa.Connection) -> None:
    """Columns that an index of an earlier version does not have."""
    known = {row[1] for row in connection.exec_driver_sql("PRAGMA table_info(bundles)")}
    for name in ("encrypted", "by_itself"):
        if name not in known:
            connection.exec_driver_sql(f"ALTER TABLE bundles ADD COLUMN {name} BOOLEAN NOT NULL DEFAULT 0")


def _finding_row(bundle: str, number: int, finding: Mapping[str, Any]) -> dict[str, Any]:
    title = str(finding.get("title") or "")[:200]
    return {
        "bundle": bundle,
        "number": number,
        "rule": str(finding["id"])[:64],
        "kind": finding["kind"],
        "extension": str(finding["extension"])[:128],
        "exit_code": finding["exit_code"],
        "owner": finding["owner"],
        "title": title,
        "operation": finding["operation"],
    }


def _conditions(filters: Mapping[str, str]) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    found += [BUNDLES.c[name] == filters[name] for name in ("verdict", "scale_set") if filters.get(name)]
    if filters.get("extension"):
        found.append(FINDINGS.c.extension.icontains(filters["extension"], autoescape=True))
    if filters.get("owner"):
        found.append(FINDINGS.c.owner == filters["owner"])
    if filters.get("exit_code"):
        text = filters["exit_code"].strip()
        try:
            found.append(FINDINGS.c.exit_code == int(text, 0))
        except ValueError:
            found.append(sa.false())
    if filters.get("q"):
        fields = (
            BUNDLES.c.instance,
            BUNDLES.c.scale_set,
            BUNDLES.c.id,
            FINDINGS.c.title,
            FINDINGS.c.extension,
        )
        found.append(sa.or_(*(field.icontains(filters["q"], autoescape=True) for field in fields)))
    return found


def short(extension: str | None) -> str:
    return words.short(extension) if extension else ""
