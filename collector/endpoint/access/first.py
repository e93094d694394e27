"""The administrator's token of the first start, and the keys that every process must know."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import sqlalchemy as sa

from collector.endpoint.access.audit import Act, now, record
from collector.endpoint.access.tokens import hash_of, new_secret, token_row
from collector.endpoint.database.access_tables import ACCOUNTS, KEYS, TOKENS
from collector.endpoint.database.engine import Database

#: Any number, the same in every process: who looks for an administrator holds this lock of PostgreSQL.
_LOCK = 0x766D6161


def first_token(file: Path, database: Database) -> bool:
    """Makes an administrator's token where the index knows no administrator; tells whether it did.

    The secret lies in `file`, readable by its owner alone, before the index knows of it; one that lies there already,
    and that the index has never known, counts. Of several processes and hosts on one index, one makes it.
    Raises OSError.
    """
    with database.writing() as connection:
        if database.is_postgresql:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        secret = file.read_text().strip() if file.exists() else None
        if secret and not connection.execute(sa.select(TOKENS.c.id).where(TOKENS.c.sha256 == hash_of(secret))).first():
            _add(connection, secret)
        elif not _has_administrator(connection):  # nor counts the one in the file, which was revoked
            secret = new_secret()
            write_secret(file, secret)
            _add(connection, secret)
            return True
    return False


def _has_administrator(connection: sa.Connection) -> bool:
    tokens = sa.select(TOKENS.c.id).where(
        TOKENS.c.scope == "admin",
        TOKENS.c.revoked.is_(None),
        TOKENS.c.expires.is_(None) | (TOKENS.c.expires > now()),
    )
    accounts = sa.select(ACCOUNTS.c.name).where(ACCOUNTS.c.scope == "admin")
    return any(connection.execute(query.limit(1)).first() for query in (tokens, accounts))


def _add(connection: sa.Connection, secret: str) -> None:
    connection.execute(sa.insert(TOKENS), token_row(secret, "administrator", "admin", now(), "first start"))
    record(connection, Act("first start", "token-create", "administrator", "admin for every scale set"))


def shared_key(name: str, database: Database) -> bytes:
    """32 bytes that every process on this index has, made by the first that asks. Raises OSError."""
    query = sa.select(KEYS.c.value).where(KEYS.c.name == name)
    row = {"name": name, "value": secrets.token_hex(32), "created": now()}
    with database.writing() as connection:
        connection.execute(database.insert(KEYS).values(row).on_conflict_do_nothing())
        return bytes.fromhex(str(connection.execute(query).scalar_one()))


def write_secret(file: Path, secret: str) -> None:
    """Whole or not at all, readable by its owner alone. Raises OSError."""
    temporary = file.with_suffix(".partial")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(secret + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)
