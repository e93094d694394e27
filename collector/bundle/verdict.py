"""The verdict as one JSON object within the same limit as the text. Pure."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from collector.bundle.checks import in_json
from collector.bundle.documents import SCHEMA, finding_document, window_document
from collector.model import BundleInfo, Delivery, Finding, Report, iso

LIMIT = 4_096  # bytes

#: What every finding has, whatever the room; scripts rely on it.
CONTRACT = (
    "id", "kind", "extension", "name", "version", "operation", "sequence", "exit_code", "agent_code", "owner",
    "message", "meaning", "remedy", "confidence", "first_time", "last_time", "count", "sources",
)  # fmt: skip
#: What is added where there is room.
ADDED = ("title", "hang_since", "limit_seconds", "status_code", "caused_by", "documentation", "do", "dont")
#: Texts that are useless when cut; they give way last.
_WHOLE = frozenset(
    {
        "id",
        "sha256",
        "kind",
        "owner",
        "confidence",
        "verdict",
        "state",
        "first_time",
        "last_time",
        "start",
        "end",
    }
)
_WHOLE_BYTES = 64


class _Room(NamedTuple):
    """How much is shown: bytes of a text, sources and fields of a finding, findings (None: all)."""

    bytes: int
    sources: int
    fields: tuple[str, ...]
    findings: int | None = None


def _rooms(findings: int) -> list[_Room]:
    """Tried in this order: long texts give way before findings do, and findings before the last texts."""
    all_fields = CONTRACT + ADDED
    texts = [_Room(c, s, all_fields) for c, s in ((1_500, 20), (700, 10), (400, 6), (240, 4))]
    texts += [_Room(c, s, CONTRACT) for c, s in ((240, 3), (140, 2), (90, 1))]
    fewer = [_Room(90, 1, CONTRACT, kept) for kept in range(findings - 1, 0, -1)]
    return [*texts, *fewer, _Room(40, 1, CONTRACT, 1), _Room(24, 1, CONTRACT, 1), _Room(24, 0, CONTRACT, 0)]


def verdict_json(report: Report, bundle: BundleInfo | None, delivery: Delivery | None, limit: int = LIMIT) -> str:
    """One JSON object of ASCII and a line end, at most `limit` bytes; always valid JSON.

    As many findings as fit are in it, the most important first; `findings_total` says how many there are.
    """
    for room in _rooms(len(report.findings)):
        document = _document(report, bundle, delivery, room)
        text = _text(_shortened(document, room.bytes))
        if len(text) < limit:  # one byte is kept for a console that makes two of the line end
            told = in_json(report.practices)
            more = _text(_shortened({**document, "practices": told}, room.bytes)) if told else text
            return more if len(more) < limit else text
    return _text({"schema": SCHEMA, "verdict": report.verdict})


def _document(report: Report, bundle: BundleInfo | None, delivery: Delivery | None, room: _Room) -> dict[str, Any]:
    identity = report.identity
    told = {"trigger": {"kind": "watch", "text": report.trigger.text}} if report.trigger.kind == "watch" else {}
    return {
        "schema": SCHEMA,
        "verdict": report.verdict,
        "instance": identity.instance_name or identity.computer_name,
        "window": window_document(report.window),
        **told,
        "findings": [_finding(finding, room) for finding in report.findings[: room.findings]],
        "findings_total": len(report.findings),
        "bundle": bundle_told(bundle),
        "delivery": delivery_told(delivery),
        "identity": {
            "scale_set": identity.scale_set,
            "instance_id": identity.instance_id,
            "resource_id": identity.resource_id,
            "vm_id": identity.vm_id,
            "container_id": identity.container_id,
            "activity_id": identity.activity_id,
            "correlation_id": identity.correlation_id,
            "agent_version": identity.agent_version,
        },
    }


def _finding(finding: Finding, room: _Room) -> dict[str, Any]:
    document = finding_document(finding)
    document["sources"] = document["sources"][: room.sources]
    return {key: document[key] for key in room.fields}


def bundle_told(bundle: BundleInfo | None) -> dict[str, Any] | None:
    if bundle is None:
        return None
    told = {"id": bundle.id, "path": str(bundle.path), "bytes": bundle.bytes, "sha256": bundle.sha256}
    return {**told, "encrypted": True} if bundle.encrypted else told


def delivery_told(delivery: Delivery | None) -> dict[str, Any]:
    delivery = delivery or Delivery("skipped")
    return {
        "state": delivery.state,
        "target": delivery.target,
        "error": delivery.error,
        "received": iso(delivery.received),
    }


def _shortened(value: Any, room: int, key: str = "") -> Any:
    """`value` with each text cut to `room` bytes; what must stay whole to be of use gets some more."""
    if isinstance(value, dict):
        return {name: _shortened(item, room, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item, room, key) for item in value]
    if not isinstance(value, str):
        return value
    return _cut(value, max(room, _WHOLE_BYTES) if key in _WHOLE else room)


def _cut(text: str, room: int) -> str:
    """`text` cut so that it takes at most `room` bytes as JSON: some signs take twelve."""
    if _size(text) <= room:
        return text
    text = text[: room - len("...")]
    while (size := _size(text)) > room - len("..."):
        text = text[: min(len(text) - 1, len(text) * room // size)]
    return text + "..."


def _size(text: str) -> int:
    return len(json.dumps(text)) - len('""')


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=True, separators=(",", ":"), allow_nan=False) + "\n"
