"""N.status as a value, in all the shapes that handlers write."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from collector.model import BrokenState, Source, StatusFile, Substatus
from collector.parse.stamps import iso_stamp

_MILLISECONDS = re.compile(r"/?Date\((-?\d+)")
_LONGEST = 65_536  # characters of a message
_BEGINNING = 2_000


def parse_status(source: Source, text: str) -> StatusFile | BrokenState:
    """Never raises: what is no status file comes back as BrokenState with the reason."""
    if not text.strip():
        return BrokenState(source, "the file is empty", "")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        return BrokenState(source, f"not JSON: {error}", text[:_BEGINNING])
    entry = document[0] if isinstance(document, list) and document else document
    if not isinstance(entry, dict) or not isinstance(get(entry, "status"), dict):
        return BrokenState(source, "JSON, but no status object in it", text[:_BEGINNING])
    return status_of(source, entry)


def status_of(source: Source, entry: Mapping[str, Any]) -> StatusFile:
    """A parsed status object (of a file or of the aggregate) as a value."""
    status = get(entry, "status")
    message = message_of(status)
    return StatusFile(
        source=source,
        sequence=source.sequence,
        name=source.name or _text(get(status, "name")),
        operation=_text(get(status, "operation")),
        status=str(get(status, "status") or "").strip().lower(),
        code=code_of(get(status, "code")),
        message=message,
        time=time_of(get(entry, "timestampUTC")),
        substatus=_substatus(get(status, "substatus")),
        execution=_execution(message),
    )


def get(document: Mapping[str, Any], key: str) -> Any:
    """A key whatever its case: old handlers write ``Message``, ``Lang``."""
    if key in document:
        return document[key]
    return next((value for name, value in document.items() if name.lower() == key.lower()), None)


def message_of(document: Mapping[str, Any]) -> str:
    formatted = get(document, "formattedMessage")
    message = get(formatted, "message") if isinstance(formatted, dict) else formatted
    return str(message)[:_LONGEST] if message is not None else ""


def code_of(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None


def time_of(value: object) -> datetime | None:
    """The four forms that are seen; all are UTC, with or without a mark."""
    text = str(value or "").strip()
    found = _MILLISECONDS.search(text)
    try:
        if found:
            return datetime.fromtimestamp(int(found[1]) / 1000, timezone.utc)
    except (OverflowError, OSError, ValueError):
        return None
    stamp = iso_stamp(re.sub(r",\s*", " ", text).replace("/", "-"))
    if stamp is None:
        return None
    return stamp.moment if stamp.moment.tzinfo else stamp.moment.replace(tzinfo=timezone.utc)


def _text(value: object) -> str | None:
    return str(value) if value not in (None, "") else None


def _substatus(value: object) -> tuple[Substatus, ...]:
    entries = value if isinstance(value, list) else [value]
    return tuple(
        Substatus(
            str(get(one, "name") or ""),
            str(get(one, "status") or "").lower(),
            code_of(get(one, "code")),
            message_of(one),
        )
        for one in entries
        if isinstance(one, dict)
    )


def _execution(message: str) -> Mapping[str, object] | None:
    """Managed Run Command writes the truth as JSON into the message."""
    if not message.lstrip().startswith("{"):
        return None
    try:
        inner = json.loads(message)
    except (ValueError, RecursionError):
        return None
    return inner if isinstance(inner, dict) and "executionState" in inner else None
