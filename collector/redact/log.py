"""Our own log passes through redaction too."""

from __future__ import annotations

import json
import logging
import secrets
import sys
from datetime import datetime, timezone
from typing import Any

from collector.redact.redactor import Redactor

#: Characters of one entry that are kept.
_MOST_MESSAGE, _MOST_TRACEBACK = 4_096, 8_192


class RedactingFormatter(logging.Formatter):
    """Formats a record, then redacts it, tracebacks included."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        return str(self._redactor.text(super().format(record)))


class RedactingJsonFormatter(logging.Formatter):
    """A record as one object of JSON in ASCII, every text in it redacted, tracebacks included."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """Raises what a wrong argument of the message raises."""
        document: dict[str, object] = {
            "time": self._time(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
        }
        if record.exc_info and record.exc_info[0] is not None:
            document["traceback"] = self.formatException(record.exc_info)
        if repeated := getattr(record, "repeated", 0):
            document["repeated"] = repeated
        return str(self._redactor.dumped(document, self._dump))

    @staticmethod
    def _dump(document: dict[str, Any]) -> str:
        """Cut after the redaction: half a secret may not look like one."""
        message, traceback = document.get("message", ""), document.get("traceback", "")
        cut = {"message": message[:_MOST_MESSAGE]} | ({"traceback": traceback[-_MOST_TRACEBACK:]} if traceback else {})
        return json.dumps(document | cut)

    @staticmethod
    def _time(created: float) -> str:
        """UTC, to the millisecond."""
        moment = datetime.fromtimestamp(created, timezone.utc)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def install_debug_log() -> None:
    """Shows our own log on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(Redactor(secrets.token_bytes(32))))
    logging.basicConfig(level=logging.DEBUG, handlers=[handler], force=True)
