"""The findings of report.html: what happened, what it means, what to do, and the lines that tell it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from collector.bundle import words
from collector.bundle.html import definitions, esc, tag
from collector.bundle.likely import likely
from collector.model import Evidence, Failure, Finding, Report, System, iso, order

Anchors = Mapping[tuple[str, int], str]

SURE = {"high": "very", "medium": "fairly", "low": "hardly, this is a guess"}
KINDS = {"failure": "failed", "hang": "hangs", "warning": "warning"}
_MOST_EVIDENCE = 40
_LONGEST_TEXT = 600  # characters of a line in the timeline


def card(finding: Finding, report: Report, anchors: Anchors) -> str:
    """One finding, readable without the others."""
    failure, system = finding.failure, report.identity.system
    title = words.subject(failure) + (f": {finding.title}" if finding.title else "")
    badge = tag("span", KINDS[failure.kind], class_="badge")
    return tag(
        "article",
        tag("div", badge, tag("h3", esc(title)), class_="top"),
        _consequence(failure),
        tag("h4", "The line that tells it"),
        tag("pre", esc(words.proof(finding)[0] or "no line tells it"), class_="proof"),
        tag("p", _told_by(finding, system, anchors), class_="soft"),
        tag("div", _meaning(finding), _remedy(finding), class_="two"),
        likely(finding, system),
        tag("h4", "Facts"),
        definitions(_facts(finding)),
        _timeline(failure, system, anchors),
        _detail(failure),
        class_=f"card {failure.kind}",
    )


def _consequence(failure: Failure) -> str:
    if failure.caused_by is None:
        return ""
    text = f"This only follows from the failure of {words.short(failure.caused_by)}; repair that one."
    return tag("p", tag("strong", esc(text)))


def _told_by(finding: Finding, system: System, anchors: Anchors) -> str:
    proof = words.proof(finding)[1]
    often = esc(words.how_often(finding.failure))
    return f"{_place(proof, system, anchors)}; {often}" if proof else often


def _place(evidence: Evidence, system: System, anchors: Anchors) -> str:
    text = tag("code", esc(f"{words.native(evidence.path, system)}:{evidence.line}"))
    anchor = anchors.get((evidence.path, evidence.line))
    return tag("a", text, href=f"#{anchor}") if anchor else text


def _meaning(finding: Finding) -> str:
    meaning = finding.meaning or "No rule explains this failure yet."
    sure = tag("p", f"How sure: {SURE[finding.confidence]}", class_="soft")
    return tag("div", tag("h4", "What it means"), tag("p", esc(meaning)), sure, _source(finding.documentation))


def _source(documentation: str) -> str:
    if not documentation:
        return ""
    shown = esc(documentation)
    if documentation.startswith("https://") and not any(sign.isspace() for sign in documentation):
        shown = tag("a", shown, href=documentation, rel="noreferrer noopener")
    return tag("p", "From: ", shown, class_="soft")


def _remedy(finding: Finding) -> str:
    steps = tag("ul", *(tag("li", tag("pre", esc(step))) for step in finding.do), class_="steps") if finding.do else ""
    remedy = finding.remedy or "Nothing is known; read the lines around the proof."
    dont = tag("p", tag("strong", "Do not: "), esc(finding.dont)) if finding.dont else ""
    return tag("div", tag("h4", "What to do"), tag("p", esc(remedy)), steps, dont)


def _facts(finding: Finding) -> list[tuple[str, object]]:
    failure = finding.failure
    facts: list[tuple[str, object]] = [
        ("Owner", words.OWNERS[finding.owner]),
        ("When", _when(failure)),
        ("Extension", failure.extension),
        ("Version", failure.version),
        ("Operation", failure.operation),
        ("Sequence number", failure.sequence),
        ("Exit code", words.code(failure.exit_code) if failure.exit_code is not None else "none told"),
    ]
    more = [
        ("Name", failure.name),
        ("Guest agent's code", failure.agent_code),
        ("Status file's code (not the exit code)", failure.status_code),
        ("Limit", words.seconds(failure.limit_seconds) if failure.limit_seconds else None),
        ("Rule", finding.id),
    ]
    return [*facts, *((name, value) for name, value in more if value is not None)]


def _when(failure: Failure) -> str:
    if failure.kind == "hang" and failure.hang_since:
        local = "" if failure.hang_since.tzinfo else f" {words.LOCAL}"
        return f"since {words.stamp(failure.hang_since)}{local}"
    return words.period(failure.first_time, failure.last_time)


def _timeline(failure: Failure, system: System, anchors: Anchors) -> str:
    """The lines that tell of the failure in the order of their times; those without a time last."""
    told = sorted(failure.evidence, key=lambda evidence: (evidence.time is None, order(evidence.time)))
    if not told:
        return ""
    items = [_moment(evidence, system, anchors) for evidence in told[:_MOST_EVIDENCE]]
    if len(told) > _MOST_EVIDENCE:
        items.append(tag("li", esc(f"{len(told) - _MOST_EVIDENCE} more lines in findings.json"), class_="soft"))
    return tag("h4", "How it went") + tag("ol", *items, class_="timeline")


def _moment(evidence: Evidence, system: System, anchors: Anchors) -> str:
    at = tag("span", "no time", class_="unknown")
    if evidence.time is not None:
        at = tag("time", esc(words.stamp(evidence.time)), datetime=iso(evidence.time))
        at += "" if evidence.time.tzinfo else f" {words.LOCAL}"
    text = evidence.text if len(evidence.text) <= _LONGEST_TEXT else evidence.text[:_LONGEST_TEXT] + " ..."
    meta = tag("span", at, " · ", _place(evidence, system, anchors), f" · {esc(evidence.role)}", class_="meta")
    return tag("li", meta, tag("span", esc(text), class_="text"), class_=evidence.role)


def _detail(failure: Failure) -> str:
    if not failure.detail or failure.detail.strip() == failure.message.strip():
        return ""
    summary = tag("summary", "The failure's whole text")
    return tag("details", summary, tag("pre", esc(failure.detail)))
