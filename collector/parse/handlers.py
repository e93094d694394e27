"""HandlerStatus and the agent's summary of all handlers, on both systems."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from collector.model import BrokenState, HandlerStatus, Source, StatusFile
from collector.parse.status import code_of, get, message_of, status_of

_BEGINNING = 2_000


def parse_handler_status(source: Source, text: str) -> HandlerStatus | BrokenState:
    """config/HandlerStatus. Never raises."""
    document = _object(text)
    if isinstance(document, str):
        return BrokenState(source, document, text[:_BEGINNING])
    return HandlerStatus(
        source,
        str(get(document, "name") or source.extension or ""),
        str(get(document, "version") or source.version or ""),
        str(get(document, "status") or ""),
        code_of(get(document, "code")),
        str(get(document, "message") or ""),
    )


def parse_aggregate(source: Source, text: str) -> tuple[HandlerStatus | StatusFile | BrokenState, ...]:
    """waagent_status.json and aggregatestatus*.json. Never raises; a broken file is one BrokenState."""
    document = _object(text)
    if isinstance(document, str):
        return (BrokenState(source, document, text[:_BEGINNING]),)
    aggregate = get(document, "aggregateStatus")
    rows = get(aggregate, "handlerAggregateStatus") if isinstance(aggregate, dict) else None
    if not isinstance(rows, list):
        return (BrokenState(source, "JSON, but no handlerAggregateStatus in it", text[:_BEGINNING]),)
    values: list[HandlerStatus | StatusFile | BrokenState] = []
    for row in rows:
        if isinstance(row, dict):
            values += _row(source, row)
    return tuple(values)


def _row(source: Source, row: Mapping[str, Any]) -> list[HandlerStatus | StatusFile | BrokenState]:
    extension, version = str(get(row, "handlerName") or ""), str(get(row, "handlerVersion") or "")
    source = replace(source, extension=extension, version=version)
    status = HandlerStatus(
        source, extension, version, str(get(row, "status") or ""), code_of(get(row, "code")), message_of(row)
    )
    settings = get(row, "runtimeSettingsStatus")
    entry = get(settings, "settingsStatus") if isinstance(settings, dict) else None
    if not isinstance(entry, dict) or not isinstance(get(entry, "status"), dict):
        return [status]
    sequence = code_of(get(settings, "sequenceNumber"))
    name = get(settings, "extensionName")
    return [status, status_of(replace(source, sequence=sequence, name=str(name) if name else None), entry)]


def _object(text: str) -> dict[str, Any] | str:
    """The JSON object of a file, or why it is none."""
    if not text.strip():
        return "the file is empty"
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"not JSON: {error}"
    if isinstance(document, list) and document:
        document = document[0]
    return document if isinstance(document, dict) else "JSON, but no object"
