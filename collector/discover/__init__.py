"""Which extensions are here, and where their logs, status and settings files lie."""

from __future__ import annotations
