"""The page of one bundle: first the answer, then the proof. Of an encrypted one what its envelope tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from collector.bundle import checks, words
from collector.bundle.envelope import Envelope
from collector.bundle.reader import Bundle
from collector.endpoint.access.caller import caller
from collector.endpoint.pages.address import address
from collector.endpoint.pages.excerpts import CONTEXT, MOST_CONTEXT, Lines, lines_of, part_of
from collector.endpoint.pages.machine import machine
from collector.endpoint.pages.naming import known_rules, rule_title
from collector.endpoint.pages.opening import NotShownError, Received, received
from collector.endpoint.pages.retold import report_of
from collector.endpoint.pages.ticket import ticket
from collector.endpoint.pages.tickets import spread_of
from collector.endpoint.pages.timeline.making import LABELS
from collector.endpoint.pages.timeline.picture import NARROW, WIDE, is_true_to_scale, picture, said
from collector.endpoint.pages.timeline.rows import Timeline
from collector.endpoint.pages.timelines import timeline_of
from collector.endpoint.parts import Parts
from collector.endpoint.reading.api import number
from collector.endpoint.reading.bundles import Told, findings_of
from collector.endpoint.reading.choice import Within
from collector.model import Cause, Finding, Report

#: Sources on the page of a bundle, and on a page of their own.
_MOST_SOURCES, SOURCES = 40, 300
#: Findings that are told in full, of each the lines that tell it, the other causes and what speaks for these.
_MOST_FINDINGS, _MOST_EVIDENCE, _MOST_CAUSES, _MOST_REASONS = 6, 8, 3, 2

#: The same lines of a finding that the answer is not about.
_FEW_EVIDENCE = 3
#: Characters of a line of evidence.
_LONGEST = 250
#: No bundle has more excerpts than these digits can count.
_PLACE_DIGITS = 6


def add_bundle(app: FastAPI, parts: Parts) -> None:
    pages = parts.pages

    @app.get("/bundles/{bundle_id}", include_in_schema=False)
    def bundle(request: Request, bundle_id: str) -> Response:
        within = caller(request).within
        try:
            with received(parts, within, bundle_id) as found:
                template, values = received_view(parts, request, found)
                return pages.show(request, template, here="bundles", **values)
        except NotShownError as error:
            return unreadable(request, parts, error)

    @app.get("/bundles/{bundle_id}/excerpts/{place}", include_in_schema=False)
    def excerpt(request: Request, bundle_id: str, place: str) -> Response:
        at = number(request.query_params.get("at"), 0, 10**18)
        try:
            with received(parts, caller(request).within, bundle_id) as found:
                opened = plain(found)
                if not place.isdecimal() or len(place) > _PLACE_DIGITS or int(place) >= len(opened.excerpts):
                    raise NotShownError(404, "This bundle has no such lines.", "Its page lists those that it has.")
                return pages.show(request, "excerpt.html", here="bundles", **excerpt_view(opened, int(place), at))
        except NotShownError as error:
            return unreadable(request, parts, error)

    @app.get("/bundles/{bundle_id}/sources", include_in_schema=False)
    def sources(request: Request, bundle_id: str) -> Response:
        offset = number(request.query_params.get("offset"), 0, 10**6)
        try:
            with received(parts, caller(request).within, bundle_id) as found:
                return pages.show(request, "sources.html", here="bundles", **sources_view(plain(found), offset))
        except NotShownError as error:
            return unreadable(request, parts, error)


def plain(found: Received) -> Bundle:
    """Raises NotShownError where the bundle is encrypted."""
    if isinstance(found.content, Bundle):
        return found.content
    hint = "It was encrypted on the instance. Its page tells how to read it where the private key lies."
    raise NotShownError(409, "This endpoint can't read the lines of this bundle.", hint, found.entry)


def unreadable(request: Request, parts: Parts, error: NotShownError) -> HTMLResponse:
    """What is known of a bundle that can't be shown, and what to do."""
    values = {"message": str(error), "hint": error.hint, "entry": error.entry}
    return parts.pages.show(request, "unreadable.html", error.status, here="bundles", **values)


