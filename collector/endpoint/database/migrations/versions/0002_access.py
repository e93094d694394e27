"""Accounts, sessions, scopes and ends of tokens, and the record of who did what."""

from __future__ import annotations

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Nothing yet."""
