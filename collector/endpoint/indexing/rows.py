"""What the index keeps of a bundle, as rows of its tables. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from collector.bundle import words
from collector.bundle.codec import moment
from collector.bundle.envelope import Envelope
from collector.bundle.reader import Bundle
from collector.endpoint.indexing.naming import instance_key, scale_set_key, short_id, signature
from collector.model import Identity

#: An instance's extensions beyond these are not shown in the matrix; one has at most a few dozen.
_MOST_STATES = 200

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One bundle's rows. `incident` in a finding's row is the signature until the incident has a number."""

    bundle: str
    created: datetime
    scale_set: Row
    instance: Row
    findings: tuple[Row, ...]
    states: tuple[Row, ...]


def bundle_row(bundle: Bundle | Envelope, sha256: str, size: int, received: datetime) -> Row:
    """What the list of bundles shows; made from the manifest or the envelope alone."""
    document = bundle.document if isinstance(bundle, Envelope) else bundle.manifest
    return {
        "id": bundle.id,
        "sha256": sha256,
        "bytes": size,
        "received": received,
        "state": "waiting",
        "created": bundle.created,
        "verdict": bundle.verdict,
        "incident": document.get("incident"),
        "trigger": None if isinstance(bundle, Envelope) else bundle.trigger.kind,
        "encrypted": isinstance(bundle, Envelope),
    }


def entry(bundle: Bundle | Envelope) -> Entry:
    """Everything else. Raises BundleError where a member is damaged."""
    identity = bundle.identity
    findings = tuple(_finding_row(bundle.id, number, one, identity) for number, one in enumerate(bundle.findings))
    return Entry(
        bundle.id,
        bundle.created,
        _scale_set_row(bundle.created, identity),
        _instance_row(bundle, identity),
        findings,
        () if isinstance(bundle, Envelope) else _state_rows(bundle, findings),
    )


def incident_row(entry: Entry, finding: Row, received: datetime) -> Row:
    """The incident that a finding begins, or belongs to."""
    seen = finding["time"] or entry.created
    copied = ("kind", "rule", "extension", "operation", "exit_code", "owner", "title", "message")
    return {
        "id": finding["incident"],
        **{name: finding[name] for name in copied},
        "first_seen": seen,
        "last_seen": seen,
        "last_received": received,
        "instances": 0,
        "bundles": 0,
    }


def _scale_set_row(seen: datetime, identity: Identity) -> Row:
    key = scale_set_key(identity)
    return {
        "id": short_id(key),
        "key": _cut(key, 300),
        "name": _cut(identity.scale_set, 128),
        "resource_group": _cut(identity.resource_group, 128),
        "subscription": _cut(identity.subscription, 36),
        "first_seen": seen,
        "last_seen": seen,
    }


def _instance_row(bundle: Bundle | Envelope, identity: Identity) -> Row:
    key = instance_key(identity, bundle.id)
    return {
        "id": short_id(key),
        "key": _cut(key, 300),
        "name": _cut(identity.instance_name, 128),
        "computer_name": _cut(identity.computer_name, 128),
        "instance_id": _cut(identity.instance_id, 64),
        "location": _cut(identity.location, 64),
        "zone": _cut(identity.zone, 8),
        "system": identity.system,
        "os": _cut(identity.os, 128),
        "agent_version": _cut(identity.agent_version, 32),
        "image": _cut(identity.image, 256),
        "first_seen": bundle.created,
        "last_seen": bundle.created,
        "last_bundle": bundle.id,
        "last_verdict": bundle.verdict,
    }


def _finding_row(bundle: str, number: int, finding: Mapping[str, Any], identity: Identity) -> Row:
    """Of an encrypted bundle the texts are not known."""
    told = finding.get("first_time") or finding.get("hang_since")
    time = moment(told) if told else None
    return {
        "bundle": bundle,
        "number": number,
        "incident": signature(finding, identity),
        "rule": _cut(finding["id"], 64),
        "kind": finding["kind"],
        "extension": _cut(finding["extension"], 128),
        "version": _cut(finding["version"], 32),
        "operation": _cut(finding["operation"], 32),
        "exit_code": _code(finding["exit_code"]),
        "owner": finding["owner"],
        "title": _cut(finding.get("title"), 200),
        "message": _cut(finding.get("message"), 500),
        "time": time if time and time.tzinfo else None,  # local time of an unknown zone is no moment
    }


def _state_rows(bundle: Bundle, findings: Sequence[Row]) -> tuple[Row, ...]:
    """One row for each extension; a failure counts above what a state file says, the first one above the others."""
    rows: dict[str, Row] = {}
    for state in bundle.states:
        name = words.label(state.extension, state.name) if state.name else state.extension
        rows[name.lower()] = _state(name, state.state.lower(), state.version, None, None)
    for finding in reversed(findings):
        outcome = "hanging" if finding["kind"] == "hang" else "failed"
        row = _state(finding["extension"], outcome, finding["version"], finding["exit_code"], finding["title"])
        rows[finding["extension"].lower()] = row
    return tuple(row | {"bundle": bundle.id, "created": bundle.created} for row in list(rows.values())[:_MOST_STATES])


def _state(extension: str, outcome: str, version: str | None, exit_code: int | None, title: str | None) -> Row:
    return {
        "extension": _cut(extension, 128),
        "outcome": _cut(outcome, 16),
        "version": _cut(version, 32),
        "exit_code": exit_code,
        "title": title,
    }


def _cut(text: str | None, most: int) -> str | None:
    """Text that both engines take: PostgreSQL refuses NUL, half a surrogate pair, and more than the column holds."""
    return None if text is None else text.replace("\0", " ").encode("utf-8", "replace").decode()[:most]


def _code(code: int | None) -> int | None:
    """No program ends with a code that does not fit."""
    return code if code is not None and abs(code) < 1 << 63 else None
