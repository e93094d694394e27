"""Our own log passes through redaction too."""

from __future__ import annotations

import logging
import secrets
import sys

from collector.redact.redactor import Redactor


class RedactingFormatter(logging.Formatter):
    """Formats a record, then redacts it, tracebacks included."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        return str(self._redactor.text(super().format(record)))


def install_debug_log() -> None:
    """Shows our own log on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(Redactor(secrets.token_bytes(32))))
    logging.basicConfig(level=logging.DEBUG, handlers=[handler], force=True)
