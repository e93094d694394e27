"""The JSON members of a bundle, as values. Additions are free; a rename raises the schema's number."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from collector.bundle.codec import load, plain
from collector.bundle.layout import LeftOut
from collector.errors import BundleError
from collector.model import ExtensionState, Failure, Finding, Identity, LedgerEntry, Practice, Report, Window, iso

SCHEMA = 1
#: Hexadecimal digits of a bundle's id and of an incident's key.
ID_DIGITS = 16
#: Members that show the bundle's id, and are made from the others.
SHOW_THE_ID = frozenset({"report.html", "summary.txt", "manifest.json"})


def window_document(window: Window) -> dict[str, Any]:
    """The window that was read; `start` and `end` null for "everything"."""
    return {"start": iso(window.start), "end": iso(window.end), "reason": window.reason}


def finding_document(finding: Finding) -> dict[str, Any]:
    """One finding as scripts read it; `sources` names every line that tells of it, each once."""
    failure = finding.failure
    return {
        "id": finding.id,
        "kind": failure.kind,
        "title": finding.title,
        "extension": failure.extension,
        "name": failure.name,
        "version": failure.version,
        "operation": failure.operation,
        "sequence": failure.sequence,
        "exit_code": failure.exit_code,
        "agent_code": failure.agent_code,
        "status_code": failure.status_code,
        "owner": finding.owner,
        "message": failure.message,
        "meaning": finding.meaning,
        "remedy": finding.remedy,
        "do": list(finding.do),
        "dont": finding.dont,
        "documentation": finding.documentation,
        "confidence": finding.confidence,
        "causes": plain(finding.causes),
        "first_time": iso(failure.first_time),
        "last_time": iso(failure.last_time),
        "hang_since": iso(failure.hang_since),
        "limit_seconds": failure.limit_seconds,
        "count": failure.count,
        "repeats_after_collect": failure.repeats_after_collect,
        "caused_by": failure.caused_by,
        "sources": sources(failure),
        "evidence": plain(failure.evidence),
        "detail": failure.detail,
    }


def sources(failure: Failure) -> list[dict[str, Any]]:
    """Every line that tells of `failure`, each once, the telling one first."""
    seen = {(evidence.path, evidence.line): None for evidence in failure.evidence}
    return [{"path": path, "line": line} for path, line in seen]


def findings_document(report: Report) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "window": window_document(report.window),
        "findings": [finding_document(finding) for finding in report.findings],
    }


def failures_document(report: Report) -> dict[str, Any]:
    """What was extracted, before any rule, with the states that rules may ask for."""
    return {"schema": SCHEMA, "failures": plain(report.failures), "states": plain(report.others)}


def failures_from(document: Mapping[str, Any]) -> tuple[Failure, ...]:
    """The inverse of `failures_document`; BundleError if `document` is none."""
    return _values(Failure, document, "failures")


def states_from(document: Mapping[str, Any]) -> tuple[ExtensionState, ...]:
    """The extensions' states beside the failures; BundleError if `document` is none."""
    return _values(ExtensionState, document, "states")


def _values(kind: type[Any], document: Mapping[str, Any], key: str, member: str = "failures.json") -> tuple[Any, ...]:
    items = document.get(key)
    if not isinstance(items, list):
        raise BundleError(f"{member} has no list {key!r}")
    return tuple(load(kind, item, f"{member} {key}[{number}]") for number, item in enumerate(items))


def practices_document(report: Report) -> dict[str, Any]:
    """What came of every documented practice that concerns this disk."""
    return {"schema": SCHEMA, "practices": plain(report.practices)}


def practices_from(document: Mapping[str, Any]) -> tuple[Practice, ...]:
    """The inverse of `practices_document`; BundleError if `document` is none."""
    return _values(Practice, document, "practices", "practices.json")


def ledger_document(
    ledger: Sequence[LedgerEntry], left_out: LeftOut | None = None, budget: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """Every source considered and what came of it; and, where they are given, what the budget took away."""
    totals = Counter(entry.outcome for entry in ledger)
    document: dict[str, Any] = {"schema": SCHEMA, "totals": dict(sorted(totals.items()))}
    if left_out is not None:
        document["left_out"] = plain(left_out)
    if budget is not None:
        document["budget"] = dict(budget)
    return {**document, "entries": plain(ledger)}


def system_document(report: Report) -> dict[str, Any]:
    """The machine as it was while collecting, and the run; `facts` is empty for a mounted disk."""
    return {"schema": SCHEMA, "run": _run(report), "identity": plain(report.identity), "facts": plain(report.system)}


def _run(report: Report) -> dict[str, Any]:
    return {
        "incident": incident_key(report),
        "agent_version": report.agent_version,
        "created": iso(report.created),
        "duration_seconds": report.duration.total_seconds(),
        "verdict": report.verdict,
        "trigger": plain(report.trigger),
    }


def manifest_document(
    report: Report, left_out: LeftOut, budget: Mapping[str, int], members: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """The manifest without the bundle's id. It says nothing that is not in a member that the id is made from."""
    return {
        "schema": SCHEMA,
        **_run(report),
        "instance": report.identity.instance_name or report.identity.computer_name,
        "identity": plain(report.identity),
        "window": window_document(report.window),
        "budget": dict(budget),
        "left_out": plain(left_out),
        "members": [dict(member) for member in members],
    }


def bundle_id(incident: str, members: Iterable[Mapping[str, Any]]) -> str:
    """The bundle's id, from its incident's key and its members' hashes: the same content has the same id wherever it
    is sent. The members that show the id can't be among them; they are made from the others."""
    hashes = [[member["name"], member["sha256"]] for member in members if member["name"] not in SHOW_THE_ID]
    return digest([incident, hashes])


def incident_key(report: Report) -> str:
    """The same for every bundle about the same failure of the same instance."""
    parts: list[object] = [_who(report.identity), report.verdict]
    if report.findings:
        failure = report.findings[0].failure
        parts += [failure.extension, failure.name, failure.operation, failure.sequence, failure.exit_code]
        parts += [iso(failure.hang_since or failure.first_time)]
    return digest(parts)


def digest(value: object) -> str:
    """16 hexadecimal digits of the SHA-256 of a JSON value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:ID_DIGITS]


def _who(identity: Identity) -> str | None:
    return identity.vm_id or identity.resource_id or identity.instance_name or identity.computer_name
