"""What Alembic runs: the steps, in the transaction of `migrate`."""

from __future__ import annotations

from alembic import context

from collector.endpoint.database import access_tables, expected_tables, stores_tables  # noqa: F401 - fill METADATA
from collector.endpoint.database.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True)
context.run_migrations()
