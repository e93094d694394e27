"""Local accounts of people, for where there is no OpenID provider."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from collector.endpoint.access.audit import Act, now, record
from collector.endpoint.access.caller import ADMIN, READ
from collector.endpoint.access.passwords import check_password, hashed, is_password
from collector.endpoint.access.sessions import Person
from collector.endpoint.database.access_tables import ACCOUNTS, SESSIONS
from collector.endpoint.database.engine import Database
from collector.errors import ConfigError

_NAME = re.compile(r"^[a-z0-9][a-z0-9._@-]{0,63}$")
ACCOUNT_SCOPES = (READ, ADMIN)
#: So many wrong passwords are nothing; after each further one none is looked at for twice as long, up to the most.
_FREE_TRIES = 5
_FIRST_LOCK, _LONGEST_LOCK = timedelta(minutes=1), timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Account:
    """What may be told of an account."""

    name: str
    scope: str
    created: datetime
    created_by: str
    failed: int
    locked_until: datetime | None
    last_login: datetime | None

    def is_locked(self, at: datetime) -> bool:
        return self.locked_until is not None and self.locked_until > at


_TOLD = [ACCOUNTS.c[name] for name in Account.__dataclass_fields__]


class Accounts:
    """Every method raises OSError for faults of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str, password: str, scope: str, *, by: str, address: str = "") -> None:
        """Raises ConfigError."""
        name = name.strip().lower()
        if not is_name(name):
            raise ConfigError(
                "an account's name has 1 to 64 of a-z, 0-9 and . _ @ -, and begins with a letter or digit"
            )
        if scope not in ACCOUNT_SCOPES:
            raise ConfigError(f"the scope {scope[:20]!r} is none of an account", "Give read or admin.")
        check_password(password, name)
        row = {"name": name, "password": hashed(password), "scope": scope, "created": now(), "created_by": by}
        with self._database.writing() as connection:
            insert = self._database.insert(ACCOUNTS).values(row).on_conflict_do_nothing().returning(ACCOUNTS.c.name)
            if connection.execute(insert).first() is None:
                raise ConfigError(f"there is an account {name!r} already", "Give another name.")
            record(connection, Act(by, "account-add", name, scope, address))

    def all(self) -> Sequence[Account]:
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(*_TOLD).order_by(ACCOUNTS.c.name))
            return [Account(**row._mapping) for row in rows]

    def page(self, *, limit: int, after: str = "") -> tuple[Sequence[Account], str | None]:
        """Those behind the name `after`, in the order of their names; and behind which the next page begins."""
        query = sa.select(*_TOLD).where(ACCOUNTS.c.name > after).order_by(ACCOUNTS.c.name).limit(limit + 1)
        with self._database.reading() as connection:
            found = [Account(**row._mapping) for row in connection.execute(query)]
        return found[:limit], found[limit - 1].name if len(found) > limit else None

    def remove(self, name: str, *, by: str, address: str = "") -> bool:
        """Ends its sessions, too; False where there is no such account."""
        with self._database.writing() as connection:
            gone = connection.execute(sa.delete(ACCOUNTS).where(ACCOUNTS.c.name == name.lower())).rowcount
            if gone:
                connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.origin == f"account {name.lower()}"))
                record(connection, Act(by, "account-remove", name.lower(), "", address))
        return bool(gone)

    def set_password(self, name: str, password: str, *, by: str, address: str = "") -> bool:
        """Ends the account's sessions and its lock. Raises ConfigError; False where there is no such account."""
        name = name.lower()
        check_password(password, name)
        values = {"password": hashed(password), "failed": 0, "locked_until": None}
        with self._database.writing() as connection:
            done = connection.execute(sa.update(ACCOUNTS).where(ACCOUNTS.c.name == name).values(values)).rowcount
            if done:
                connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.origin == f"account {name}"))
                record(connection, Act(by, "account-password", name, "", address))
        return bool(done)

    def check(self, name: str, password: str) -> Person | None:
        """Whose name and password these are. An account that is locked is not looked at."""
        name, at = name.strip().lower(), now()
        with self._database.reading() as connection:
            row = connection.execute(sa.select(ACCOUNTS).where(ACCOUNTS.c.name == name)).first()
        is_locked = row is not None and row.locked_until is not None and row.locked_until > at
        is_right = is_password(row.password if row is not None else None, password)
        if row is None or is_locked:
            return None
        with self._database.writing() as connection:
            mine = sa.update(ACCOUNTS).where(ACCOUNTS.c.name == name)
            if is_right:
                unlocked = ACCOUNTS.c.locked_until.is_(None) | (ACCOUNTS.c.locked_until <= at)
                done = connection.execute(mine.where(unlocked).values(failed=0, locked_until=None, last_login=at))
                return Person(f"account {name}", name, row.scope) if done.rowcount else None
            failed = connection.execute(mine.values(failed=ACCOUNTS.c.failed + 1).returning(ACCOUNTS.c.failed)).scalar()
            if failed is not None and failed >= _FREE_TRIES:
                lock = min(_LONGEST_LOCK, _FIRST_LOCK * 2 ** min(failed - _FREE_TRIES, 8))
                connection.execute(mine.values(locked_until=at + lock))
        return None


def is_name(text: str) -> bool:
    return _NAME.match(text) is not None
