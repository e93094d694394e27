"""The steps of the schema, one file each, run by Alembic."""

from __future__ import annotations
