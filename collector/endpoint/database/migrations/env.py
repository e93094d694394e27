"""What Alembic runs: the steps, in the transaction of `migrate`."""

from __future__ import annotations

from alembic import context

from collector.endpoint.database import (  # noqa: F401 - fill METADATA
    access_tables,
    expected_tables,
    exports_tables,
    retention_tables,
    stores_tables,
)
from collector.endpoint.database.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True)
context.run_migrations()
