"""Warnings of our own log where nobody asked for all of it: a sentence each on standard error, redacted."""

from __future__ import annotations

import logging
import sys

from collector.cli import redacted


class _Warnings(logging.StreamHandler):  # type: ignore[type-arg]
    def format(self, record: logging.LogRecord) -> str:
        return f"vmext: {redacted(record.getMessage())}"


def tell_warnings() -> None:
    """In the place of Python's own way, which would show them as they are."""
    handler = _Warnings(sys.stderr)
    handler.setLevel(logging.WARNING)
    logging.lastResort = handler
