"""Opens the database: SQLite in a file by default, PostgreSQL by its address."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from collector.errors import ConfigError

#: How the reason begins where the index is what failed, and not the folder or the store.
OF_THE_INDEX = "the index: "

#: How long a writer waits for another one, in seconds.
_LOCK_SECONDS = 30
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_LOCK_SECONDS * 1000}")

#: A server whose host is gone without a word is given up in half a minute, not in a quarter of an hour: parameters of
#: libpq in seconds, but for the last one in milliseconds. The address may say otherwise.
_PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": _LOCK_SECONDS * 1000,
}
#: Faults of a statement or of what it holds. All others are the database's own: out of reach, a standby that takes no
#: writes, a damaged file.
_OF_WHAT_WAS_ASKED = (sa.exc.DataError, sa.exc.IntegrityError, sa.exc.NotSupportedError, sa.exc.ProgrammingError)

#: Codes of PostgreSQL (its manual, appendix A) for a database that is being restored, or was by another user: no right,
#: no such table, column or schema. No bundle is to blame for them, and they end without us.
_OF_ITS_STATE = ("42501", "42P01", "42703", "3F000")


class Database:
    """One engine behind one way to read and one to write."""

    def __init__(self, url: str) -> None:
        """`url`: `sqlite:///FILE` or `postgresql://USER@HOST/NAME`. Raises ConfigError for any other."""
        self.engine = _engine(url)
        self.is_postgresql = self.engine.dialect.name == "postgresql"

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One snapshot for all that is read in it. Raises OSError."""
        with _as_os_error(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction: all of it or nothing, on the disk when it ends. Raises OSError."""
        engine = self.engine.execution_options(vmext_writes=True)
        with _as_os_error(), engine.begin() as connection:
            yield connection

    def insert(self, table: sa.Table) -> Any:
        """INSERT with ON CONFLICT, which both engines have and SQLAlchemy keeps apart."""
        return postgresql.insert(table) if self.is_postgresql else sqlite.insert(table)

    def in_use(self) -> int:
        """How many connections this process works with now."""
        pool = self.engine.pool
        return pool.checkedout() if isinstance(pool, sa.QueuePool) else 0

    def close(self) -> None:
        self.engine.dispose()


def _engine(url: str) -> sa.Engine:
    try:
        address = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise ConfigError(
            "--database: this is no address of a database", "Give postgresql://USER@HOST/NAME or sqlite:///FILE."
        ) from error
    backend = address.get_backend_name()
    if backend == "sqlite":
        engine = sa.create_engine(address, connect_args={"timeout": _LOCK_SECONDS, "check_same_thread": False})
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    if backend in ("postgresql", "postgres"):
        address = address.set(drivername="postgresql+psycopg")
        told = {name: value for name, value in _PATIENCE.items() if name not in address.query}
        return sa.create_engine(
            address, pool_size=10, max_overflow=10, pool_pre_ping=True, pool_timeout=_LOCK_SECONDS, connect_args=told
        )
    raise ConfigError(f"--database: {backend} is not known", "Give postgresql://USER@HOST/NAME or sqlite:///FILE.")


def _prepare_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says so, not at the first write
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    """A writer takes the lock at once: one that read first could not get it any more after another one's commit."""
    writes = connection.get_execution_options().get("vmext_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Faults of the database are faults of the disk or the network for whoever asks."""
    try:
        yield
    except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
        code = getattr(getattr(error, "orig", None), "sqlstate", None)
        if isinstance(error, _OF_WHAT_WAS_ASKED) and code not in _OF_ITS_STATE:
            raise
        text = str(getattr(error, "orig", None) or error).strip()
        is_full = "disk is full" in text or "No space left" in text
        raise OSError(errno.ENOSPC if is_full else errno.EIO, f"{OF_THE_INDEX}{text}") from error