def told_of(parts: Parts, within: Within, bundle_id: str) -> dict[int, Told]:
    """By the number of a finding: the incident that it belongs to. Nothing while the bundle waits to be indexed."""
    with parts.database.reading() as connection:
        return {told.number: told for told in findings_of(connection, within, bundle_id)}


# ---- what the templates show ---------------------------------------------------------------------------


def received_view(parts: Parts, request: Request, found: Received) -> tuple[str, dict[str, Any]]:
    """The template and what it shows. BundleError where a member is damaged."""
    content = found.content
    told = told_of(parts, caller(request).within, content.id)
    values: dict[str, Any] = {"told": told, "entry": found.entry}
    if not isinstance(content, Bundle):
        return "encrypted.html", values | envelope_view(content)
    context = number(request.query_params.get("context"), CONTEXT, MOST_CONTEXT)
    drawn = partial(parts.timelines.of, sha256=found.entry.sha256)
    view = bundle_view(content, told, context=context, address=address(parts, request), drawn=drawn)
    return "bundle.html", values | view


def envelope_view(envelope: Envelope) -> dict[str, Any]:
    """What is known of an encrypted bundle."""
    named = [{"document": finding, "rule": known_rules().get(finding["id"])} for finding in envelope.findings]
    return {
        "bundle": envelope,
        "findings": named,
        "headline": _headline(envelope),
        "identity": envelope.identity,
        "where": words.where(envelope.identity, whole=False),
        "window": envelope.window,
    }


def bundle_view(
    bundle: Bundle,
    told: Mapping[int, Told],
    *,
    context: int = CONTEXT,
    address: str = "/",
    drawn: Callable[[Bundle], Timeline | None] = timeline_of,
) -> dict[str, Any]:
    """Everything that the bundle itself tells. BundleError where a member is damaged."""
    report = report_of(bundle)
    system, identity = report.identity.system, report.identity
    kept = frozenset(entry.path for entry in report.ledger if entry.note.startswith(words.KEPT))
    head = words.head(report)
    proof = words.proof(head)[1] if head else None
    lines = lines_of(report.excerpts, bundle.id, system, kept, context, proof.path if proof else "")
    head_number = report.findings.index(head) if head else 0
    return {
        "bundle": bundle,
        "report": report,
        "identity": identity,
        "headline": words.headline(report).removeprefix("VMEXT ").removeprefix(words.VERDICTS[report.verdict]).strip(),
        "where": words.where(identity),
        "head": head and finding_view(head, report, lines),
        "head_number": head_number,
        "findings": [
            finding_view(finding, report, lines, _MOST_EVIDENCE if finding is head else _FEW_EVIDENCE)
            for finding in report.findings[:_MOST_FINDINGS]
        ],
        "findings_left": max(0, len(report.findings) - _MOST_FINDINGS),
        "ids": words.ids(identity),
        "native": lambda path: words.native(path, system),
        "gaps": words.gaps(report.ledger, system),
        "lines": lines,
        "context": context,
        "steps": steps_view(drawn(bundle), lines),
        "why": words.trigger(report.trigger),
        "window": report.window,
        "checks": checks.violated(report.practices),
        "checks_told": checks.counted(report.practices),
        "machine": machine(report.system),
        "redactions": redactions(bundle),
        "ticket": ticket(report, bundle.id, address, spread_of(told.get(head_number))),
        **ledger_view(report, 0, _MOST_SOURCES),
    }


