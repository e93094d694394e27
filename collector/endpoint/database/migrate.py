"""Brings a database to the schema of this version, by Alembic."""

from __future__ import annotations

import os
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

from collector.endpoint.database.engine import Database
from collector.errors import ConfigError

#: Any number, the same in every process: who migrates holds this lock of PostgreSQL.
_LOCK = 0x766D657874


def migrate(database: Database) -> tuple[str | None, str]:
    """Makes or upgrades the schema, one process at a time; gives the revision before and after.

    Raises ConfigError where the database is of a later version, OSError.
    """
    _make_private(database)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    newest = ScriptDirectory.from_config(config).get_current_head()
    with database.writing() as connection:
        if database.is_postgresql:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        before = MigrationContext.configure(connection).get_current_revision()
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise ConfigError(
                f"the database has the schema {before}, which this version does not know",
                "A later version of vmext has used it. Install that one, or give another database.",
            ) from error
    return before, str(newest)


def _make_private(database: Database) -> None:
    """A new file of SQLite is its owner's alone, in whatever folder: it holds hashes of passwords. Raises OSError."""
    file = database.engine.url.database
    if not database.is_postgresql and file:
        os.close(os.open(file, os.O_RDONLY | os.O_CREAT, 0o600))
