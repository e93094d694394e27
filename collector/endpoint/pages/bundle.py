"""The page of one bundle; of an encrypted one what its envelope tells, and how to read the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from collector.bundle import checks, words
from collector.bundle.envelope import Envelope
from collector.bundle.reader import Bundle, open_received
from collector.endpoint.pages.naming import known_rules, rule_title
from collector.endpoint.parts import Parts
from collector.errors import BundleError
from collector.model import Failure, iso, order


def add_bundle(app: FastAPI, parts: Parts) -> None:
    pages, index = parts.pages, parts.index

    @app.get("/bundles/{bundle_id}", include_in_schema=False)
    def bundle(request: Request, bundle_id: str) -> Response:
        receipt = index.receipt(bundle_id)
        if receipt is None:
            return pages.error("There is no bundle with this id.", 404, person=request.scope.get("caller"))
        try:
            opened = open_received(parts.store.path(receipt["sha256"]), parts.limits)
            template, values = received_view(opened, receipt)
            return pages.show(request, template, here="bundles", **values)
        except (BundleError, OSError) as error:
            message = f"The stored bundle can't be read: {error}"
            return pages.error(message, 500, person=request.scope.get("caller"))


def received_view(bundle: Bundle | Envelope, receipt: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """The template and what it shows. Raises BundleError where a member is damaged."""
    if isinstance(bundle, Bundle):
        return "bundle.html", bundle_view(bundle, receipt)
    named = [{"document": finding, "rule": known_rules().get(finding["id"])} for finding in bundle.findings]
    return "encrypted.html", {
        "bundle": bundle,
        "receipt": receipt,
        "findings": named,
        "headline": _headline(bundle),
        "identity": bundle.identity,
        "where": words.where(bundle.identity, whole=False),
        "window": bundle.window,
    }


def bundle_view(bundle: Bundle, receipt: Mapping[str, str]) -> dict[str, Any]:
    failures = bundle.failures
    findings = [
        {
            "document": document,
            "timeline": _timeline(failures[number]) if number < len(failures) else [],
            "seen": _seen(document),
            "others": (document.get("causes") or [])[1:],
        }
        for number, document in enumerate(bundle.findings)
    ]
    system = bundle.identity.system
    return {
        "bundle": bundle,
        "receipt": receipt,
        "findings": findings,
        "identity": bundle.identity,
        "ids": words.ids(bundle.identity),
        "where": words.where(bundle.identity),
        "native": lambda path: words.native(path, system),
        "gaps": words.gaps(bundle.ledger, system),
        "excerpts": sorted(bundle.excerpts, key=lambda excerpt: (not excerpt.failing, excerpt.path)),
        "kept": {entry.path for entry in bundle.ledger if entry.note.startswith(words.KEPT)},
        "window": bundle.window,
        "why": words.trigger(bundle.trigger),
        "checks": checks.violated(bundle.practices),
        "checks_told": checks.counted(bundle.practices),
        "headline": bundle.summary.split("\n", 1)[0].removeprefix("VMEXT "),
        "iso": iso,
    }


def _headline(envelope: Envelope) -> str:
    """What the summary's first line would say, as far as the envelope tells it."""
    if not envelope.findings:
        return "No failure and no hang found in the window"
    first = envelope.findings[0]
    code = "" if first["exit_code"] is None else f" exit {words.code(first['exit_code'])}"
    more = len(envelope.findings) - 1
    told = f"{words.short(first['extension'])}{code}: {rule_title(first['id'])}"
    return f"{told} (and {words.plural(more, 'more finding')})" if more else told


def _seen(finding: Mapping[str, Any]) -> list[str]:
    """What the machine showed that speaks for the likeliest cause: disks, memory, locks, processes."""
    causes = finding.get("causes") or [{}]
    return list(dict.fromkeys(one["text"] for one in causes[0].get("evidence") or [] if one.get("role") == "fact"))


def _timeline(failure: Failure) -> list[dict[str, Any]]:
    """The lines that tell of a failure in the order of time, with when the hang began."""
    rows = [
        {
            "time": evidence.time,
            "path": evidence.path,
            "line": evidence.line,
            "text": evidence.text,
            "role": evidence.role,
        }
        for evidence in failure.evidence
        if evidence.time is not None
    ]
    if failure.hang_since is not None:
        rows.append(
            {
                "time": failure.hang_since,
                "path": "",
                "line": 0,
                "text": "the operation began and did not end",
                "role": "start",
            }
        )
    return sorted(rows, key=lambda row: order(row["time"]))
