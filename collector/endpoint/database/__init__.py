"""The index as a database: its tables, how it is opened, and how its schema moves on."""

from __future__ import annotations