def finding_view(finding: Finding, report: Report, lines: Lines, most: int = 0) -> dict[str, Any]:
    """With so many of the lines that tell it."""
    failure, system = finding.failure, report.identity.system
    quote, proof = words.proof(finding)
    cause = finding.causes[0] if finding.causes else None
    evidence = sorted(failure.evidence, key=lambda one: one.role != "telling")
    return {
        "finding": finding,
        "failure": failure,
        "subject": words.subject(failure),
        "quote": quote,
        "place": f"{words.native(proof.path, system)}:{proof.line}" if proof and proof.path else "",
        "link": lines.link(proof.path, proof.line) if proof else "",
        "often": words.how_often(failure),
        "seen": _facts(cause) if cause else [],
        "others": [
            {
                "cause": other,
                "evidence": [_evidence(one, system, lines) for one in other.evidence[:_MOST_REASONS]],
            }
            for other in finding.causes[1 : 1 + _MOST_CAUSES]
        ],
        "evidence": [_evidence(one, system, lines) for one in evidence[:most]],
        "source": finding.documentation if finding.documentation.startswith("https://") else "",
        "limit": words.seconds(failure.limit_seconds) if failure.limit_seconds else "",
    }


def _facts(cause: Cause) -> list[str]:
    """What the machine showed that speaks for it."""
    told = dict.fromkeys(one.text[:_LONGEST] for one in cause.evidence if one.role == "fact")
    return list(told)[:_MOST_REASONS]


def _evidence(one: Any, system: Any, lines: Lines) -> dict[str, Any]:
    place = f"{words.native(one.path, system)}:{one.line}" if one.path else ""
    return {"text": one.text[:_LONGEST], "time": one.time, "place": place, "link": lines.link(one.path, one.line)}


def steps_view(made: Timeline | None, lines: Lines, key: str = "steps") -> dict[str, Any] | None:
    """The picture for wide and narrow windows, and the same as a table; None where no line tells of a step."""
    if made is None:
        return None
    rows = [
        {
            "who": lane.label or row.label,
            "step": LABELS[row.step] if row.step else "All steps",
            "row": row,
            "said": said(row.outcome),
            "link": lines.link(row.path, row.line),
        }
        for lane in made.lanes
        for row in lane.rows
    ]
    return {
        "wide": picture(made, WIDE, key),
        "narrow": picture(made, NARROW, f"{key}-narrow"),
        "rows": rows,
        "timeline": made,
        "is_true": is_true_to_scale(made),
        "day": made.start.date(),
        "is_one_day": made.start.date() == made.end.date(),
    }


def redactions(bundle: Bundle) -> list[tuple[str, int]]:
    """What was taken out before the bundle was written, and how often."""
    document = bundle.redactions
    rows = document.get("redactions") if isinstance(document, dict) else None
    counts = Counter[str]()
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and isinstance(row.get("count"), int):
            counts[str(row.get("pattern") or "a secret")] += row["count"]
    return counts.most_common(30)


def ledger_view(report: Report, offset: int, most: int) -> dict[str, Any]:
    """What was not read comes first."""
    rank = {entry.path: entry.outcome in words.GOOD_OUTCOMES | words.NO_SOURCE for entry in report.ledger}
    ordered = sorted(report.ledger, key=lambda entry: (rank[entry.path], entry.outcome == "missing", entry.path))
    return {"ledger": ordered[offset : offset + most], "ledger_total": len(ordered)}


def sources_view(bundle: Bundle, offset: int) -> dict[str, Any]:
    report = report_of(bundle)
    system = report.identity.system
    shown: Mapping[str, Any] = ledger_view(report, offset, SOURCES)
    rows: Sequence[Any] = shown["ledger"]
    return {
        **shown,
        "bundle": bundle,
        "identity": report.identity,
        "native": lambda path: words.native(path, system),
        "gaps": words.gaps(report.ledger, system),
        "offset": offset,
        "until": offset + len(rows),
        "most": SOURCES,
    }


def excerpt_view(bundle: Bundle, place: int, at: int) -> dict[str, Any]:
    excerpt, identity = bundle.excerpts[place], bundle.identity
    return {
        "bundle": bundle,
        "identity": identity,
        "excerpt": excerpt,
        "place": place,
        "path": words.native(excerpt.path, identity.system),
        "part": part_of(excerpt, at or None),
        "at": at,
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
