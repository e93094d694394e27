"""Records and state files to failures. Pure: gets values, returns values."""

from __future__ import annotations
