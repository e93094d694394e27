"""Who may send, read and administer, and what they did."""

from __future__ import annotations
